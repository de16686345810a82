//! Layer 3: how good the embeddings are.
//!
//! Two families that must not be mixed up:
//!
//! - **Batch metrics**, Quaterion's: each of the `2n` embeddings of a batch ranks all the others.
//!   [`rank_pairs`] does the ranking, [`RetrievalPrecision`] (`rp@k`) and
//!   [`RetrievalReciprocalRank`] (`rrk`) count. They depend on the batch size.
//! - **Pool metrics**: each question ranks *all* answers. [`rank_pool`] does the ranking,
//!   [`PoolMetrics`] counts `recall@k`, `mrr@10` and `ndcg@10`.
//!
//! Both follow one pattern, [`Metric`]: `update` with every batch, `compute` at the end of an
//! epoch, `reset` before the next.

mod pair;
mod pool;

pub use pair::{PairRanks, PositiveRank, RetrievalPrecision, RetrievalReciprocalRank, rank_pairs};
pub use pool::{PoolMetrics, PoolScores, QueryRanks, rank_pool, score_pool};

/// A figure that is gathered over batches.
///
/// # Example
///
/// A metric of one's own over the ranks of a batch, here the share of positives in the first ten:
///
/// ```
/// use nearsay_core::metric::{Metric, PairRanks, PositiveRank};
///
/// #[derive(Default)]
/// struct Hits { hits: usize, seen: usize }
///
/// impl Metric for Hits {
///     type Batch = PairRanks;
///     fn update(&mut self, ranks: &PairRanks) {
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
/// metric.update(&PairRanks { rows: 2, positives });
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
