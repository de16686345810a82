//! When an answer is sure, and how probably it is right.

use super::Threshold;
use nearsay_search::{
    calibration::{AMONG, Calibration, OWN_TEXT, shares, standing},
    index::{Hit, Index},
};
use serde::{Deserialize, Serialize};

/// Right answers needed before a threshold is measured rather than taken from experience.
const MIN_FOR_THRESHOLD: usize = 20;

/// Questions needed before it is said how probably an answer is right.
const MIN_FOR_CALIBRATION: usize = 20;

/// How many of 100 right answers do not reach the score of no answer.
const BELOW_NO_ANSWER: usize = 7;

/// When an answer is sure, and how probably it is right: part of `nearsay.json`.
///
/// Both go by its *sureness*: the share of its *standing* ([`standing`]: its score, drawn towards that of its own
/// text) among those of the nearest answers ([`shares`]) where that could be measured, its score where not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confidence {
    /// From which sureness on an answer is given without a warning.
    pub threshold: Threshold,
    /// How much an answer's own text counts for its standing, from 0 to 1; in folders of before there was such a
    /// thing 0, by which the standing is the score.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub own_text: f32,
    /// The score that stands for no answer among those that share; none where the sureness is the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<f32>,
    /// How probably an answer is right by its sureness; none when that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

/// What came of a question whose answer is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The standings of the answers of the best scores, best scores first: [`AMONG`] of them, unless there are
    /// fewer.
    pub standings: Vec<f32>,
    /// Whether the first of them is right.
    pub right: bool,
}

impl Outcome {
    /// By the scores of all answers, in any order, where each has nothing but its own text.
    #[must_use]
    pub fn of(scores: Vec<f32>, right: bool) -> Self {
        Self {
            standings: best_scores(scores),
            right,
        }
    }

    /// The standing of the first answer; no number when there is none.
    #[must_use]
    pub fn standing(&self) -> f32 {
        self.standings.first().copied().unwrap_or(f32::NAN)
    }
}

impl Confidence {
    /// What is usual, for a model without questions kept aside.
    pub const USUAL: Self = Self {
        threshold: Threshold::USUAL,
        own_text: 0.0,
        no_answer: None,
        calibration: None,
    };

    /// Measured on what came of questions kept aside.
    ///
    /// The score of no answer is the one that 93 of 100 right answers reach; the threshold is the sureness
    /// that 90 of 100 reach. For both there must be 20 right answers, for a calibration 20 questions.
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
        let threshold = match enough {
            true => Threshold {
                sureness: low(right().map(|outcome| rule.sureness_of(outcome)), 10),
                questions: outcomes.len(),
            },
            false => Threshold::USUAL,
        };
        let calibration = (outcomes.len() >= MIN_FOR_CALIBRATION)
            .then(|| rule.calibrated(outcomes))
            .flatten();
        Self {
            threshold,
            calibration,
            ..rule
        }
    }

    /// How probably an answer is right by its sureness, learned from what came of these questions; none when
    /// they say nothing.
    #[must_use]
    pub fn calibrated(&self, outcomes: &[Outcome]) -> Option<Calibration> {
        let pair = |outcome: &Outcome| (self.sureness_of(outcome), outcome.right);
        Calibration::fit(&outcomes.iter().map(pair).collect::<Vec<_>>())
    }

    /// The standing of each of some hits that an index has for a question of this vector, `[hits]`.
    #[must_use]
    pub fn standings(&self, index: &Index, vector: &[f32], hits: &[Hit]) -> Vec<f32> {
        if self.own_text == 0.0 {
            return hits.iter().map(|hit| hit.score).collect();
        }
        let own = index.own_meanings(vector, hits);
        let of = |(hit, own): (&Hit, f32)| standing(hit.meaning, own, hit.words, self.own_text);
        hits.iter().zip(own).map(of).collect()
    }

    /// The sureness of each answer by the standings of those of the best scores, best scores first: at least
    /// [`AMONG`] of them, unless there are fewer answers. None is surer than those before it.
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

    /// The sureness of the answer that a question was given; no number when there was none.
    #[must_use]
    pub fn sureness_of(&self, outcome: &Outcome) -> f32 {
        let all = self.sureness(&outcome.standings);
        all.first().copied().unwrap_or(f32::NAN)
    }

    /// Whether an answer of this sureness is given without a warning.
    #[must_use]
    pub fn is_sure(&self, sureness: f32) -> bool {
        sureness >= self.threshold.sureness
    }

    /// How probably an answer of this sureness is right, in `(0, 1)`; none when that was not measured.
    #[must_use]
    pub fn probability(&self, sureness: f32) -> Option<f32> {
        let calibration = self.calibration.as_ref()?;
        Some(calibration.probability(sureness))
    }

    /// How many answers must be found, so that what is said of the first `k` is right.
    #[must_use]
    pub fn needs(&self, k: usize) -> usize {
        match (k, self.no_answer) {
            (0, _) | (_, None) => k,
            (_, Some(_)) => k.max(AMONG),
        }
    }

    /// Whether all its numbers are finite.
    pub(super) fn is_sound(&self) -> bool {
        self.threshold.sureness.is_finite()
            && self.no_answer.is_none_or(f32::is_finite)
            && (0.0..=1.0).contains(&self.own_text)
    }
}

