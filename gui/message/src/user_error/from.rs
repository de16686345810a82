//! Conversions from errors of the libraries.

use nearsay::{servable::ServableError, train::TrainError};
use nearsay_bert::EncodeError;
use nearsay_core::candle::device::DeviceError;
use nearsay_faq::{ReadError, SplitError};
use nearsay_model::ModelError;
use nearsay_store::StoreError;

use super::UserError;
use nearsay_hub::{ObtainError, dirs::NoHomeDirectory};
use nearsay_text::compact::CompactError;

impl From<ReadError> for UserError {
    fn from(error: ReadError) -> Self {
        Self::new(&error, error.fix())
    }
}

macro_rules! from_self_explaining {
    ($($error:ty),*) => {
        $(impl From<$error> for UserError {
            fn from(error: $error) -> Self {
                Self::new(error, "")
            }
        })*
    };
}

// The messages of these errors include the remedy.
from_self_explaining!(
    DeviceError,
    EncodeError,
    ModelError,
    NoHomeDirectory,
    ObtainError,
    ServableError,
    SplitError,
    StoreError,
    TrainError
);

impl From<CompactError> for UserError {
    fn from(error: CompactError) -> Self {
        Self::new(
            format_args!("the built-in encoder is damaged: {error}"),
            "Reinstall Nearsay.",
        )
    }
}

impl From<candle_core::Error> for UserError {
    fn from(error: candle_core::Error) -> Self {
        Self::new(format_args!("the tensor library failed: {error}"), "")
    }
}
