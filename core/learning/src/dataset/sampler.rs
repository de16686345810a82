use super::random::{epoch_rng, shuffle};
use alloc::vec::Vec;

/// Which samples make the batches of an epoch.
///
/// What it says depends on nothing but itself and the epoch's number, so that a run can be taken up
/// again at any batch of any epoch.
///
/// # Example
///
/// ```
/// use crate::dataset::{BatchSampler, Shuffled};
///
/// let sampler = Shuffled { len: 100, batch: 32, seed: 42 };
/// let batches = sampler.epoch(7);
/// assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [32, 32, 32, 4]);
/// assert_eq!(sampler.epoch(7), batches);
/// assert_ne!(sampler.epoch(8), batches);
/// ```
pub trait BatchSampler {
    /// The batches of an epoch, as numbers of samples.
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>>;
}

/// All samples in their order, `batch` at once (at least 1); the last batch may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequential {
    /// Number of samples.
    pub len: usize,
    /// Samples a batch.
    pub batch: usize,
}

impl BatchSampler for Sequential {
    fn epoch(&self, _epoch: u64) -> Vec<Vec<usize>> {
        cut((0..self.len).collect(), self.batch)
    }
}

/// All samples in another order each epoch, `batch` at once (at least 1); the last batch may be
/// smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffled {
    /// Number of samples.
    pub len: usize,
    /// Samples a batch.
    pub batch: usize,
    /// Seed of the orders.
    pub seed: u64,
}

impl BatchSampler for Shuffled {
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut numbers: Vec<usize> = (0..self.len).collect();
        shuffle(&mut numbers, &mut epoch_rng(self.seed, epoch));
        cut(numbers, self.batch)
    }
}

fn cut(numbers: Vec<usize>, batch: usize) -> Vec<Vec<usize>> {
    numbers
        .chunks(batch.max(1))
        .map(<[usize]>::to_vec)
        .collect()
}
