//! Named threads that report panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::Builder,
};

use crate::{state::UserError, text};

/// Runs `work` on a thread called `name`, and `on_panic` if it panics.
pub(super) fn start(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
    on_panic: impl FnOnce() + Send + 'static,
) -> Result<(), UserError> {
    Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!(thread = name, "thread panicked");
                on_panic();
            }
        })
        .map(drop)
        .map_err(start_error)
}

/// Converts the error of starting a thread.
pub(super) fn start_error(error: std::io::Error) -> UserError {
    text::error::no_thread().with_detail(error.to_string())
}
