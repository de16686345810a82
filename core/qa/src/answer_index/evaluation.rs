use super::findings::{ConfusedPair, OverRetrieved};
use crate::servable::{Confidence, Outcome};
use nearsay_core::metric::PoolMetrics;
use nearsay_search::{calibration::Silence, index::Hit};
use serde::{Deserialize, Serialize};

/// How an index answers test questions.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Retrieval figures; `None` without questions.
    pub figures: Option<PoolFigures>,
    /// The confidence rule measured on the questions; [`Confidence::USUAL`] when these are too few.
    pub confidence: Confidence,
    /// The outcome of each question, in order.
    pub outcomes: Vec<QuestionOutcome>,
    /// Pairs of answers that are mistaken for each other, the most often first.
    pub confused: Vec<ConfusedPair>,
    /// Answers retrieved for questions of others, the most often first.
    pub over_retrieved: Vec<OverRetrieved>,
}

/// The outcome of a test question.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionOutcome {
    /// Rank of the best right answer among all answers, from 1. Ties count against us: a wrong answer of the
    /// same score stands before a right one. One that is not found is last, and never first.
    pub rank: usize,
    /// The answer given, a right one only if its rank is 1; `None` when there is nothing to find. Its score is
    /// exactly the served one.
    pub given: Option<Hit>,
    /// The best right answer; `None` when the index lacks it, or the question's vector is not made of
    /// numbers.
    pub right: Option<Hit>,
    /// What the confidence is computed from: the [standings](nearsay_search::calibration::standing) of the best
    /// answers, best scores first, at most [`AMONG`](nearsay_search::calibration::AMONG); up to rounding.
    pub standings: Vec<f32>,
    /// Probability that the answer given is right, by the evaluation's own confidence rule; `None` when the
    /// questions are too few for one.
    pub probability: Option<f32>,
}

impl QuestionOutcome {
    /// Whether the answer given is a right one.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.rank == 1
    }

    /// What a [`Confidence`] is measured by.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome {
            standings: self.standings.clone(),
            right: self.is_right(),
        }
    }
}

impl Evaluation {
    /// One over the rank of each question's best right answer, in order.
    #[must_use]
    pub fn reciprocal_ranks(&self) -> Vec<f64> {
        let ranks = self.outcomes.iter().map(|outcome| outcome.rank);
        ranks.map(|rank| 1.0 / rank as f64).collect()
    }

    /// The risk–coverage curve: what answering only from a least probability on leads to. `None` when
    /// probabilities were not measured.
    #[must_use]
    pub fn risk_coverage(&self) -> Option<Silence> {
        let pair = |outcome: &QuestionOutcome| Some((outcome.probability?, outcome.is_right()));
        let pairs: Vec<(f32, bool)> = self.outcomes.iter().filter_map(pair).collect();
        (!pairs.is_empty()).then(|| Silence::of(&pairs))
    }
}

/// Retrieval figures over a pool of answers, all in `[0, 1]`, more is better.
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
    /// The figures measured over a pool of this many answers; `None` without questions.
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
