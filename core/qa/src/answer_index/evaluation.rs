use super::findings::{self, ConfusedPair, OverRetrieved};
use super::{AnswerIndex, Confidence, Features, Outcome};
use nearsay_core::metric::{Metric as _, PoolMetrics};
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
    /// Further results of each question, in order.
    pub(super) evidence: Vec<Evidence>,
}

/// Results of a question that an [`Evaluation`] summarises, apart from its outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// Ranks of all right answers, ascending, from 1.
    pub(super) ranks: Vec<usize>,
    /// Outcome of a paraphrase as if it weren't held out, for the calibration.
    pub(super) known: Option<Outcome>,
    /// A mistake as a pair `(given, right)` of answer numbers.
    pub(super) wrong: Option<(u32, u32)>,
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
    /// Summarises outcomes of questions asked of an index.
    pub(super) fn of(
        index: &AnswerIndex,
        mut outcomes: Vec<QuestionOutcome>,
        evidence: Vec<Evidence>,
    ) -> Self {
        let plain: Vec<Outcome> = outcomes.iter().map(QuestionOutcome::outcome).collect();
        let mut confidence = Confidence::measured(&plain).with_languages(index.languages());
        let known = evidence
            .iter()
            .filter_map(|evidence| evidence.known.as_ref());
        if known.clone().next().is_some() && confidence.calibration.is_some() {
            let all: Vec<Outcome> = plain.iter().chain(known).cloned().collect();
            confidence.calibration = confidence.calibrated(&all);
        }
        let mut metrics = PoolMetrics::default();
        for ((outcome, plain), evidence) in outcomes.iter_mut().zip(&plain).zip(&evidence) {
            outcome.probability = confidence.probability_of(plain);
            metrics.update(&evidence.ranks);
        }
        let wrong = evidence.iter().filter_map(|evidence| evidence.wrong);
        let wrong: Vec<(u32, u32)> = wrong.collect();
        let similarity = |a: u32, b: u32| index.similarity(a, b);
        Self {
            figures: PoolFigures::of(&metrics, index.answers().len()),
            confused: findings::confused_pairs(&wrong, &similarity),
            over_retrieved: findings::over_retrieved(&wrong),
            outcomes,
            confidence,
            evidence,
        }
    }

    /// Joins evaluations of indexes of the same answers, such as the folds of a cross-validation, in order. `index` is
    /// one of these indexes; it tells how similar two answers are.
    #[must_use]
    pub fn join(parts: impl IntoIterator<Item = Self>, index: &AnswerIndex) -> Self {
        let (mut outcomes, mut evidence) = (Vec::new(), Vec::new());
        for part in parts {
            outcomes.extend(part.outcomes);
            evidence.extend(part.evidence);
        }
        Self::of(index, outcomes, evidence)
    }

    /// The evaluation of some of the questions, chosen by number. `index` is an index that was evaluated.
    #[must_use]
    pub fn select(&self, is_chosen: impl Fn(usize) -> bool, index: &AnswerIndex) -> Self {
        let chosen = || (0..self.outcomes.len()).filter(|question| is_chosen(*question));
        let outcomes = chosen().map(|question| self.outcomes[question].clone());
        let evidence = chosen().map(|question| self.evidence[question].clone());
        Self::of(index, outcomes.collect(), evidence.collect())
    }

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
    /// Computes the figures of questions from the rank of each one's best right answer, among `pool` answers; `None`
    /// without questions.
    #[must_use]
    pub fn of_ranks(ranks: impl IntoIterator<Item = usize>, pool: usize) -> Option<Self> {
        let mut metrics = PoolMetrics::default();
        for rank in ranks {
            metrics.update(&[rank]);
        }
        Self::of(&metrics, pool)
    }

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
