use super::*;
use crate::{
    encoder::{Encoder, NotFrozen, tests::Counting},
    matrix::Matrix,
    sample::BatchError,
};
use alloc::{collections::BTreeMap, string::String};
use core::cell::Cell;
use proptest::prelude::*;

/// Data set that counts reads.
struct Read<'a, D> {
    dataset: D,
    reads: &'a Cell<usize>,
}

impl<D: Dataset> Dataset for Read<'_, D> {
    type Sample = D::Sample;
    type Error = D::Error;

    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn sample(&self, number: usize) -> Result<Cow<'_, D::Sample>, D::Error> {
        self.reads.set(self.reads.get() + 1);
        self.dataset.sample(number)
    }
}

fn pairs(n: usize) -> Vec<PairSample<String>> {
    let pair = |i: usize| PairSample {
        a: "q".repeat(i + 1),
        b: "a".repeat(10 * (i + 1)),
        score: i as f32 / 10.0,
        subgroup: (i / 2) as u64,
    };
    (0..n).map(pair).collect()
}

#[test]
fn sample_rejects_number_out_of_range() {
    let (number, len) = (3, 3);
    let expected = OutOfRange { number, len };
    assert_eq!(pairs(3).sample(3).err(), Some(expected));
    assert!(Subset::new(pairs(3), alloc::vec![1]).sample(1).is_err());
    assert!(pairs(3).samples(&[0, 9]).is_err());
}

#[test]
fn collate_puts_all_a_before_all_b() {
    let pairs = pairs(3);
    let (objects, targets) = collate(&pairs[1..]);
    let lengths: Vec<usize> = objects.iter().map(|object| object.len()).collect();
    assert_eq!(lengths, [2, 3, 20, 30]);
    assert_eq!(targets.scores, [0.1, 0.2]);
    assert_eq!(targets.subgroups, [0, 1]);
}

#[test]
fn subgroups_are_distinct_keys_if_all_equal() {
    let unknown = [
        PairSample::positive("a", "b"),
        PairSample::positive("c", "d"),
    ];
    assert_eq!(subgroups(&unknown.to_vec()).unwrap(), [0, 1]);
    assert_eq!(subgroups(&pairs(3)).unwrap(), [0, 0, 1]);
    let grouped = group_by_label([("x", 5), ("y", 9), ("z", 5)]);
    assert_eq!(groups_of(&grouped).unwrap(), [0, 1, 0]);
}

#[test]
fn subset_and_mapped_read_inner_data_set() {
    let mapped = Mapped::new(pairs(5), |pair: &PairSample<String>| GroupSample {
        item: pair.b.len(),
        group: pair.subgroup,
    });
    let some = Subset::new(&mapped, alloc::vec![4, 0]);
    let found: Vec<_> = some.samples(&[0, 1]).unwrap();
    let found: Vec<(usize, u64)> = found.iter().map(|s| (s.item, s.group)).collect();
    assert_eq!(found, [(50, 2), (10, 0)]);
    let drawn = Subset::draw(pairs(50), 20, 3);
    assert_eq!(drawn.len(), 20);
    assert!(drawn.numbers().windows(2).all(|w| w[0] < w[1]));
    assert_eq!(Subset::draw(pairs(50), 20, 3).numbers(), drawn.numbers());
    assert_ne!(Subset::draw(pairs(50), 20, 4).numbers(), drawn.numbers());
    assert_eq!(Subset::draw(pairs(5), 20, 3).len(), 5);
}

#[test]
fn remembered_reads_and_encodes_in_first_pass_only() {
    let reads = Cell::new(0);
    let dataset = Read {
        dataset: pairs(10),
        reads: &reads,
    };
    let encoder = Counting::new(1.0, false);
    let mut remembered = Remembered::<Matrix, _, _>::new(dataset, &encoder).unwrap();
    let sampler = Shuffled {
        len: 10,
        batch: 4,
        seed: 1,
    };
    for epoch in 0..3 {
        for numbers in sampler.epoch(epoch) {
            let (embeddings, targets) = remembered.batch(&numbers).unwrap();
            let lengths: Vec<f32> = embeddings.iter_rows().map(|row| row[0]).collect();
            let a = numbers.iter().map(|&i| (i + 1) as f32);
            let b = numbers.iter().map(|&i| (10 * (i + 1)) as f32);
            assert_eq!(lengths, a.chain(b).collect::<Vec<_>>());
            let scores: Vec<f32> = numbers.iter().map(|&i| i as f32 / 10.0).collect();
            let subgroups: Vec<u64> = numbers.iter().map(|&i| (i / 2) as u64).collect();
            assert_eq!((targets.scores, targets.subgroups), (scores, subgroups));
        }
        // Only the first pass reads and encodes.
        assert_eq!((reads.get(), encoder.encoded.get()), (10, 20));
        assert_eq!(remembered.cached_count(), 10);
    }
}

#[test]
fn remembered_reads_nothing_after_fill() {
    let reads = Cell::new(0);
    let items = ["a", "bb", "ccc", "dddd", "eeeee"].map(String::from);
    let dataset = Read {
        dataset: group_by_label(items.into_iter().zip([0, 0, 1, 1, 1])),
        reads: &reads,
    };
    let encoder = Counting::new(1.0, false);
    let mut remembered = Remembered::<Matrix, _, _>::new(dataset, &encoder).unwrap();
    remembered.fill(2).unwrap();
    assert_eq!((reads.get(), encoder.encoded.get()), (5, 5));
    let (embeddings, groups) = remembered.batch(&[4, 0, 4]).unwrap();
    assert_eq!(embeddings.data(), [5.0, 1.0, 1.0, 1.0, 5.0, 1.0]);
    assert_eq!(groups, [1, 0, 1]);
    assert_eq!(reads.get(), 5);
    let empty = remembered.batch(&[]).unwrap_err();
    assert!(matches!(empty, LoadError::Batch(BatchError::Empty)));
    let beyond = remembered.batch(&[0, 5]).unwrap_err();
    assert!(matches!(beyond, LoadError::Dataset(OutOfRange { .. })));
}

