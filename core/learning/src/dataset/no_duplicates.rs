use super::{
    BatchSampler,
    random::{deal, epoch_rng},
};
use alloc::vec::Vec;

/// Batches in which no two samples have the same key, in another order each epoch.
///
/// To a ranking loss every other answer of the batch is wrong, so two samples of one answer would teach
/// that the right answer is wrong. Every sample comes exactly once an epoch; what does not fit into one
/// batch goes into another. There are `max(⌈n / batch⌉, the most often used key's uses)` batches, the
/// fewest there can be, and their sizes differ by at most 1. An epoch costs `O(n log n)`, for putting
/// the samples in order of their keys.
///
/// sentence-transformers' `NoDuplicatesBatchSampler` fills one batch after the other and looks through
/// all remaining samples for each: quadratic when keys repeat, and the last batches hold what is left of
/// the most used key, a sample each, from which a ranking loss learns nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoDuplicates {
    keys: Vec<u64>,
    batch: usize,
    seed: u64,
}

impl NoDuplicates {
    /// Batches of at most `batch` (at least 1) of the samples that have these keys, for example their
    /// [`subgroups`](super::subgroups).
    #[must_use]
    pub fn new(keys: Vec<u64>, batch: usize, seed: u64) -> Self {
        Self { keys, batch, seed }
    }
}

impl BatchSampler for NoDuplicates {
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        deal(&self.keys, self.batch, &mut epoch_rng(self.seed, epoch))
    }
}