/// For serde.
#[allow(clippy::trivially_copy_pass_by_ref)] // as serde wants it
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

/// The [`AMONG`] best of scores, best first; what is no number comes first or last, and is better left out. The
/// others take no memory any more: thousands of questions are kept, each of which was compared with all answers.
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

/// The value that all but so many of 100 reach; not a number without any.
fn low(values: impl Iterator<Item = f32>, of_100: usize) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let at = values.len() * of_100 / 100;
    values.get(at).copied().unwrap_or(f32::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_core::matrix::Matrix;

    /// Forty questions: half are right and far ahead, half as near as the next answer; every other of those
    /// is wrong. All scores are the same.
    fn outcomes() -> Vec<Outcome> {
        let one = |i: usize| match i % 2 {
            0 => Outcome::of(vec![0.2, 0.8, 0.1], true),
            _ => Outcome::of(vec![0.8, 0.1, 0.8], i % 4 == 1),
        };
        (0..40).map(one).collect()
    }

    #[test]
    fn being_ahead_tells_what_scores_do_not() {
        let confidence = Confidence::measured(&outcomes());
        assert_eq!(confidence.no_answer, Some(0.8));
        assert_eq!(confidence.threshold.questions, 40);
        let chance = |scores: &[f32]| {
            let sureness = confidence.sureness(scores);
            confidence.probability(sureness[0]).unwrap()
        };
        assert!(chance(&[0.8, 0.2, 0.1]) > 0.9);
        assert!((0.4..0.6).contains(&chance(&[0.8, 0.8, 0.1])));
        // Near to nothing, though alone.
        let alone = confidence.sureness(&[0.3, -0.5])[0];
        assert!(!confidence.is_sure(alone) && confidence.is_sure(0.5));
    }

    #[test]
    fn little_is_said_of_few_questions() {
        let few = Confidence::measured(&outcomes()[..19]);
        assert_eq!(few, Confidence::USUAL);
        assert_eq!(few.sureness(&[0.7, 0.6]), [0.7, 0.6]);
        // Enough questions, but too few right answers: by scores.
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
    fn an_answer_that_only_a_wording_speaks_for_is_less_sure() {
        // Answer 0 by its own text, answer 1 by a wording: both as near as can be.
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
        // The other way about: none is surer than the one before it.
        let behind = former.sureness(&[0.8, 1.0, 0.9]);
        assert!(behind[0] < 0.02 && behind.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn as_many_answers_are_found_as_must_be_known() {
        let shares = Confidence {
            no_answer: Some(0.5),
            ..Confidence::USUAL
        };
        assert_eq!([0, 1, 50].map(|k| shares.needs(k)), [0, AMONG, 50]);
        assert_eq!([0, 1, 50].map(|k| Confidence::USUAL.needs(k)), [0, 1, 50]);
    }

    #[test]
    fn only_the_best_scores_are_kept() {
        let many = Outcome::of((0..100).map(|i| i as f32).collect(), true);
        let best: Vec<f32> = (80..100).rev().map(|i| i as f32).collect();
        assert_eq!((many.standings.len(), many.standing()), (AMONG, 99.0));
        assert_eq!(many.standings, best);
        assert!(
            many.standings.capacity() < 2 * AMONG,
            "memory for all is kept"
        );
        let none = Outcome::of(Vec::new(), false);
        assert!(none.standing().is_nan() && Confidence::USUAL.sureness_of(&none).is_nan());
    }

    /// As folders had it before there were shares, and as they have it now.
    #[test]
    fn it_is_read_as_it_is_written() {
        let former = r#"{"threshold": {"score": 0.4, "questions": 30}}"#;
        let read: Confidence = serde_json::from_str(former).unwrap();
        assert_eq!((read.threshold.sureness, read.no_answer), (0.4, None));
        let measured = Confidence::measured(&outcomes());
        let text = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<Confidence>(&text).unwrap(), measured);
    }
}