#[test]
fn remembered_rejects_trainable_encoder() {
    let encoder = Counting::new(1.0, true);
    assert!(encoder.trainable());
    let refused = Remembered::<Matrix, _, _>::new(pairs(2), &encoder);
    assert_eq!(refused.err(), Some(NotFrozen));
}

/// Sample numbers of an epoch, sorted.
fn sorted_numbers(batches: &[Vec<usize>]) -> Vec<usize> {
    let mut numbers: Vec<usize> = batches.concat();
    numbers.sort_unstable();
    numbers
}

#[test]
fn shuffled_order_is_fixed_for_seed() {
    let sampler = Shuffled {
        len: 8,
        batch: 8,
        seed: 42,
    };
    // Reference values of an independent implementation of Wyrand and Fisher–Yates.
    assert_eq!(sampler.epoch(0), [[6, 1, 7, 0, 3, 2, 5, 4]]);
    let order = |seed, epoch| {
        let (len, batch) = (1000, 1000);
        Shuffled { len, batch, seed }.epoch(epoch)
    };
    assert_ne!(order(0, 1), order(1, 0));
    assert_ne!(order(0, 0), order(0, 1));
}

#[test]
fn no_duplicates_adds_batches_for_frequent_key() {
    let keys: Vec<u64> = (0..200).map(|i| if i < 100 { 0 } else { i }).collect();
    let batches = NoDuplicates::new(keys, 32, 1).epoch(0);
    assert_eq!(batches.len(), 100);
    assert!(batches.iter().all(|batch| batch.len() == 2));
}

#[test]
fn groups_fill_batches_if_sizes_are_multiples_of_k() {
    let of: Vec<u64> = (0..96).map(|i| i / 8).collect();
    let batches = Groups::new(&of, 4, 4, 7).epoch(3);
    assert_eq!(batches.len(), 6);
    for batch in &batches {
        let mut items: BTreeMap<u64, usize> = BTreeMap::new();
        for &number in batch {
            *items.entry(of[number]).or_default() += 1;
        }
        assert_eq!(items.into_values().collect::<Vec<_>>(), [4, 4, 4, 4]);
    }
    assert_eq!(sorted_numbers(&batches), (0..96).collect::<Vec<_>>());
}

#[test]
fn groups_split_evenly() {
    let batches = Groups::new(&[0; 5], 2, 4, 7).epoch(0);
    let mut sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 3]);
}

proptest! {
    #[test]
    fn no_duplicates_yields_each_sample_once_and_distinct_keys(
        keys in prop::collection::vec(0u64..12, 0..80),
        batch in 1usize..20,
        seed in any::<u64>(),
        epoch in 0u64..100,
    ) {
        let sampler = NoDuplicates::new(keys.clone(), batch, seed);
        let batches = sampler.epoch(epoch);
        prop_assert_eq!(sorted_numbers(&batches), (0..keys.len()).collect::<Vec<_>>());
        for numbers in &batches {
            prop_assert!(!numbers.is_empty() && numbers.len() <= batch);
            let mut own: Vec<u64> = numbers.iter().map(|&number| keys[number]).collect();
            own.sort_unstable();
            prop_assert!(own.windows(2).all(|pair| pair[0] != pair[1]));
        }
        // The number of batches is minimal and epochs are reproducible.
        let most = (0..12).map(|key| keys.iter().filter(|&&k| k == key).count()).max();
        let fewest = keys.len().div_ceil(batch).max(most.unwrap_or(0));
        prop_assert_eq!(batches.len(), fewest);
        prop_assert_eq!(sampler.epoch(epoch), batches);
    }

    #[test]
    fn groups_yield_each_item_once_within_p_and_k(
        of in prop::collection::vec(0u64..9, 0..60),
        p in 1usize..5,
        k in 1usize..5,
        seed in any::<u64>(),
    ) {
        let batches = Groups::new(&of, p, k, seed).epoch(1);
        prop_assert_eq!(sorted_numbers(&batches), (0..of.len()).collect::<Vec<_>>());
        for numbers in &batches {
            let mut items: BTreeMap<u64, usize> = BTreeMap::new();
            for &number in numbers {
                *items.entry(of[number]).or_default() += 1;
            }
            prop_assert!((1..=p).contains(&items.len()));
            prop_assert!(items.values().all(|&n| n <= k));
        }
    }

    #[test]
    fn sequential_and_shuffled_yield_each_sample_once(
        len in 0usize..60,
        batch in 0usize..9,
        seed in any::<u64>(),
    ) {
        let sequential = Sequential { len, batch }.epoch(5);
        let shuffled = Shuffled { len, batch, seed }.epoch(5);
        prop_assert_eq!(sequential.concat(), (0..len).collect::<Vec<_>>());
        prop_assert_eq!(sorted_numbers(&shuffled), (0..len).collect::<Vec<_>>());
        let sizes = |batches: &[Vec<usize>]| batches.iter().map(Vec::len).collect::<Vec<_>>();
        prop_assert_eq!(sizes(&sequential), sizes(&shuffled));
    }
}
