use super::{Ranks, rank_groups, rank_pairs};
use crate::{
    distance::Distance,
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// What is known about the samples of a batch, as far as metrics and evaluation need it.
///
/// The embeddings that go with it are `[OBJECTS · n, d]`: the first objects of all `n` samples, then
/// the second ones. Pairs have two objects a sample ([`PairTargets`]), members of a group one
/// (`Vec<u64>`, the groups).
pub trait Targets: Clone + Default {
    /// Objects, and thus embeddings, a sample.
    const OBJECTS: usize;

    /// Number of samples.
    fn samples(&self) -> usize;

    /// Adds the samples of another batch at the end.
    fn append(&mut self, other: &Self);

    /// The samples of these places, in this order, repeats allowed; places beyond the last are left
    /// out.
    #[must_use]
    fn select(&self, places: &[usize]) -> Self;

    /// Ranks all embeddings of a batch, see [`rank_pairs`] and [`rank_groups`].
    ///
    /// # Errors
    /// When embeddings and targets do not go together, or the tensor library fails.
    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
    ) -> Result<Ranks, BatchError<T::Error>>;
}

fn pick<V: Copy>(values: &[V], places: &[usize]) -> Vec<V> {
    let picked = places.iter().filter_map(|&place| values.get(place));
    picked.copied().collect()
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

    fn select(&self, places: &[usize]) -> Self {
        Self {
            scores: pick(&self.scores, places),
            subgroups: pick(&self.subgroups, places),
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

    fn select(&self, places: &[usize]) -> Self {
        pick(self, places)
    }

    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
    ) -> Result<Ranks, BatchError<T::Error>> {
        rank_groups(distance, embeddings, self)
    }
}
