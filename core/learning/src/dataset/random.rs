use alloc::vec::Vec;
use fastrand::Rng;

/// Random generator of an epoch, identical for the same seed and epoch on every platform.
pub(crate) fn epoch_rng(seed: u64, epoch: u64) -> Rng {
    // Mixing the seed first keeps epoch 1 of seed 0 different from epoch 0 of seed 1.
    let mixed = Rng::with_seed(seed).u64(..);
    Rng::with_seed(mixed ^ epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Fisher–Yates shuffle over 64-bit numbers; the result of fastrand's own shuffle depends on the
/// pointer width.
pub(crate) fn shuffle<V>(values: &mut [V], random: &mut Rng) {
    for last in (1..values.len()).rev() {
        let other = random.u64(0..=last as u64) as usize;
        values.swap(last, other);
    }
}

/// Draws `size` distinct numbers below `len`, ascending; returns all of them if `size` ≥ `len`.
pub(crate) fn draw_numbers(len: usize, size: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..len).collect();
    if size < len {
        shuffle(&mut numbers, &mut epoch_rng(seed, 0));
        numbers.truncate(size);
        numbers.sort_unstable();
    }
    numbers
}

/// Distributes indices over batches of at most `max` such that no batch has two indices of one key.
///
/// The number of batches is the minimum, `m = max(⌈n / max⌉, count of the most frequent key)`, and
/// batch sizes differ by at most 1: the indices are ordered by key and dealt round-robin, so `m`
/// consecutive indices go to `m` different batches. Costs `O(n log n)` for the ordering.
pub(crate) fn deal_batches(keys: &[u64], max: usize, random: &mut Rng) -> Vec<Vec<usize>> {
    let mut indices: Vec<usize> = (0..keys.len()).collect();
    shuffle(&mut indices, random);
    // Order of keys by first occurrence in the shuffled indices.
    let mut key_order = alloc::collections::BTreeMap::new();
    for &index in &indices {
        let next = key_order.len();
        key_order.entry(keys[index]).or_insert(next);
    }
    indices.sort_by_key(|&index| key_order.get(&keys[index]).copied());
    let runs = indices.chunk_by(|&a, &b| keys[a] == keys[b]);
    let longest = runs.map(<[usize]>::len).max().unwrap_or(0);
    let count = longest.max(keys.len().div_ceil(max.max(1)));
    let mut batches = alloc::vec![Vec::new(); count];
    for (position, index) in indices.into_iter().enumerate() {
        batches[position % count].push(index);
    }
    shuffle(&mut batches, random);
    batches
}
