use super::SettingsError;
use crate::cache::CacheError;
use nearsay_bert::EncodeError;
use nearsay_core::{
    candle::NotAVariable, encoder::BoxError, head::HeadError, matrix::ShapeError,
    sample::BatchError,
};
use nearsay_store::StoreError;

/// Failure of a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting that no run can work with.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Too little data to train on.
    #[error(
        "there are only {pairs} pairs of question and answer to train on; at least 2 distinct \
         answers are needed, and a few dozen for any effect"
    )]
    TooFew {
        /// Number of pairs.
        pairs: usize,
    },
    /// The loss or a weight was NaN or infinite, even after the learning rate was halved.
    #[error(
        "training diverged in epoch {} (loss is NaN or infinite), even after lowering the learning \
         rate to {lr}; try a tenth of it, and check the data for rows that are not text",
        .epoch + 1
    )]
    Diverged {
        /// Number of the epoch, from 0.
        epoch: usize,
        /// Learning rate of the last attempt.
        lr: f64,
    },
    /// A checkpoint of a run with other settings or other data.
    #[error(
        "the saved state is of a run with other settings or other data; give the same ones, or start \
         over without --resume"
    )]
    OtherRun,
    /// A checkpoint that cannot be read or written, with the reason.
    #[error("the saved state of this run cannot be read ({0}); start over without --resume")]
    Checkpoint(String),
    /// A parameter of a custom head, encoder or loss that cannot be trained.
    #[error(transparent)]
    NotAVariable(#[from] NotAVariable),
    /// Failure of the tensor library.
    #[error("the tensor library failed: {0}")]
    Tensor(#[from] candle_core::Error),
    /// A batch that the loss cannot use.
    #[error(transparent)]
    Batch(#[from] BatchError<candle_core::Error>),
    /// A head that could not be built or computed.
    #[error(transparent)]
    Head(#[from] HeadError<candle_core::Error>),
    /// Texts that could not be embedded.
    #[error(transparent)]
    Encoder(BoxError),
    /// A file that could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EncodeError> for TrainError {
    fn from(error: EncodeError) -> Self {
        Self::Encoder(error.into())
    }
}

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
