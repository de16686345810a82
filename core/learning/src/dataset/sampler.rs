use super::random::{epoch_rng, shuffle};
use alloc::vec::Vec;

/// Assigns samples to the batches of an epoch.
///
/// The batches depend only on the sampler and the epoch number, so a run can resume at any batch of any
/// epoch.
///
/// # Example
///
/// ```
/// use nearsay_core::dataset::{BatchSampler, Shuffled};
///
/// let sampler = Shuffled { len: 100, batch: 32, seed: 42 };
/// let batches = sampler.epoch(7);
/// assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 32, 4]);
/// assert_eq!(sampler.epoch(7), batches);
/// assert_ne!(sampler.epoch(8), batches);
/// ```
pub trait BatchSampler {
    /// Batches of an epoch, as sample numbers.
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>>;
}

/// Batches of `batch` samples (at least 1) in order; the last batch may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequential {
    /// Number of samples.
    pub len: usize,
    /// Samples per batch.
    pub batch: usize,
}

impl BatchSampler for Sequential {
    fn epoch(&self, _epoch: u64) -> Vec<Vec<usize>> {
        split_batches((0..self.len).collect(), self.batch)
    }
}

/// Batches of `batch` samples (at least 1), reshuffled each epoch; the last batch may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffled {
    /// Number of samples.
    pub len: usize,
    /// Samples per batch.
    pub batch: usize,
    /// Seed of the shuffles.
    pub seed: u64,
}

impl BatchSampler for Shuffled {
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut numbers: Vec<usize> = (0..self.len).collect();
        shuffle(&mut numbers, &mut epoch_rng(self.seed, epoch));
        split_batches(numbers, self.batch)
    }
}

fn split_batches(numbers: Vec<usize>, batch: usize) -> Vec<Vec<usize>> {
    numbers
        .chunks(batch.max(1))
        .map(<[usize]>::to_vec)
        .collect()
}
