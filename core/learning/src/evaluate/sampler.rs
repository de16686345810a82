use crate::{
    dataset::draw_numbers,
    distance::Distance,
    metric::{Ranks, Targets, rank_a_to_b, rank_group_rows, rank_pair_rows},
    sample::{BatchError, PairTargets, check_groups},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Selects the queries and candidates of an evaluation.
pub trait Sampler {
    /// Targets of the samples: pairs or groups.
    type Targets: Targets;

    /// Number of samples per encoder batch.
    fn batch(&self) -> usize;

    /// Draws queries by `seed` and ranks their candidates. `embeddings` are those of the whole data set,
    /// `[OBJECTS · n, d]`.
    ///
    /// # Errors
    /// If embeddings and targets differ in size, or the tensor back end fails.
    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
        targets: &Self::Targets,
        seed: u64,
    ) -> Result<Ranks, BatchError<T::Error>>;
}

/// Draws `size` of `len` rows, or returns all without a size.
fn draw_rows(len: usize, size: Option<usize>, seed: u64) -> Vec<u32> {
    draw_numbers(len, size.unwrap_or(len), seed)
        .into_iter()
        .map(|row| row as u32)
        .collect()
}

/// Sampler for evaluations of pairs.
///
/// Source: `quaterion/eval/samplers/pair_sampler.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairSampler {
    /// Number of queries: objects, or pairs with `distinguish`. Default: all.
    pub sample_size: Option<usize>,
    /// Whether only `a` objects are queries and only `b` objects are candidates, as for questions and
    /// answers. Default: false, each object ranks all others.
    pub distinguish: bool,
    /// Pairs per encoder batch, at least 1. Default: 16. Quaterion counts objects, so its 16 are 8 pairs.
    pub batch: usize,
}

impl Default for PairSampler {
    fn default() -> Self {
        Self {
            sample_size: None,
            distinguish: false,
            batch: 16,
        }
    }
}

impl Sampler for PairSampler {
    type Targets = PairTargets;

    fn batch(&self) -> usize {
        self.batch
    }

    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
        targets: &PairTargets,
        seed: u64,
    ) -> Result<Ranks, BatchError<T::Error>> {
        targets.check(embeddings.dims().0)?;
        if self.distinguish {
            let pairs = draw_rows(targets.len(), self.sample_size, seed);
            rank_a_to_b(distance, embeddings, targets, &pairs)
        } else {
            let rows = draw_rows(2 * targets.len(), self.sample_size, seed);
            rank_pair_rows(distance, embeddings, targets, &rows)
        }
    }
}

/// Sampler for evaluations of groups: each item ranks all others.
///
/// Source: `quaterion/eval/samplers/group_sampler.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSampler {
    /// Number of queries. Default: all.
    pub sample_size: Option<usize>,
    /// Items per encoder batch, at least 1. Default: 16.
    pub batch: usize,
}

impl Default for GroupSampler {
    fn default() -> Self {
        Self {
            sample_size: None,
            batch: 16,
        }
    }
}

impl Sampler for GroupSampler {
    type Targets = Vec<u64>;

    fn batch(&self) -> usize {
        self.batch
    }

    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
        targets: &Vec<u64>,
        seed: u64,
    ) -> Result<Ranks, BatchError<T::Error>> {
        check_groups(embeddings.dims().0, targets)?;
        let rows = draw_rows(targets.len(), self.sample_size, seed);
        rank_group_rows(distance, embeddings, targets, &rows)
    }
}
