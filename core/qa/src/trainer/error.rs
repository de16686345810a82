use crate::{cache::CacheError, servable::ServableError, train::TrainError};
use nearsay_bert::EncodeError;
use nearsay_core::{encoder::BoxError, matrix::ShapeError};
use nearsay_faq::{ReadError, SplitError};
use nearsay_model::ModelError;
use nearsay_store::StoreError;
use nearsay_text::compact::CompactError;

/// Failure of training, evaluating, saving or opening a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that could not be read as an FAQ.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A dataset without a row that has a question and an answer.
    #[error("there is no row with a question and an answer")]
    NoRows,
    /// A dataset that could not be split.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A base encoder that could not be opened.
    #[error(transparent)]
    Encoder(#[from] ModelError),
    /// A built-in encoder that is damaged.
    #[error(transparent)]
    BuiltIn(#[from] CompactError),
    /// A base encoder with a trained layer of its own.
    #[error("{path} is a trained model; train from the encoder that it was made from")]
    AlreadyTrained {
        /// The directory.
        path: String,
    },
    /// Texts that could not be embedded.
    #[error("the encoder failed: {0}")]
    Encode(#[source] BoxError),
    /// A training run that failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A run that was stopped before there was a model.
    #[error("training was stopped before there was a model")]
    Stopped,
    /// A model directory that could not be read or written.
    #[error(transparent)]
    Model(#[from] ServableError),
    /// A report that could not be serialized.
    #[error("the report of the training can't be written as JSON: {0}")]
    Report(#[source] BoxError),
    /// A model that other programs cannot load.
    #[error("a model with {part} of your own cannot be saved; keep it in memory")]
    NotPortable {
        /// The part that cannot be written to a file.
        part: &'static str,
    },
    /// A file that could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error.into())
    }
}

impl From<ShapeError> for Error {
    fn from(error: ShapeError) -> Self {
        Self::Encode(error.into())
    }
}

impl From<CacheError> for Error {
    fn from(error: CacheError) -> Self {
        Self::Train(error.into())
    }
}
