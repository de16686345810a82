use super::{Mean, Metric};
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Number of questions per score matrix; bounds memory to this many rows.
const QUESTIONS_PER_BLOCK: usize = 256;

/// Rank beyond which answers count as not found.
const CUTOFF: usize = 10;

/// Scores of all answers of a pool for one question, and the right answers.
#[derive(Clone, Copy, Debug)]
pub struct PoolScores<'a> {
    /// One score per answer; higher is better.
    pub scores: &'a [f32],
    /// Indices of the right answers, ascending.
    pub right: &'a [usize],
}

/// Ranks of the right answers of one question, ascending, from 1.
pub type QueryRanks = [usize];

/// Ranks the right answers of a question among all answers; returns ascending ranks from 1.
///
/// Wrong answers rank before right answers with an equal score. Right answers rank among themselves
/// by score.
#[must_use]
pub fn rank_right_answers(pool: PoolScores<'_>) -> Vec<usize> {
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

/// Scores all answers of a pool for each question by cosine similarity.
///
/// `questions` is `[n, d]` and `pool` is `[m, d]`; neither needs to be normalised. `right[i]` holds
/// the ascending indices of the right answers of question `i`. `on_scores` is called once per
/// question, in order.
///
/// # Errors
/// If the embedding lengths differ or the tensor back end fails.
pub fn score_questions<T: Tensor>(
    questions: &T,
    pool: &T,
    right: &[Vec<usize>],
    on_scores: &mut dyn FnMut(PoolScores<'_>),
) -> Result<(), T::Error> {
    let pool = pool.normalize_rows()?;
    let columns = pool.dims().0;
    for (block, right) in right.chunks(QUESTIONS_PER_BLOCK).enumerate() {
        let start = (block * QUESTIONS_PER_BLOCK) as u32;
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

/// `accuracy@k` (k ≤ 10), `mrr@10` and `ndcg@10` over a pool of answers.
///
/// Each question is one batch: the ascending ranks of its right answers. All values are in `[0, 1]`;
/// higher is better. They are `None` before the first question.
///
/// - `accuracy@k`: fraction of questions with at least one right answer in the top `k`, as in
///   sentence-transformers.
/// - `mrr@10`: mean of 1 / rank of the first right answer, 0 beyond rank 10.
/// - `ndcg@10`: `Σ 1/log₂(rank + 1)` over the right answers up to rank 10, divided by the sum of an
///   ideal ranking (Järvelin and Kekäläinen, 2002).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PoolMetrics {
    /// Number of questions by rank of their first right answer, for ranks 1 to [`CUTOFF`].
    first_ranks: [usize; CUTOFF],
    mrr_10: Mean,
    ndcg_10: Mean,
}

impl PoolMetrics {
    /// Number of questions.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.mrr_10.count
    }

    /// `accuracy@k` for `k` from 1 to 10; a larger `k` counts as 10.
    #[must_use]
    pub fn accuracy_at(&self, k: usize) -> Option<f32> {
        let hits: usize = self.first_ranks[..k.min(CUTOFF)].iter().sum();
        let questions = self.questions();
        (questions > 0).then(|| (hits as f64 / questions as f64) as f32)
    }

    /// Mean reciprocal rank, `mrr@10`.
    #[must_use]
    pub fn mrr_10(&self) -> Option<f32> {
        self.mrr_10.value()
    }

    /// Normalised discounted cumulative gain, `ndcg@10`.
    #[must_use]
    pub fn ndcg_10(&self) -> Option<f32> {
        self.ndcg_10.value()
    }
}

impl Metric for PoolMetrics {
    type Batch = QueryRanks;

    fn update(&mut self, ranks: &QueryRanks) {
        let first = ranks.first().copied().unwrap_or(usize::MAX);
        if (1..=CUTOFF).contains(&first) {
            self.first_ranks[first - 1] += 1;
            self.mrr_10.add(1.0 / first as f64);
        } else {
            self.mrr_10.add(0.0);
        }
        let gain = |rank: usize| 1.0 / libm::log2((rank + 1) as f64);
        let gained: f64 = ranks
            .iter()
            .filter(|&&rank| rank <= CUTOFF)
            .map(|&rank| gain(rank))
            .sum();
        let ideal: f64 = (1..=ranks.len().min(CUTOFF)).map(gain).sum();
        self.ndcg_10
            .add(if ideal > 0.0 { gained / ideal } else { 0.0 });
    }

    /// Returns `accuracy@1`.
    fn compute(&self) -> Option<f32> {
        self.accuracy_at(1)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_right_answers_puts_ties_and_nan_first() {
        let scores = [0.5, 0.9, 0.5, 0.1];
        assert_eq!(
            rank_right_answers(PoolScores {
                scores: &scores,
                right: &[0]
            }),
            [3]
        );
        assert_eq!(
            rank_right_answers(PoolScores {
                scores: &scores,
                right: &[0, 2]
            }),
            [2, 3]
        );
        assert_eq!(
            rank_right_answers(PoolScores {
                scores: &scores,
                right: &[1]
            }),
            [1]
        );
        let nan = [f32::NAN, 0.5];
        assert_eq!(
            rank_right_answers(PoolScores {
                scores: &nan,
                right: &[1]
            }),
            [2]
        );
    }

    #[test]
    fn pool_metrics_average_accuracy_mrr_and_ndcg() {
        let mut metrics = PoolMetrics::default();
        metrics.update(&[1]);
        metrics.update(&[4]);
        metrics.update(&[20]);
        metrics.update(&[]);
        assert_eq!(metrics.questions(), 4);
        assert_eq!(metrics.accuracy_at(1), Some(0.25));
        assert_eq!(metrics.accuracy_at(5), Some(0.5));
        assert_eq!(metrics.accuracy_at(10), Some(0.5));
        assert_eq!(metrics.mrr_10(), Some((1.0 + 0.25) / 4.0));
        let ndcg = (1.0 + 1.0 / 5f32.log2()) / 4.0;
        assert!((metrics.ndcg_10().unwrap() - ndcg).abs() < 1e-6);
    }

    #[test]
    fn ndcg_counts_several_right_answers() {
        let mut metrics = PoolMetrics::default();
        metrics.update(&[1, 3]);
        let expected = (1.0 + 0.5) / (1.0 + 1.0 / 3f32.log2());
        assert!((metrics.ndcg_10().unwrap() - expected).abs() < 1e-6);
    }
}
