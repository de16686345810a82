//! Layer 3: how sure an answer is, and what silence costs.
//!
//! A score says which answer is nearer, not how often an answer of that score is right. That is
//! learned from questions whose answers are known: pairs of the score of the answer given and
//! whether it was the right one. Instead of the score it may be any number that rises with being right;
//! the best known here is the share.
//!
//! - [`shares`] says how far answers are ahead of each other, [`standing`] what of an answer is compared there.
//! - [`Calibration`] makes a probability of a score, by isotonic regression.
//! - [`Silence`] says for a threshold how many questions are still answered and how many of those
//!   answers are wrong.
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
mod share;
mod silence;
#[cfg(test)]
mod tests;

pub use isotonic::{BadBlocks, Block, Calibration};
pub use share::{AMONG, OWN_TEXT, SCALE, shares, standing};
pub use silence::{Consequence, Silence};
