//! Layer 3: confidence, calibration and the risk–coverage curve.
//!
//! A score ranks answers but is not the probability that an answer is right. Calibration learns this probability
//! from questions with known answers: from pairs of the given answer's score and whether the answer was right.
//! Any number that rises with correctness can replace the score; Nearsay uses the confidence.
//!
//! - [`shares`] computes confidences from scores, [`standing`] the score that enters the confidence of an answer.
//! - [`Calibration`] maps scores to probabilities by isotonic regression.
//! - [`fit_logistic`] maps several features of a search to one probability.
//! - [`Silence`] is the risk–coverage curve: for every threshold, the number of answered questions and of wrong
//!   answers among them.
//!
//! ```
//! use nearsay_search::calibration::{Calibration, Silence};
//!
//! let pairs = [(0.1, false), (0.2, true), (0.3, false), (0.4, true), (0.5, true)];
//! let calibration = Calibration::fit(&pairs).unwrap();
//! assert_eq!(calibration.probability(0.0), 0.5);
//! assert_eq!(calibration.probability(0.9), 2.0 / 3.0);
//!
//! let silence = Silence::of(&pairs);
//! let strict = silence.at(0.3);
//! assert_eq!((strict.answered, strict.wrong), (3, 1));
//! ```

mod isotonic;
mod logistic;
mod share;
mod silence;
#[cfg(test)]
mod tests;

pub use isotonic::{BadBlocks, Block, Calibration};
pub use logistic::{Observation, Prior, fit_logistic, logistic, logit};
pub use share::{AMONG, OWN_TEXT, SCALE, shares, standing};
pub use silence::{Consequence, Silence};
