use super::{Ranks, rank_groups, rank_pairs};
use crate::{
    distance::Distance,
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Targets of a batch, as needed by metrics and evaluation.
///
/// The embeddings of the batch are `[OBJECTS · n, d]`: the first objects of all `n` samples, then the
/// second objects. Pairs ([`PairTargets`]) have two objects per sample, group members (`Vec<u64>`,
/// the group ids) have one.
pub trait Targets: Clone + Default {
    /// Number of objects, and of embeddings, per sample.
    const OBJECTS: usize;

    /// Number of samples.
    fn samples(&self) -> usize;

    /// Appends the samples of another batch.
    fn append(&mut self, other: &Self);

    /// Selects samples by index, in the given order and with repeats; indices out of range are
    /// skipped.
    #[must_use]
    fn select(&self, indices: &[usize]) -> Self;

    /// Ranks all embeddings of a batch; see [`rank_pairs`] and [`rank_groups`].
    ///
    /// # Errors
    /// If embeddings and targets differ in size, or the tensor back end fails.
    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
    ) -> Result<Ranks, BatchError<T::Error>>;
}

fn select_values<V: Copy>(values: &[V], indices: &[usize]) -> Vec<V> {
    let selected = indices.iter().filter_map(|&index| values.get(index));
    selected.copied().collect()
}

impl Targets for PairTargets {
    const OBJECTS: usize = 2;

    fn samples(&self) -> usize {
        self.len()
    }

    fn append(&mut self, other: &Self) {
        self.scores.extend_from_slice(&other.scores);
        self.subgroups.extend_from_slice(&other.subgroups);
    }

    fn select(&self, indices: &[usize]) -> Self {
        Self {
            scores: select_values(&self.scores, indices),
            subgroups: select_values(&self.subgroups, indices),
        }
    }

    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
    ) -> Result<Ranks, BatchError<T::Error>> {
        rank_pairs(distance, embeddings, self)
    }
}

impl Targets for Vec<u64> {
    const OBJECTS: usize = 1;

    fn samples(&self) -> usize {
        self.len()
    }

    fn append(&mut self, other: &Self) {
        self.extend_from_slice(other);
    }

    fn select(&self, indices: &[usize]) -> Self {
        select_values(self, indices)
    }

    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
    ) -> Result<Ranks, BatchError<T::Error>> {
        rank_groups(distance, embeddings, self)
    }
}
