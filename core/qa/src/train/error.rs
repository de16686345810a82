use crate::cache::CacheError;
use nearsay_core::{head::HeadError, matrix::ShapeError, sample::BatchError};
use nearsay_store::StoreError;
use std::fmt;

/// Why a run could not be done.
#[derive(Debug)]
pub enum TrainError {
    /// A setting cannot work; the sentence says which.
    Setting(String),
    /// Too little to learn from.
    TooFew {
        /// Pairs there are.
        pairs: usize,
    },
    /// The loss or a weight was not a finite number, again after the learning rate was halved.
    NotFinite {
        /// The epoch in which it happened.
        epoch: usize,
        /// The learning rate tried last.
        lr: f64,
    },
    /// A checkpoint of a run with other settings or other data.
    OtherRun,
    /// A checkpoint that cannot be read; the sentence says why.
    Checkpoint(String),
    /// The tensor library failed.
    Tensor(candle_core::Error),
    /// A batch could not be used.
    Batch(BatchError<candle_core::Error>),
    /// The head could not be put together.
    Head(HeadError<candle_core::Error>),
    /// Texts could not be embedded.
    Encoder(Box<dyn std::error::Error + Send + Sync>),
    /// Something could not be read or written.
    Store(StoreError),
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(sentence) => write!(f, "{sentence}"),
            Self::TooFew { pairs } => write!(
                f,
                "there are only {pairs} pairs of question and answer to learn from; \
                 at least 2 different answers are needed, and a few dozen to learn anything"
            ),
            Self::NotFinite { epoch, lr } => write!(
                f,
                "training went off course in round {} and again with smaller steps, \
                 down to a learning rate of {lr}; try a tenth of it, and check the data for \
                 rows that are not text",
                epoch + 1
            ),
            Self::OtherRun => write!(
                f,
                "the saved state is of a run with other settings or other data; \
                 give the same ones, or start over without --resume"
            ),
            Self::Checkpoint(why) => write!(
                f,
                "the saved state of this run cannot be read ({why}); start over without --resume"
            ),
            Self::Tensor(error) => write!(f, "the tensor library failed: {error}"),
            Self::Batch(error) => error.fmt(f),
            Self::Head(error) => error.fmt(f),
            Self::Encoder(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TrainError {}

impl From<nearsay_bert::EncodeError> for TrainError {
    fn from(error: nearsay_bert::EncodeError) -> Self {
        Self::Encoder(error.into())
    }
}

macro_rules! from {
    ($($kind:ident($error:ty)),*) => {
        $(impl From<$error> for TrainError {
            fn from(error: $error) -> Self {
                Self::$kind(error)
            }
        })*
    };
}

from!(
    Tensor(candle_core::Error),
    Batch(BatchError<candle_core::Error>),
    Head(HeadError<candle_core::Error>),
    Store(StoreError)
);

impl From<ShapeError> for TrainError {
    fn from(error: ShapeError) -> Self {
        Self::Tensor(candle_core::Error::wrap(error))
    }
}

impl From<CacheError> for TrainError {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Encoder(error) => Self::Encoder(error),
            CacheError::Store(error) => Self::Store(error),
        }
    }
}
