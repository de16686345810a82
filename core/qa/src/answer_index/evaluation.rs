use super::findings::{ConfusedPair, OverRetrieved};
use super::{Confidence, Features, Outcome};
use nearsay_core::metric::PoolMetrics;
use nearsay_search::{calibration::Silence, index::Hit};
use serde::{Deserialize, Serialize};

/// Result of evaluating an index on test questions.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Retrieval metrics; `None` without questions.
    pub figures: Option<PoolFigures>,
    /// Confidence rule measured on the questions; [`Confidence::USUAL`] if there are too few.
    pub confidence: Confidence,
    /// Outcome of each question, in order.
    pub outcomes: Vec<QuestionOutcome>,
    /// Pairs of answers that are mistaken for each other, most frequent first; at most ten.
    pub confused: Vec<ConfusedPair>,
    /// Answers retrieved for questions of other answers, most frequent first; at most ten.
    pub over_retrieved: Vec<OverRetrieved>,
}

/// Outcome of a test question.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionOutcome {
    /// Rank of the best right answer among all answers, from 1. A wrong answer of equal score ranks before a right answer.
    /// A right answer that isn't found ranks last, at 2 or higher.
    pub rank: usize,
    /// Answer given, a right answer only if `rank` is 1; `None` if there are no answers to find. Its score equals that of
    /// a search exactly.
    pub given: Option<Hit>,
    /// Best right answer; `None` if the index lacks it, or if the question's vector has NaN.
    pub right: Option<Hit>,
    /// [Confidence scores](nearsay_search::calibration::standing) of the best
    /// [`AMONG`](nearsay_search::calibration::AMONG) answers at most, in order of decreasing search score; exact up to
    /// rounding.
    pub standings: Vec<f32>,
    /// Features of the search; `None` if the question's vector has NaN.
    pub features: Option<Features>,
    /// Features of the search without the right answers; `None` if there are no others.
    pub unanswerable: Option<Features>,
    /// Whether paraphrases were searched, and not only answers.
    pub with_paraphrases: bool,
    /// Probability that the answer given is right, by [`Evaluation::confidence`]; `None` if there are too few questions to
    /// measure it.
    pub probability: Option<f32>,
}

impl QuestionOutcome {
    /// Whether the answer given is right.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.rank == 1
    }

    /// Outcome in the form that [`Confidence::measured`] takes.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome {
            standings: self.standings.clone(),
            right: self.is_right(),
            features: self.features,
            unanswerable: self.unanswerable,
            with_paraphrases: self.with_paraphrases,
        }
    }
}

impl Evaluation {
    /// Reciprocal rank of each question's best right answer, in order.
    #[must_use]
    pub fn reciprocal_ranks(&self) -> Vec<f64> {
        let ranks = self.outcomes.iter().map(|outcome| outcome.rank);
        ranks.map(|rank| 1.0 / rank as f64).collect()
    }

    /// Risk–coverage curve: errors and coverage of answering only above a probability threshold. `None` if probabilities
    /// weren't measured.
    #[must_use]
    pub fn risk_coverage(&self) -> Option<Silence> {
        let pair = |outcome: &QuestionOutcome| Some((outcome.probability?, outcome.is_right()));
        let pairs: Vec<(f32, bool)> = self.outcomes.iter().filter_map(pair).collect();
        (!pairs.is_empty()).then(|| Silence::of(&pairs))
    }
}

/// Retrieval metrics over a pool of answers. All are in `[0, 1]`; higher is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolFigures {
    /// Number of questions.
    pub questions: usize,
    /// Number of distinct answers in the pool.
    pub pool: usize,
    /// accuracy@1: fraction of questions with a right answer first.
    #[serde(rename = "recall@1", alias = "accuracy@1")]
    pub recall_1: f32,
    /// accuracy@5: fraction of questions with a right answer in the top 5.
    #[serde(rename = "recall@5", alias = "accuracy@5")]
    pub recall_5: f32,
    /// accuracy@10: fraction of questions with a right answer in the top 10.
    #[serde(rename = "recall@10", alias = "accuracy@10")]
    pub recall_10: f32,
    /// Mean reciprocal rank of the first right answer, 0 beyond rank 10.
    #[serde(rename = "mrr@10")]
    pub mrr_10: f32,
    /// Normalised discounted cumulative gain of the top 10.
    #[serde(rename = "ndcg@10")]
    pub ndcg_10: f32,
}

impl PoolFigures {
    /// Reads the metrics of a pool with `pool` answers; `None` without questions.
    #[must_use]
    pub fn of(metrics: &PoolMetrics, pool: usize) -> Option<Self> {
        Some(Self {
            questions: metrics.questions(),
            pool,
            recall_1: metrics.accuracy_at(1)?,
            recall_5: metrics.accuracy_at(5)?,
            recall_10: metrics.accuracy_at(10)?,
            mrr_10: metrics.mrr_10()?,
            ndcg_10: metrics.ndcg_10()?,
        })
    }
}
