//! Errors and results as the user of a command reads them.
#![allow(missing_docs)]

#[cfg(feature = "terminal")]
pub mod terminal;
mod user_error;

pub use user_error::UserError;
