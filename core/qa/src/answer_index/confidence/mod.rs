//! Confidence in an answer: the probability that the answer is right.
//!
//! [`Calibrator`] computes the probability from the [`Features`] of a search. Models of earlier versions have no
//! calibrator; their confidence is a softmax that an isotonic regression maps to a probability.

mod calibrator;
mod features;
mod language;
mod weights;

pub use calibrator::{Calibrator, UNANSWERABLE};
pub use features::{FEATURES, Features, Spread};
pub(super) use features::{Ranked, Source};
pub use language::Languages;

use nearsay_search::{
    calibration::{AMONG, Calibration, OWN_TEXT, shares, standing},
    index::{Hit, Index},
};
use serde::{Deserialize, Serialize};

/// Right answers needed to measure a threshold; with fewer, [`Threshold::USUAL`] applies.
const MIN_FOR_THRESHOLD: usize = 20;

/// Questions needed to calibrate probabilities.
const MIN_FOR_CALIBRATION: usize = 20;

/// Percentile of the right answers' scores that becomes the abstain score.
const BELOW_NO_ANSWER: usize = 7;

/// Rule that turns scores into a confidence; part of `nearsay.json`.
///
/// The confidence in an answer is a softmax ([`shares`]) over the confidence scores ([`standing`]) of the best
/// answers and an abstain score. Without a measured abstain score, the confidence is the answer's score itself. An
/// answer whose confidence reaches the threshold is given without a warning. A calibration maps the confidence to the
/// probability that the answer is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// Lowest confidence at which an answer is given without a warning.
    pub threshold: Threshold,
    /// Weight of the answer's own text in its confidence score, from 0 to 1. Default: 0, which makes the confidence
    /// score equal to the search score.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub own_text: f32,
    /// Abstain score, which competes with the answers in the softmax. `None` if the confidence is the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<f32>,
    /// Map from the confidence to the probability that the answer is right; `None` if it wasn't measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Calibrator of the probability. Without one, in models of earlier versions and without test questions, `threshold`
    /// and `calibration` apply instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrator: Option<Calibrator>,
}

/// How far an answer can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Likely wrong: the question is better left unanswered.
    Unsure,
    /// At least [`Confidence::LIKELY`].
    Likely,
    /// At least [`Confidence::SURE`], and in a language that the encoder knows.
    Sure,
    /// The question equals a known paraphrase of the answer.
    Known,
}

impl Level {
    /// Name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsure => "unsure",
            Self::Likely => "likely",
            Self::Sure => "sure",
            Self::Known => "known",
        }
    }
}

/// Outcome of a question whose right answer is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Confidence scores of the best [`AMONG`] answers, or of all if there are fewer, in order of decreasing search
    /// score.
    pub standings: Vec<f32>,
    /// Whether the best answer is right.
    pub right: bool,
    /// Features of the search; `None` if they are unknown.
    pub features: Option<Features>,
    /// Features of the search without the right answers: a question that the file can't answer.
    pub unanswerable: Option<Features>,
    /// Whether the answer's other paraphrases were searched. Only such outcomes adapt the calibrator: without paraphrases,
    /// probabilities err in another way than for users, who ask among all texts.
    pub with_paraphrases: bool,
}

impl Outcome {
    /// Creates an outcome from the scores of all answers, in any order. The answers have no paraphrases, so their
    /// confidence scores are their search scores.
    #[must_use]
    pub fn of(scores: Vec<f32>, right: bool) -> Self {
        Self {
            standings: best_scores(scores),
            right,
            ..Self::default()
        }
    }

    /// Confidence score of the best answer; NaN without answers.
    #[must_use]
    pub fn standing(&self) -> f32 {
        self.standings.first().copied().unwrap_or(f32::NAN)
    }
}

impl Confidence {
    /// Default rule for a model without held-out questions.
    pub const USUAL: Self = Self {
        threshold: Threshold::USUAL,
        own_text: 0.0,
        no_answer: None,
        calibration: None,
        calibrator: None,
    };

