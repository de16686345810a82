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
        // The text of the error ends with the advice.
        let (text, advice) = (error.to_string(), error.fix());
        let message = text.strip_suffix(advice).unwrap_or(&text).trim_end();
        Self::new(message, advice)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_error_is_split_into_message_and_remedy() {
        let error = UserError::from(ReadError::NoRows);
        assert_eq!(error.message, "The table has column names but no rows.");
        assert_eq!(error.remedy, "Add a row for each question and its answer.");
    }
}
