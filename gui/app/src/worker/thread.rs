//! Named threads that report a panic instead of dying silently.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::Builder,
};

use crate::{state::UserError, text};

/// Runs `work` on a thread called `name`; `broken` is called if it panics.
pub(super) fn start(
    name: &str,
    work: impl FnOnce() + Send + 'static,
    broken: impl FnOnce() + Send + 'static,
) -> Result<(), UserError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                broken();
            }
        })
        .map(drop)
        .map_err(|error| text::error::no_thread().with_detail(error.to_string()))
}
