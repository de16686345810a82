//! Calibrator that ships with the program, adapted to a file.

use super::{
    Confidence, Level,
    features::{FEATURES, Features},
    language::Languages,
    weights::WEIGHTS,
};
use nearsay_search::calibration::{Observation, Prior, fit_logistic, logistic};
use serde::{Deserialize, Serialize};

/// Weight of an unanswerable question in a fit, relative to an answerable one.
pub const UNANSWERABLE: f64 = 0.15;
/// Prior of the slope: few test questions hardly change it.
const SLOPE: Prior = Prior {
    mean: 1.0,
    precision: 50.0,
};
/// Prior of the offset. One test question whose outcome is open has an information of ¼.
const OFFSET: Prior = Prior {
    mean: 0.0,
    precision: 40.0,
};
/// Largest probability of a question that isn't known.
const HIGHEST: f64 = 0.99;

/// Logistic regression from the [`Features`] of a search to the probability that the answer is right.
///
/// The weights were fitted on several FAQs with answerable and unanswerable questions. The slope and the offset adapt
/// them to a file: `P = 1 / (1 + exp(−(slope · (weights · features) + offset)))`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrator {
    /// Weight of each feature, then the intercept.
    pub weights: [f32; FEATURES + 1],
    /// Factor of the log odds.
    pub slope: f32,
    /// Summand of the log odds.
    pub offset: f32,
    /// Number of test questions that it was adapted to.
    pub questions: usize,
    /// Languages that the encoder knows.
    #[serde(default)]
    pub languages: Languages,
    /// Lowest probability of an answer that is given; less likely answers are [`Level::Unsure`]. Default:
    /// [`Confidence::LIKELY`].
    #[serde(default = "likely")]
    pub abstain: f32,
}

fn likely() -> f32 {
    Confidence::LIKELY
}

impl Default for Calibrator {
    fn default() -> Self {
        Self::UNIVERSAL
    }
}

impl Calibrator {
    /// The calibrator before adaptation.
    pub const UNIVERSAL: Self = Self {
        weights: WEIGHTS,
        slope: 1.0,
        offset: 0.0,
        questions: 0,
        languages: Languages::English,
        abstain: Confidence::LIKELY,
    };

    /// Adapts the universal calibrator to the outcomes of test questions of a file: the features of each search, whether
    /// the best answer was right, and the weight of the question. `questions` is the number of test questions.
    ///
    /// Platt scaling with a Gaussian prior around the universal calibrator, so that a few questions change little.
    #[must_use]
    pub fn adapted(outcomes: &[(Features, bool, f64)], questions: usize) -> Self {
        let universal = Self::UNIVERSAL;
        let observation = |&(features, right, weight): &(Features, bool, f64)| Observation {
            inputs: vec![universal.log_odds(&features), 1.0],
            happened: right,
            weight,
        };
        let observations: Vec<Observation> = outcomes.iter().map(observation).collect();
        let found = fit_logistic(&observations, &[SLOPE, OFFSET]);
        Self {
            // More evidence must not lower a probability.
            slope: (found[0] as f32).max(0.1),
            offset: found[1] as f32,
            questions,
            ..universal
        }
    }

    /// Probability that the answer is right, in `(0, 1)`. At most `(n + 1) / (n + 2)` after `n` test questions, the rule
    /// of succession: fewer questions can't support more.
    #[must_use]
    pub fn probability(&self, features: &Features) -> f32 {
        let p = logistic(f64::from(self.slope) * self.log_odds(features) + f64::from(self.offset));
        let n = self.questions as f64;
        p.clamp(1.0 - HIGHEST, HIGHEST.min((n + 1.0) / (n + 2.0))) as f32
    }

    /// Level of an answer with this probability.
    #[must_use]
    pub fn level(&self, probability: f32) -> Level {
        if probability < self.abstain {
            Level::Unsure
        } else if probability >= Confidence::SURE {
            Level::Sure
        } else {
            Level::Likely
        }
    }

    fn log_odds(&self, features: &Features) -> f64 {
        let products = self.weights.iter().zip(&features.values);
        let products = products.map(|(weight, value)| f64::from(*weight) * f64::from(*value));
        products.sum::<f64>() + f64::from(self.weights[FEATURES])
    }

    /// Whether all values are finite and in range.
    pub(crate) fn is_sound(&self) -> bool {
        let all = self
            .weights
            .iter()
            .chain([&self.slope, &self.offset, &self.abstain]);
        all.copied().all(f32::is_finite) && self.slope > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Features with a softmax share of these log odds.
    fn features(log_odds: f32) -> Features {
        let mut values = [0.0; FEATURES];
        values[2] = log_odds;
        Features { values }
    }

    fn many(n: usize, right: bool) -> Vec<(Features, bool, f64)> {
        vec![(features(1.0), right, 1.0); n]
    }

    #[test]
    fn adaptation_without_outcomes_is_universal() {
        assert_eq!(Calibrator::adapted(&[], 0), Calibrator::UNIVERSAL);
    }

    #[test]
    fn few_outcomes_change_less_than_many() {
        let offset = |n: usize| Calibrator::adapted(&many(n, true), n).offset;
        assert!(0.0 < offset(2) && offset(2) < 0.3);
        assert!(offset(2) < offset(200));
        assert!(Calibrator::adapted(&many(50, false), 50).offset < 0.0);
    }

    #[test]
    fn probability_is_capped_by_the_number_of_test_questions() {
        let best = Features {
            values: WEIGHTS
                .first_chunk::<FEATURES>()
                .map(|weights| weights.map(|weight| 9.0 * weight))
                .unwrap(),
        };
        let cap = |questions: usize| {
            let calibrator = Calibrator {
                questions,
                ..Calibrator::UNIVERSAL
            };
            calibrator.probability(&best)
        };
        assert_eq!([0, 3].map(cap), [0.5, 0.8]);
        assert_eq!(cap(100_000), 0.99);
        let calibrator = Calibrator {
            offset: -90.0,
            ..Calibrator::UNIVERSAL
        };
        assert!(calibrator.probability(&best) > 0.0);
    }

    #[test]
    fn level_depends_on_probability_and_abstention() {
        let universal = Calibrator::UNIVERSAL;
        let levels = [0.39, 0.4, 0.79, 0.8].map(|p| universal.level(p));
        assert_eq!(
            levels,
            [Level::Unsure, Level::Likely, Level::Likely, Level::Sure]
        );
        let strict = Calibrator {
            abstain: 0.9,
            ..universal
        };
        assert_eq!(
            (strict.level(0.85), strict.level(0.95)),
            (Level::Unsure, Level::Sure)
        );
    }

    #[test]
    fn unsound_calibrators_are_detected() {
        let broken = |slope, offset| Calibrator {
            slope,
            offset,
            ..Calibrator::UNIVERSAL
        };
        assert!(Calibrator::UNIVERSAL.is_sound());
        assert!(!broken(f32::NAN, 0.0).is_sound() && !broken(0.0, 0.0).is_sound());
        assert!(!broken(1.0, f32::INFINITY).is_sound());
    }
}
