//! Errors of encoding and fine-tuning.

use nearsay_core::{encoder::BoxError, matrix::ShapeError};
use nearsay_model::ModelError;
use thiserror::Error;

/// Reason why texts can't be encoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The files of the model can't be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer failed on a text.
    #[error("the tokenizer failed: {0}")]
    Tokenizer(#[source] BoxError),
    /// Token ids don't fit the model.
    #[error("the token ids don't fit the model: {0}")]
    TokenIds(String),
    /// The tensor library or the device failed.
    #[error("computing the vectors failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// Matrices don't fit together.
    #[error("computing the vectors failed: {0}")]
    Shape(#[from] ShapeError),
    /// The model has a shape that fine-tuning doesn't support.
    #[error("fine-tuning needs a model with {0}; choose another encoder or train only a head")]
    NotTrainable(&'static str),
    /// A vector contains a value that is not finite.
    #[error(
        "the model returned a vector with NaN or infinite values; its weights are damaged or too large"
    )]
    NotFinite,
    /// A worker thread panicked, which is a bug.
    #[error("computing the vectors failed with an internal error; please report it")]
    Panicked,
    /// An encoder of the caller failed.
    #[error("{0}")]
    Custom(#[source] BoxError),
    /// The caller cancelled the work.
    #[error("cancelled before all texts were encoded")]
    Cancelled,
}