    /// Lowest probability of a sure answer, everywhere in the program. Chosen on the development sets: about one in
    /// twenty unanswerable questions gets a sure answer.
    pub const SURE: f32 = 0.8;

    /// Lowest probability of a likely answer. Below, abstaining is better: the Matthews correlation on questions in and
    /// out of scope is highest near this probability.
    pub const LIKELY: f32 = 0.4;

    /// Probability of the answer to a known question.
    pub const KNOWN: f32 = 0.99;

    /// Measures the rule on the outcomes of held-out questions.
    ///
    /// The abstain score is the score that 93 % of the right answers reach; the threshold is the confidence that
    /// 90 % reach. Both need 20 right answers, a calibration needs 20 questions; otherwise defaults apply.
    #[must_use]
    pub fn measured(outcomes: &[Outcome]) -> Self {
        let right = || outcomes.iter().filter(|outcome| outcome.right);
        let enough = right().count() >= MIN_FOR_THRESHOLD;
        let no_answer = enough.then(|| low(right().map(Outcome::standing), BELOW_NO_ANSWER));
        let rule = Self {
            own_text: if enough { OWN_TEXT } else { 0.0 },
            no_answer,
            ..Self::USUAL
        };
        let threshold = if enough {
            Threshold {
                sureness: low(right().map(|outcome| rule.sureness_of(outcome)), 10),
                questions: outcomes.len(),
            }
        } else {
            Threshold::USUAL
        };
        let calibration = (outcomes.len() >= MIN_FOR_CALIBRATION)
            .then(|| rule.calibrated(outcomes))
            .flatten();
        Self {
            threshold,
            calibration,
            calibrator: adapt(outcomes),
            ..rule
        }
    }

    /// Sets the languages that the encoder knows.
    #[must_use]
    pub fn with_languages(mut self, languages: Languages) -> Self {
        if let Some(calibrator) = &mut self.calibrator {
            calibrator.languages = languages;
        }
        self
    }

    /// Probability in `(0, 1)` that the best answer to a question is right; `None` if it wasn't measured.
    #[must_use]
    pub fn probability_of(&self, outcome: &Outcome) -> Option<f32> {
        match &self.calibrator {
            Some(calibrator) => {
                let features = outcome.features.as_ref();
                features.map(|features| calibrator.probability(features))
            }
            None => self.probability(self.sureness_of(outcome)),
        }
    }

    /// Fits a calibration to the outcomes of questions; `None` if the outcomes don't determine one.
    #[must_use]
    pub fn calibrated(&self, outcomes: &[Outcome]) -> Option<Calibration> {
        let pair = |outcome: &Outcome| (self.sureness_of(outcome), outcome.right);
        Calibration::fit(&outcomes.iter().map(pair).collect::<Vec<_>>())
    }

    /// Confidence score of each hit that an index returned for a question with this vector, `[hits]`.
    #[must_use]
    pub fn standings(&self, index: &Index, vector: &[f32], hits: &[Hit]) -> Vec<f32> {
        if self.own_text == 0.0 {
            return hits.iter().map(|hit| hit.score).collect();
        }
        let own = index.own_meanings(vector, hits);
        let of = |(hit, own): (&Hit, f32)| standing(hit.meaning, own, hit.words, self.own_text);
        hits.iter().zip(own).map(of).collect()
    }

    /// Confidence in each answer, `[answers]`, from the confidence scores of the best answers in order of decreasing
    /// search score. Pass at least [`AMONG`] scores, or all if there are fewer answers. Confidences never increase
    /// along the list.
    #[must_use]
    pub fn sureness(&self, standings: &[f32]) -> Vec<f32> {
        let mut sureness = match self.no_answer {
            Some(no_answer) => shares(standings, no_answer),
            None => standings.to_vec(),
        };
        let mut least = f32::INFINITY;
        for sureness in &mut sureness {
            least = least.min(*sureness);
            *sureness = least;
        }
        sureness
    }

    /// Confidence in the best answer to a question; NaN without answers.
    #[must_use]
    pub fn sureness_of(&self, outcome: &Outcome) -> f32 {
        let all = self.sureness(&outcome.standings);
        all.first().copied().unwrap_or(f32::NAN)
    }

