use super::{
    BatchSampler,
    random::{deal_batches, epoch_rng},
};
use alloc::vec::Vec;

/// Batches without repeated keys, reshuffled each epoch.
///
/// A ranking loss uses all other answers of a batch as negatives, so two samples of one answer would
/// train against the right answer. Every sample occurs exactly once per epoch. The number of batches is
/// the minimum, `max(⌈n / batch⌉, count of the most frequent key)`, and batch sizes differ by at most
/// 1. An epoch costs `O(n log n)` for sorting by key.
///
/// The `NoDuplicatesBatchSampler` of sentence-transformers fills one batch after the other and scans
/// all remaining samples for each. It is quadratic for repeated keys, and its last batches hold single
/// samples of the most frequent key, which give a ranking loss nothing to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoDuplicates {
    keys: Vec<u64>,
    batch: usize,
    seed: u64,
}

impl NoDuplicates {
    /// Creates batches of at most `batch` (at least 1) samples. `keys` holds the key of each sample,
    /// for example its [subgroup](super::subgroups).
    #[must_use]
    pub fn new(keys: Vec<u64>, batch: usize, seed: u64) -> Self {
        Self { keys, batch, seed }
    }
}

impl BatchSampler for NoDuplicates {
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        deal_batches(&self.keys, self.batch, &mut epoch_rng(self.seed, epoch))
    }
}
