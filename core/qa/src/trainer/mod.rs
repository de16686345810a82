//! The front door: train a question-answering model, evaluate it, ask it, save it.
//!
//! | type | is |
//! | --- | --- |
//! | [`Dataset`], [`Split`] | questions with their answers, from pairs or an FAQ file |
//! | [`TextEncoder`] | the base encoder: built in, a sentence-transformers directory, or your own |
//! | [`Trainer`] | builder of a training run |
//! | [`QaModel`] | a trained or opened model |
//!
//! Heads, losses and encoders of your own are trained by the same loop as the built-in ones:
//! [`Trainer::head`] takes any [`Head`](nearsay_core::head::Head), [`Trainer::loss`] any
//! [`PairLoss`](nearsay_core::loss::PairLoss), [`Trainer::group_loss`] any
//! [`GroupLoss`](nearsay_core::loss::GroupLoss) and [`TextEncoder::custom`] any
//! [`Encoder`](nearsay_core::encoder::Encoder) on candle. Their parameters must be candle variables
//! ([`Var`](candle_core::Var)).

mod dataset;
mod encoder;
mod error;
mod evaluate;
mod fit;
mod model;
#[cfg(test)]
mod tests;

pub use dataset::{Dataset, Split};
pub use encoder::TextEncoder;
pub use error::Error;
pub use fit::{Trainer, TrainingData};
pub use model::QaModel;
