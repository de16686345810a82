//! Troubles from errors of the core.

use nearsay_core::{
    candle::{bert::EncodeError, device::DeviceError},
    faq::{ReadError, SplitError},
    model::ModelError,
    servable::ServableError,
    store::StoreError,
    train::TrainError,
};

use super::Trouble;

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Self {
        Self::new(&error, error.fix())
    }
}

macro_rules! from_self_explaining {
    ($($error:ty),*) => {
        $(impl From<$error> for Trouble {
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
    ServableError,
    SplitError,
    StoreError,
    TrainError
);

impl From<candle_core::Error> for Trouble {
    fn from(error: candle_core::Error) -> Self {
        Self::new(format_args!("the tensor library failed: {error}"), "")
    }
}
