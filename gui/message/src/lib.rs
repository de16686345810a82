//! Errors as users read them, shared by the command line and the app.
#![allow(missing_docs)]

mod user_error;

pub use user_error::UserError;
