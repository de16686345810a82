use crate::{
    dataset::draw,
    distance::Distance,
    metric::{Ranks, Targets, rank_a_to_b, rank_group_rows, rank_pair_rows},
    sample::{BatchError, PairTargets, check_groups},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Chooses who ranks in an evaluation, and whom.
pub trait Sampler {
    /// What is known of the samples: of pairs or of groups.
    type Targets: Targets;

    /// How many samples are encoded at once.
    fn batch(&self) -> usize;

    /// The ranks of those that this seed draws. `embeddings` are those of the whole data set,
    /// `[OBJECTS · n, d]`.
    ///
    /// # Errors
    /// When embeddings and targets do not go together, or the tensor library fails.
    fn rank<T: Tensor>(
        &self,
        distance: &dyn Distance<T>,
        embeddings: &T,
        targets: &Self::Targets,
        seed: u64,
    ) -> Result<Ranks, BatchError<T::Error>>;
}

/// The rows that rank: `size` of `of`, or all.
fn rows(of: usize, size: Option<usize>, seed: u64) -> Vec<u32> {
    let drawn = draw(of, size.unwrap_or(of), seed);
    drawn.into_iter().map(|row| row as u32).collect()
}

/// Who ranks in an evaluation of pairs.
///
/// Source: `quaterion/eval/samplers/pair_sampler.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairSampler {
    /// How many objects rank (pairs, with `distinguish`); all by default.
    pub sample_size: Option<usize>,
    /// Whether only an `a` ranks, and only all `b`, as questions and answers do. Otherwise, the default,
    /// each object ranks all others.
    pub distinguish: bool,
    /// Pairs encoded at once, at least 1; 16 by default. (Quaterion counts objects: its 16 are 8 pairs.)
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
            let pairs = rows(targets.len(), self.sample_size, seed);
            rank_a_to_b(distance, embeddings, targets, &pairs)
        } else {
            let rows = rows(2 * targets.len(), self.sample_size, seed);
            rank_pair_rows(distance, embeddings, targets, &rows)
        }
    }
}

/// Who ranks in an evaluation of groups: each item all others.
///
/// Source: `quaterion/eval/samplers/group_sampler.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSampler {
    /// How many items rank; all by default.
    pub sample_size: Option<usize>,
    /// Items encoded at once, at least 1; 16 by default.
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
        let rows = rows(targets.len(), self.sample_size, seed);
        rank_group_rows(distance, embeddings, targets, &rows)
    }
}
