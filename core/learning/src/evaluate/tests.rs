use super::*;
use crate::{
    dataset::{Subset, group_by_label},
    distance::{Cosine, Euclidean},
    encoder::Encoder,
    matrix::{Matrix, ShapeError},
    metric::{
        Metric, Ranks, RetrievalPrecision, RetrievalRPrecision, RetrievalReciprocalRank, rank_pairs,
    },
    sample::{GroupSample, PairSample, PairTargets},
};
use alloc::{boxed::Box, vec::Vec};
use core::cell::Cell;

/// Identity encoder that records its largest batch.
#[derive(Default)]
struct AsIs {
    largest: Cell<usize>,
}

impl Encoder<Matrix> for AsIs {
    type Input = [f32];
    type Error = ShapeError;

    fn dim(&self) -> usize {
        4
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&[f32]]) -> Result<Matrix, ShapeError> {
        self.largest.set(self.largest.get().max(batch.len()));
        Matrix::from_rows(batch)
    }
}

/// A distinct direction for each number.
fn direction(number: usize) -> Vec<f32> {
    let mut random = fastrand::Rng::with_seed(number as u64);
    (0..4).map(|_| random.f32() - 0.5).collect()
}

/// Pairs of nearly equal vectors.
fn perfect_pairs(n: usize) -> Vec<PairSample<Vec<f32>>> {
    let near = |v: &[f32]| v.iter().map(|x| x * 1.001).collect();
    (0..n)
        .map(|i| PairSample::positive(direction(i), near(&direction(i))))
        .collect()
}

/// Pairs of weakly correlated vectors.
fn noisy_pairs(n: usize) -> Vec<PairSample<Vec<f32>>> {
    let mix = |i: usize| {
        let noise = direction(i + 1000);
        let both = direction(i).into_iter().zip(noise);
        both.map(|(x, noise)| x + 0.7 * noise).collect()
    };
    (0..n)
        .map(|i| PairSample::positive(direction(i), mix(i)))
        .collect()
}

/// Groups with one direction each, interleaved.
fn perfect_groups(n: usize) -> Vec<GroupSample<Vec<f32>>> {
    let of = |i: usize| (i * 7) % 9;
    let near = |i: usize| {
        let v = direction(of(i));
        v.iter().map(|x| x * (1.0 + i as f32 * 1e-3)).collect()
    };
    group_by_label((0..n).map(|i| (near(i), of(i))))
}

type Named = (&'static str, Box<dyn Metric<Batch = Ranks>>);

impl Metric for Box<dyn Metric<Batch = Ranks>> {
    type Batch = Ranks;

    fn update(&mut self, ranks: &Ranks) {
        (**self).update(ranks);
    }

    fn compute(&self) -> Option<f32> {
        (**self).compute()
    }

    fn reset(&mut self) {
        (**self).reset();
    }
}

fn metrics() -> [Named; 3] {
    [
        ("rp@1", Box::new(RetrievalPrecision::new(1))),
        ("rrk", Box::new(RetrievalReciprocalRank::default())),
        ("rrp", Box::new(RetrievalRPrecision::default())),
    ]
}

fn evaluator<S: Sampler>(sampler: S) -> Evaluator<'static, Matrix, S> {
    metrics().into_iter().fold(
        Evaluator::new(&Cosine, sampler),
        |evaluator, (name, metric)| evaluator.with(name, metric),
    )
}

fn values(scores: &[Score]) -> Vec<f32> {
    scores.iter().map(|score| score.value.unwrap()).collect()
}

/// Quaterion's `PairSampler(distinguish=True)` returns 0.20 and 0.37 here, because over several batches
/// it reads labels from the rows of other objects.
#[test]
fn perfect_pairs_score_one_over_several_batches() {
    let pairs = perfect_pairs(20);
    for distinguish in [false, true] {
        for sample_size in [None, Some(7)] {
            for batch in [1, 3, 8, 20, 100] {
                let sampler = PairSampler {
                    sample_size,
                    distinguish,
                    batch,
                };
                let scores = evaluator(sampler).evaluate(&pairs, &AsIs::default());
                assert_eq!(values(&scores.unwrap()), [1.0, 1.0, 1.0], "{sampler:?}");
            }
        }
    }
}

