//! Results on stdout.

use nearsay_message::UserError;
use serde::Serialize;
use std::io::Write as _;

/// Prints a value as one JSON line and flushes it.
///
/// # Errors
/// If the value can't be encoded, or stdout can't be written.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), UserError> {
    let line = serde_json::to_string(value).map_err(|error| {
        UserError::new(
            format_args!("the result could not be encoded ({error})"),
            "",
        )
    })?;
    print_line(&line)
}

/// Prints one line and flushes it.
///
/// # Errors
/// If stdout can't be written.
pub(crate) fn print_line(line: &str) -> Result<(), UserError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| {
            UserError::new(
                format_args!("the result could not be written to stdout ({error})"),
                "",
            )
        })
}