    /// Whether an answer of this confidence is given without a warning.
    #[must_use]
    pub fn is_sure(&self, sureness: f32) -> bool {
        sureness >= self.threshold.sureness
    }

    /// Probability in `(0, 1)` that an answer of this confidence is right; `None` if it wasn't measured.
    #[must_use]
    pub fn probability(&self, sureness: f32) -> Option<f32> {
        let calibration = self.calibration.as_ref()?;
        Some(calibration.probability(sureness))
    }

    /// Number of answers to search for, so that the confidences of the first `k` are exact.
    #[must_use]
    pub fn needs(&self, k: usize) -> usize {
        if k > 0 && (self.calibrator.is_some() || self.no_answer.is_some()) {
            k.max(AMONG)
        } else {
            k
        }
    }

    /// Whether all values are finite and in range.
    pub(crate) fn is_sound(&self) -> bool {
        self.threshold.sureness.is_finite()
            && self.no_answer.is_none_or(f32::is_finite)
            && (0.0..=1.0).contains(&self.own_text)
            && self.calibrator.as_ref().is_none_or(Calibrator::is_sound)
    }
}

/// Adapts the universal calibrator to outcomes. Each question counts once with its right answers, and with the weight
/// [`UNANSWERABLE`] without them. `None` without questions whose features are known.
fn adapt(outcomes: &[Outcome]) -> Option<Calibrator> {
    let adapting = outcomes.iter().filter(|outcome| outcome.with_paraphrases);
    let observed = adapting.flat_map(|outcome| {
        let with = outcome
            .features
            .map(|features| (features, outcome.right, 1.0));
        let without = outcome.unanswerable;
        let without = without.map(|features| (features, false, UNANSWERABLE));
        with.into_iter().chain(without)
    });
    let questions = outcomes.iter().filter(|outcome| outcome.features.is_some());
    let questions = questions.count();
    (questions > 0).then(|| Calibrator::adapted(&observed.collect::<Vec<_>>(), questions))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // signature required by serde
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

/// Returns the best [`AMONG`] scores, best first. NaN sorts first or last by its sign, so callers leave it out.
///
/// Frees the memory of the other scores, because thousands of questions are kept and each has the scores of all
/// answers.
fn best_scores(mut scores: Vec<f32>) -> Vec<f32> {
    let best_first = |a: &f32, b: &f32| b.total_cmp(a);
    if scores.len() > AMONG {
        scores.select_nth_unstable_by(AMONG - 1, best_first);
        scores.truncate(AMONG);
        scores.shrink_to_fit();
    }
    scores.sort_unstable_by(best_first);
    scores
}

/// The `of_100`-th percentile of values; NaN without values.
fn low(values: impl Iterator<Item = f32>, of_100: usize) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let at = values.len() * of_100 / 100;
    values.get(at).copied().unwrap_or(f32::NAN)
}

/// Lowest confidence at which an answer is given without a warning; see [`Confidence`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Lowest confidence.
    #[serde(alias = "score")] // name in models whose confidence is the score
    pub sureness: f32,
    /// Number of held-out questions that it was measured on; 0 for the default.
    pub questions: usize,
}