/// Quaterion's `GroupSampler` returns 0.81 here: it excludes the `i`-th object of the data set instead of
/// the `i`-th drawn object, which finds itself.
#[test]
fn group_sample_excludes_drawn_object_itself() {
    let groups = perfect_groups(40);
    for sample_size in [None, Some(11), Some(39)] {
        for batch in [1, 7, 100] {
            for seed in 0..5 {
                let sampler = GroupSampler { sample_size, batch };
                let scores = evaluator(sampler)
                    .seed(seed)
                    .evaluate(&groups, &AsIs::default());
                let scores = values(&scores.unwrap());
                assert_eq!((scores[0], scores[2]), (1.0, 1.0), "{sampler:?} {seed}");
            }
        }
    }
}

#[test]
fn batch_size_does_not_change_scores() {
    let pairs = noisy_pairs(50);
    let groups: Vec<GroupSample<Vec<f32>>> = group_by_label((0..50).map(|i| (direction(i), i % 6)));
    for distinguish in [false, true] {
        let of = |batch| {
            let sampler = PairSampler {
                distinguish,
                batch,
                ..PairSampler::default()
            };
            let encoder = AsIs::default();
            let scores = evaluator(sampler).evaluate(&pairs, &encoder).unwrap();
            assert_eq!(encoder.largest.get(), 2 * batch.min(50));
            values(&scores)
        };
        let whole = of(50);
        assert!(whole.iter().all(|&x| x > 0.1 && x < 0.9), "{whole:?}");
        for batch in [1, 3, 16, 49, 80] {
            assert_eq!(of(batch), whole);
        }
    }
    let of = |batch| {
        let sampler = GroupSampler {
            batch,
            ..GroupSampler::default()
        };
        values(
            &evaluator(sampler)
                .evaluate(&groups, &AsIs::default())
                .unwrap(),
        )
    };
    for batch in [1, 7, 49, 80] {
        assert_eq!(of(batch), of(50));
    }
}

#[test]
fn evaluator_agrees_with_single_batch_of_all_samples() {
    let pairs = noisy_pairs(30);
    let rows: Vec<&Vec<f32>> = pairs
        .iter()
        .map(|pair| &pair.a)
        .chain(pairs.iter().map(|pair| &pair.b))
        .collect();
    let x = Matrix::from_rows(&rows).unwrap();
    let ranks = rank_pairs(&Cosine, &x, &PairTargets::positives(30)).unwrap();
    let expected: Vec<f32> = metrics()
        .into_iter()
        .map(|(_, mut metric)| {
            metric.update(&ranks);
            metric.compute().unwrap()
        })
        .collect();
    let found = evaluator(PairSampler::default()).evaluate(&pairs, &AsIs::default());
    assert_eq!(values(&found.unwrap()), expected);
}

#[test]
fn distinguish_ranks_only_b_objects() {
    // The second question is nearer to the first question than its answer.
    let pair = |a: [f32; 4], b: [f32; 4]| PairSample::positive(a.to_vec(), b.to_vec());
    let pairs = alloc::vec![
        pair([1.0, 0.0, 0.0, 0.0], [1.0, 0.5, 0.0, 0.0]),
        pair([1.0, 0.1, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]),
    ];
    let of = |distinguish| {
        let sampler = PairSampler {
            distinguish,
            ..PairSampler::default()
        };
        values(
            &evaluator(sampler)
                .evaluate(&pairs, &AsIs::default())
                .unwrap(),
        )[0]
    };
    assert_eq!((of(true), of(false)), (0.5, 0.0));
}

