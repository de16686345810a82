//! Layer 3: how good the embeddings are.
//!
//! A metric is computed in two steps. *Ranking* asks, for each embedding, where the ones that are
//! right for it come when all others are put in order of distance; *counting* makes one figure of
//! the ranks. Ranking is the expensive half (`n` rows of `m` distances; at most 16 MiB of them are
//! held at once) and is done once for any number of metrics.
//!
//! | ranking | who ranks whom | source |
//! | --- | --- | --- |
//! | [`rank_pairs`] | each of the `2n` embeddings of a batch the `2n − 1` others; right is its other half | `quaterion/eval/pair` |
//! | [`rank_groups`] | each of the `n` embeddings of a batch the `n − 1` others; right are those of its group | `quaterion/eval/group` |
//! | [`rank_pool`] | each question all answers; right are one or several of them | information retrieval |
//!
//! | metric | name | figure | range |
//! | --- | --- | --- | --- |
//! | [`RetrievalPrecision`] | `rp@k` | `1/n Σᵢ (right ones among the first k of row i) / k` | `[0, 1]` |
//! | [`RetrievalReciprocalRank`] | `rrk` | mean of `1 / rank` over all right ones | `(0, 1]` |
//! | [`RetrievalRPrecision`] | `rrp` | `Σᵢ rᵢ / Σᵢ Rᵢ`: right ones among the first `Rᵢ`, of `Rᵢ` right ones | `[0, 1]` |
//! | [`PoolMetrics`] | `recall@k` | share of questions with a right answer among the first `k` | `[0, 1]` |
//! | | `mrr@10` | mean of `1 / rank` of the first right answer, 0 beyond rank 10 | `[0, 1]` |
//! | | `ndcg@10` | `Σ 1/log₂(rank + 1)` over the right answers up to rank 10, divided by the most there could be | `[0, 1]` |
//!
//! The first three are **batch metrics** and work on [`Ranks`], of pairs and of groups alike; the last
//! are **pool metrics**. The two families must not be mixed up: a batch metric depends on the size of
//! the batch, since finding one's half among 31 others is easier than among 2,047. To have a figure
//! of a whole data set use [`crate::evaluate`].
//!
//! Ties count in batch order in the first family, as in Quaterion, and against us in the second. A
//! distance that is not a number counts against us in both.
//!
//! All follow one pattern, [`Metric`]: `update` with every batch, `compute` at the end of an epoch,
//! `reset` before the next. [`AttachedMetrics`] does this for the stages of a training and says which
//! figure is whose by name; [`Accumulator`] keeps embeddings over batches, so that each can rank all
//! others of an epoch and not only its batch.
//!
//! [`Targets`] is what pairs and groups have in common here.

mod accumulator;
mod attached;
mod group;
mod pair;
mod pool;
mod precision;
mod r_precision;
mod ranks;
mod reciprocal_rank;
mod targets;

pub use accumulator::Accumulator;
pub use attached::{Attached, AttachedMetrics, Figure, Over, Stage};
pub(crate) use group::rank_group_rows;
pub use group::rank_groups;
pub use pair::rank_pairs;
pub(crate) use pair::{rank_a_to_b, rank_pair_rows};
pub use pool::{PoolMetrics, PoolScores, QueryRanks, rank_pool, score_pool};
pub use precision::RetrievalPrecision;
pub use r_precision::RetrievalRPrecision;
pub use ranks::{PositiveRank, Ranks};
pub use reciprocal_rank::RetrievalReciprocalRank;
pub use targets::Targets;

/// A figure that is gathered over batches.
///
/// # Example
///
/// A metric of one's own over the ranks of a batch, here the share of positives in the first ten:
///
/// ```
/// use crate::metric::{Metric, PositiveRank, Ranks};
///
/// #[derive(Default)]
/// struct Hits { hits: usize, seen: usize }
///
/// impl Metric for Hits {
///     type Batch = Ranks;
///     fn update(&mut self, ranks: &Ranks) {
///         self.hits += ranks.positives.iter().filter(|positive| positive.rank <= 10).count();
///         self.seen += ranks.positives.len();
///     }
///     fn compute(&self) -> Option<f32> {
///         (self.seen > 0).then(|| self.hits as f32 / self.seen as f32)
///     }
///     fn reset(&mut self) { *self = Self::default(); }
/// }
///
/// let mut metric = Hits::default();
/// let positives = vec![PositiveRank { row: 0, rank: 3, label: 1.0 }];
/// metric.update(&Ranks { rows: 2, positives });
/// assert_eq!(metric.compute(), Some(1.0));
/// ```
pub trait Metric {
    /// What one batch is to this metric.
    type Batch: ?Sized;

    /// Takes in one batch.
    fn update(&mut self, batch: &Self::Batch);

    /// The figure over all batches since the last reset; `None` when there was nothing to count.
    fn compute(&self) -> Option<f32>;

    /// Forgets all batches.
    fn reset(&mut self);
}

/// A mean over everything seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(self) -> Option<f32> {
        (self.count > 0).then(|| (self.sum / self.count as f64) as f32)
    }
}
