use super::{Mean, Metric};
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Questions that are scored at once: bounds memory to this many rows of the pool's width.
const QUESTIONS: usize = 256;

/// The scores one question gave to every answer of the pool, and which of them are right.
#[derive(Clone, Copy, Debug)]
pub struct PoolScores<'a> {
    /// One score an answer, higher is nearer.
    pub scores: &'a [f32],
    /// Numbers of the right answers, ascending.
    pub right: &'a [usize],
}

/// Ranks of the right answers of one question, ascending, from 1.
pub type QueryRanks = [usize];

/// Ranks of the right answers among all answers, ascending, from 1.
///
/// Ties count against us: a wrong answer with the same score stands before a right one. Right
/// answers rank among themselves by score.
#[must_use]
pub fn rank_pool(pool: PoolScores<'_>) -> Vec<usize> {
    let mut right: Vec<f32> = pool
        .right
        .iter()
        .filter_map(|&answer| pool.scores.get(answer).copied())
        .collect();
    right.sort_by(|a, b| b.total_cmp(a));
    let mut wrong_before = alloc::vec![0usize; right.len()];
    for (answer, score) in pool.scores.iter().enumerate() {
        if pool.right.binary_search(&answer).is_err() {
            for (count, own) in wrong_before.iter_mut().zip(&right) {
                *count += usize::from(*score >= *own || score.is_nan());
            }
        }
    }
    wrong_before
        .iter()
        .enumerate()
        .map(|(before, wrong)| before + wrong + 1)
        .collect()
}

/// Asks questions of a pool by cosine and hands out the scores of each one, in order.
///
/// `questions` is `[n, d]`, `pool` is `[m, d]`, neither need be normalised; `right[i]` are the
/// ascending numbers of question `i`'s right answers.
///
/// # Errors
/// When the widths differ or the tensor library fails.
pub fn score_pool<T: Tensor>(
    questions: &T,
    pool: &T,
    right: &[Vec<usize>],
    on_scores: &mut dyn FnMut(PoolScores<'_>),
) -> Result<(), T::Error> {
    let pool = pool.normalize_rows()?;
    let columns = pool.dims().0;
    for (block, right) in right.chunks(QUESTIONS).enumerate() {
        let start = (block * QUESTIONS) as u32;
        let rows: Vec<u32> = (start..start + right.len() as u32).collect();
        let scores = questions
            .select_rows(&rows)?
            .normalize_rows()?
            .matmul_t(&pool)?
            .to_vec()?;
        for (scores, right) in scores.chunks_exact(columns.max(1)).zip(right) {
            on_scores(PoolScores { scores, right });
        }
    }
    Ok(())
}

/// `recall@1/5/10`, `mrr@10` and `ndcg@10` over a pool of answers.
///
/// Each question is one batch: the ascending ranks of its right answers. All figures lie in
/// `[0, 1]`, more is better.
///
/// - `recall@k`: share of questions with a right answer among the first `k` (any of several right
///   ones counts; sentence-transformers calls this `accuracy@k`).
/// - `mrr@10`: mean of 1 / rank of the first right answer, 0 beyond rank 10.
/// - `ndcg@10`: `Σ 1/log₂(rank + 1)` over the right answers up to rank 10, divided by the most that
///   could be had (Järvelin and Kekäläinen, 2002).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PoolMetrics {
    recall_1: Mean,
    recall_5: Mean,
    recall_10: Mean,
    mrr_10: Mean,
    ndcg_10: Mean,
}

impl PoolMetrics {
    /// Number of questions taken in.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.recall_1.count
    }

    /// `recall@1`, `None` before the first question. So are the others.
    #[must_use]
    pub fn recall_1(&self) -> Option<f32> {
        self.recall_1.value()
    }

    /// `recall@5`.
    #[must_use]
    pub fn recall_5(&self) -> Option<f32> {
        self.recall_5.value()
    }

    /// `recall@10`.
    #[must_use]
    pub fn recall_10(&self) -> Option<f32> {
        self.recall_10.value()
    }

    /// `mrr@10`.
    #[must_use]
    pub fn mrr_10(&self) -> Option<f32> {
        self.mrr_10.value()
    }

    /// `ndcg@10`.
    #[must_use]
    pub fn ndcg_10(&self) -> Option<f32> {
        self.ndcg_10.value()
    }
}

impl Metric for PoolMetrics {
    type Batch = QueryRanks;

    fn update(&mut self, ranks: &QueryRanks) {
        let first = ranks.first().copied().unwrap_or(usize::MAX);
        let hit = |k: usize| if first <= k { 1.0 } else { 0.0 };
        self.recall_1.add(hit(1));
        self.recall_5.add(hit(5));
        self.recall_10.add(hit(10));
        self.mrr_10
            .add(if first <= 10 { 1.0 / first as f64 } else { 0.0 });
        let gain = |rank: usize| 1.0 / libm::log2((rank + 1) as f64);
        let gained: f64 = ranks
            .iter()
            .filter(|&&rank| rank <= 10)
            .map(|&rank| gain(rank))
            .sum();
        let best: f64 = (1..=ranks.len().min(10)).map(gain).sum();
        self.ndcg_10
            .add(if best > 0.0 { gained / best } else { 0.0 });
    }

    /// `recall@1`.
    fn compute(&self) -> Option<f32> {
        self.recall_1()
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_count_against_us() {
        let scores = [0.5, 0.9, 0.5, 0.1];
        assert_eq!(
            rank_pool(PoolScores {
                scores: &scores,
                right: &[0]
            }),
            [3]
        );
        assert_eq!(
            rank_pool(PoolScores {
                scores: &scores,
                right: &[0, 2]
            }),
            [2, 3]
        );
        assert_eq!(
            rank_pool(PoolScores {
                scores: &scores,
                right: &[1]
            }),
            [1]
        );
        let nan = [f32::NAN, 0.5];
        assert_eq!(
            rank_pool(PoolScores {
                scores: &nan,
                right: &[1]
            }),
            [2]
        );
    }

    #[test]
    fn counts_recall_mrr_and_ndcg() {
        let mut metrics = PoolMetrics::default();
        metrics.update(&[1]);
        metrics.update(&[4]);
        metrics.update(&[20]);
        metrics.update(&[]);
        assert_eq!(metrics.questions(), 4);
        assert_eq!(metrics.recall_1(), Some(0.25));
        assert_eq!(metrics.recall_5(), Some(0.5));
        assert_eq!(metrics.recall_10(), Some(0.5));
        assert_eq!(metrics.mrr_10(), Some((1.0 + 0.25) / 4.0));
        let ndcg = (1.0 + 1.0 / 5f32.log2()) / 4.0;
        assert!((metrics.ndcg_10().unwrap() - ndcg).abs() < 1e-6);
    }

    #[test]
    fn ndcg_of_several_right_answers() {
        let mut metrics = PoolMetrics::default();
        metrics.update(&[1, 3]);
        let expected = (1.0 + 0.5) / (1.0 + 1.0 / 3f32.log2());
        assert!((metrics.ndcg_10().unwrap() - expected).abs() < 1e-6);
    }
}