#[test]
fn sample_is_seeded_and_estimates_full_value() {
    let pairs = noisy_pairs(120);
    let sampler = |sample_size| PairSampler {
        sample_size,
        distinguish: true,
        batch: 16,
    };
    let of = |size, seed| {
        let scores = evaluator(sampler(size)).seed(seed);
        let mut evaluator = scores;
        values(&evaluator.evaluate(&pairs, &AsIs::default()).unwrap())
    };
    assert_eq!(of(Some(30), 1), of(Some(30), 1));
    assert_ne!(of(Some(30), 1), of(Some(30), 2));
    assert_eq!(of(None, 1), of(None, 2));
    assert_eq!(of(Some(120), 1), of(None, 2));

    let times = 60;
    let estimates = evaluator(sampler(Some(30)))
        .evaluate_repeated(&pairs, &AsIs::default(), times)
        .unwrap();
    for (estimate, whole) in estimates.iter().zip(of(None, 0)) {
        let (mean, deviation) = (estimate.mean.unwrap(), estimate.deviation.unwrap());
        assert_eq!(estimate.measurements, times);
        assert!(deviation > 0.0 && deviation < 0.2, "{estimate:?}");
        // Within four standard errors.
        let apart = 4.0 * deviation / (times as f32).sqrt();
        assert!((mean - whole).abs() < apart, "{estimate:?}, not {whole}");
    }
}

#[test]
fn estimate_computes_mean_and_sample_deviation() {
    let pairs = noisy_pairs(40);
    let sampler = PairSampler {
        sample_size: Some(10),
        ..PairSampler::default()
    };
    let single = |seed| {
        let mut evaluator = evaluator(sampler).seed(seed);
        values(&evaluator.evaluate(&pairs, &AsIs::default()).unwrap())[1]
    };
    let three = [5, 6, 7].map(single);
    let mut repeated = evaluator(sampler).seed(5);
    let found = repeated.evaluate_repeated(&pairs, &AsIs::default(), 3);
    let found = found.unwrap().swap_remove(1);
    let mean = three.iter().sum::<f32>() / 3.0;
    let variance = three.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / 2.0;
    assert_eq!(found.name, "rrk");
    assert!((found.mean.unwrap() - mean).abs() < 1e-6);
    assert!((found.deviation.unwrap() - variance.sqrt()).abs() < 1e-6);

    let mut whole = evaluator(PairSampler::default());
    let found = whole
        .evaluate_repeated(&pairs, &AsIs::default(), 4)
        .unwrap();
    assert!(found.iter().all(|estimate| estimate.deviation == Some(0.0)));
    let once = whole
        .evaluate_repeated(&pairs, &AsIs::default(), 1)
        .unwrap();
    assert!(once.iter().all(|estimate| estimate.deviation.is_none()));
}

#[test]
fn evaluate_accepts_subset_and_rejects_empty_set() {
    let pairs = perfect_pairs(30);
    let part = Subset::draw(&pairs, 5, 1);
    let encoder = AsIs::default();
    let scores = evaluator(PairSampler::default()).evaluate(&part, &encoder);
    assert_eq!(values(&scores.unwrap()), [1.0, 1.0, 1.0]);
    assert_eq!(encoder.largest.get(), 10);
    let none: Vec<PairSample<Vec<f32>>> = Vec::new();
    assert!(
        evaluator(PairSampler::default())
            .evaluate(&none, &encoder)
            .is_err()
    );
}

/// 2,100 items give 4.4 million distances, more than one block.
#[test]
fn blocked_ranking_agrees_with_full_matrix() {
    let groups: Vec<GroupSample<Vec<f32>>> =
        group_by_label((0..2100).map(|i| (direction(i), i % 300)));
    let x = groups.iter().map(|sample| sample.item.clone());
    let x = Matrix::from_rows(&x.collect::<Vec<_>>()).unwrap();
    let mut whole = Evaluator::new(&Euclidean, GroupSampler::default())
        .with("rrp", RetrievalRPrecision::default());
    let found = whole.evaluate(&groups, &AsIs::default()).unwrap()[0].value;
    // Reference over the full matrix.
    use crate::distance::Distance;
    let distances = Euclidean.distance_matrix(&x, &x).unwrap();
    let (mut hits, mut slots) = (0, 0);
    for i in 0..2100 {
        let mut order: Vec<usize> = (0..2100).filter(|&j| j != i).collect();
        order.sort_by(|&a, &b| distances.row(i)[a].total_cmp(&distances.row(i)[b]));
        hits += order[..6].iter().filter(|&&j| j % 300 == i % 300).count();
        slots += 6;
    }
    assert_eq!(
        found,
        Some((f64::from(hits as u32) / f64::from(slots)) as f32)
    );
}
