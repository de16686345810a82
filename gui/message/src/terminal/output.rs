//! Results on stdout.

use std::io::Write as _;

use serde::Serialize;

use crate::UserError;

/// Prints a value as one JSON line and flushes it.
///
/// # Errors
/// When the value cannot be encoded, or stdout cannot be written.
pub fn print_json(value: &impl Serialize) -> Result<(), UserError> {
    let line = serde_json::to_string(value).map_err(|error| {
        UserError::new(format_args!("the result cannot be written ({error})"), "")
    })?;
    print_line(&line)
}

/// Prints one line and flushes it. A closed pipe ends the program quietly.
///
/// # Errors
/// When stdout cannot be written.
pub fn print_line(line: &str) -> Result<(), UserError> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| {
            UserError::new(
                format_args!("the result cannot be written to the output ({error})"),
                "",
            )
        })
}