impl Threshold {
    /// Default for a model without held-out questions: a score of 0.5.
    pub const USUAL: Self = Self {
        sureness: 0.5,
        questions: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_core::matrix::Matrix;

    /// Forty questions whose best scores are equal. The best answer is far ahead of the others for the even ones, and
    /// right. It ties with another answer for the odd ones, and is wrong for every second one of them.
    fn outcomes() -> Vec<Outcome> {
        let one = |i: usize| match i % 2 {
            0 => Outcome::of(vec![0.2, 0.8, 0.1], true),
            _ => Outcome::of(vec![0.8, 0.1, 0.8], i % 4 == 1),
        };
        (0..40).map(one).collect()
    }

    #[test]
    fn confidence_depends_on_lead_over_other_answers() {
        let confidence = Confidence::measured(&outcomes());
        assert_eq!(confidence.no_answer, Some(0.8));
        assert_eq!(confidence.threshold.questions, 40);
        let chance = |scores: &[f32]| {
            let sureness = confidence.sureness(scores);
            confidence.probability(sureness[0]).unwrap()
        };
        assert!(chance(&[0.8, 0.2, 0.1]) > 0.9);
        assert!((0.4..0.6).contains(&chance(&[0.8, 0.8, 0.1])));
        // Far ahead of the other answer, but below the abstain score.
        let alone = confidence.sureness(&[0.3, -0.5])[0];
        assert!(!confidence.is_sure(alone) && confidence.is_sure(0.5));
    }

    #[test]
    fn measured_falls_back_to_defaults_with_few_questions() {
        let few = Confidence::measured(&outcomes()[..19]);
        assert_eq!(few, Confidence::USUAL);
        assert_eq!(few.sureness(&[0.7, 0.6]), [0.7, 0.6]);
        // Enough questions for a calibration, but too few right answers for a threshold.
        let wrong = |outcome: &Outcome| Outcome {
            right: false,
            ..outcome.clone()
        };
        let all: Vec<Outcome> = outcomes().iter().map(wrong).collect();
        let measured = Confidence::measured(&all);
        assert_eq!(measured.no_answer, None);
        assert_eq!(measured.threshold, Threshold::USUAL);
        assert!(measured.probability(0.8).unwrap() < 0.1);
        assert_eq!(Confidence::measured(&[]), Confidence::USUAL);
    }

    #[test]
    fn match_by_paraphrase_alone_lowers_confidence() {
        // The question equals answer 0 itself and a paraphrase of answer 1.
        let vectors = Matrix::from_rows(&[[1.0, 0.0], [0.6, 0.8], [1.0, 0.0]]).unwrap();
        let index = Index::new(vectors, vec![0, 1, 1]).unwrap();
        let vector = [2.0, 0.0];
        let hits = index.search(&vector, 2);
        let rule = Confidence {
            own_text: 0.5,
            no_answer: Some(0.5),
            ..Confidence::USUAL
        };
        let standings = rule.standings(&index, &vector, &hits);
        assert!((standings[0] - 1.0).abs() < 1e-6 && (standings[1] - 0.8).abs() < 1e-6);
        let sureness = rule.sureness(&standings);
        assert!(sureness[0] > 0.95 && sureness[1] < 0.05, "{sureness:?}");
        let former = Confidence {
            own_text: 0.0,
            ..rule
        };
        assert_eq!(former.standings(&index, &vector, &hits), [1.0, 1.0]);
        // Scores out of order: the confidences are capped to never increase.
        let behind = former.sureness(&[0.8, 1.0, 0.9]);
        assert!(behind[0] < 0.02 && behind.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn needs_includes_answers_of_softmax() {
        let shares = Confidence {
            no_answer: Some(0.5),
            ..Confidence::USUAL
        };
        assert_eq!([0, 1, 50].map(|k| shares.needs(k)), [0, AMONG, 50]);
        assert_eq!([0, 1, 50].map(|k| Confidence::USUAL.needs(k)), [0, 1, 50]);
    }

    #[test]
    fn outcome_keeps_best_scores_only() {
        let many = Outcome::of((0..100).map(|i| i as f32).collect(), true);
        let best: Vec<f32> = (80..100).rev().map(|i| i as f32).collect();
        assert_eq!((many.standings.len(), many.standing()), (AMONG, 99.0));
        assert_eq!(many.standings, best);
        assert!(
            many.standings.capacity() < 2 * AMONG,
            "memory of the other scores is kept"
        );
        let none = Outcome::of(Vec::new(), false);
        assert!(none.standing().is_nan() && Confidence::USUAL.sureness_of(&none).is_nan());
    }

    #[test]
    fn serde_round_trips_and_reads_former_format() {
        let former = r#"{"threshold": {"score": 0.4, "questions": 30}}"#;
        let read: Confidence = serde_json::from_str(former).unwrap();
        assert_eq!((read.threshold.sureness, read.no_answer), (0.4, None));
        let measured = Confidence::measured(&outcomes());
        let text = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<Confidence>(&text).unwrap(), measured);
    }
}
