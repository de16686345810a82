//! Retrieval metrics of embeddings.
//!
//! A metric is computed in two steps. *Ranking* sorts, for each embedding, the other embeddings by
//! distance and returns the ranks of the relevant ones; *counting* turns the ranks into a value.
//! Ranking is the expensive step (`n` rows of `m` distances, of which at most 16 MiB are in memory at
//! once) and is shared by all metrics.
//!
//! | ranking | queries, candidates and relevant candidates | source |
//! | --- | --- | --- |
//! | [`rank_pairs`] | each of the `2n` embeddings of a batch; the `2n − 1` others; the other half of its pair | `quaterion/eval/pair` |
//! | [`rank_groups`] | each of the `n` embeddings of a batch; the `n − 1` others; the members of its group | `quaterion/eval/group` |
//! | [`rank_right_answers`] | each question; all answers of a pool; its right answers | information retrieval |
//!
//! | metric | name | value | range |
//! | --- | --- | --- | --- |
//! | [`RetrievalPrecision`] | `rp@k` | `1/n Σᵢ (relevant embeddings in the top k of row i) / k` | `[0, 1]` |
//! | [`RetrievalReciprocalRank`] | `rrk` | mean of `1 / rank` over all relevant embeddings | `(0, 1]` |
//! | [`RetrievalRPrecision`] | `rrp` | `Σᵢ rᵢ / Σᵢ Rᵢ`, with `rᵢ` of the `Rᵢ` relevant embeddings in the top `Rᵢ` | `[0, 1]` |
//! | [`PoolMetrics`] | `accuracy@k` | fraction of questions with a right answer in the top `k` | `[0, 1]` |
//! | | `mrr@10` | mean of `1 / rank` of the first right answer, 0 beyond rank 10 | `[0, 1]` |
//! | | `ndcg@10` | `Σ 1/log₂(rank + 1)` over the right answers up to rank 10, divided by the ideal sum | `[0, 1]` |
//!
//! The first three are **batch metrics** over the [`Ranks`] of pairs or groups; the others are **pool
//! metrics**. Don't compare the two families: a batch metric depends on the batch size, because
//! finding the other half of a pair among 31 embeddings is easier than among 2,047. For metrics of a
//! whole data set use [`crate::evaluate`].
//!
//! Batch metrics break ties in batch order, as in Quaterion; pool metrics rank right answers last
//! among ties. In both, NaN distances of relevant embeddings rank last and other NaN distances rank
//! first.
//!
//! All metrics implement [`Metric`]: `update` with each batch, `compute` at the end of an epoch,
//! `reset` before the next. [`AttachedMetrics`] does this for the stages of a training run;
//! [`Accumulator`] collects embeddings over batches, so that each embedding can rank those of the
//! whole epoch. [`Targets`] is the common interface of pairs and groups.

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
pub use pool::{PoolMetrics, PoolScores, QueryRanks, rank_right_answers, score_questions};
pub use precision::RetrievalPrecision;
pub use r_precision::RetrievalRPrecision;
pub use ranks::{PositiveRank, Ranks};
pub use reciprocal_rank::RetrievalReciprocalRank;
pub use targets::Targets;

/// A metric accumulated over batches.
///
/// # Example
///
/// A custom batch metric, the fraction of positives in the top ten:
///
/// ```
/// use nearsay_core::metric::{Metric, PositiveRank, Ranks};
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
    /// Type of a batch.
    type Batch: ?Sized;

    /// Adds a batch.
    fn update(&mut self, batch: &Self::Batch);

    /// Value over all batches since the last reset; `None` if there was nothing to count.
    fn compute(&self) -> Option<f32>;

    /// Removes all batches.
    fn reset(&mut self);
}

/// Running mean.
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
