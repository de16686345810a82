use alloc::vec::Vec;
use fastrand::Rng;

/// The numbers of one epoch: the same for the same seed and epoch on every platform.
pub(crate) fn epoch_rng(seed: u64, epoch: u64) -> Rng {
    // The seed is mixed first, so that epoch 1 of seed 0 is not epoch 0 of seed 1.
    let mixed = Rng::with_seed(seed).u64(..);
    Rng::with_seed(mixed ^ epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Shuffles as Fisher and Yates do, over 64-bit numbers: fastrand's own shuffle depends on the width of
/// a pointer.
pub(crate) fn shuffle<V>(values: &mut [V], random: &mut Rng) {
    for last in (1..values.len()).rev() {
        let other = random.u64(0..=last as u64) as usize;
        values.swap(last, other);
    }
}

/// `size` of the numbers below `of`, ascending, each at most once; all of them when `size` is larger.
pub(crate) fn draw(of: usize, size: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..of).collect();
    if size < of {
        shuffle(&mut numbers, &mut epoch_rng(seed, 0));
        numbers.truncate(size);
        numbers.sort_unstable();
    }
    numbers
}

/// Deals places into hands of at most `most`, such that no hand holds two places of one key.
///
/// There are as few hands as possible, `m = max(⌈n / most⌉, the most often used key's uses)`, and all
/// are of nearly equal size: the places, ordered by key, are dealt in turn, and `m` in a row meet each
/// hand once. `O(n log n)`, for the ordering.
pub(crate) fn deal(keys: &[u64], most: usize, random: &mut Rng) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..keys.len()).collect();
    shuffle(&mut places, random);
    // Keys in the order in which the shuffled places show them first.
    let mut turn = alloc::collections::BTreeMap::new();
    for &place in &places {
        let next = turn.len();
        turn.entry(keys[place]).or_insert(next);
    }
    places.sort_by_key(|&place| turn.get(&keys[place]).copied());
    let runs = places.chunk_by(|&a, &b| keys[a] == keys[b]);
    let longest = runs.map(<[usize]>::len).max().unwrap_or(0);
    let hands = longest.max(keys.len().div_ceil(most.max(1)));
    let mut dealt = alloc::vec![Vec::new(); hands];
    for (turn, place) in places.into_iter().enumerate() {
        dealt[turn % hands].push(place);
    }
    shuffle(&mut dealt, random);
    dealt
}
