//! The log file of the window: warnings about errors that the user doesn't see.
//!
//! It is written to `logs/` in the data directory. For privacy, no question, answer or search text is
//! logged. The environment variable `NEARSAY_LOG` sets another filter.

use std::path::Path;

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;

const DIR: &str = "logs";
/// Environment variable with a filter such as `nearsay_app=debug`.
const FILTER_VARIABLE: &str = "NEARSAY_LOG";
/// Messages of dependencies are left out, since they might contain texts.
const DEFAULT_FILTER: &str = "nearsay=info";
/// Number of daily files to keep.
const MAX_FILES: usize = 5;

/// Starts logging. The window works without a log, so an error is reported on the terminal only.
pub(super) fn start(data_dir: &Path) {
    let dir = data_dir.join(DIR);
    // Pruning old files reads the directory, which a first start lacks.
    if let Err(error) = std::fs::create_dir_all(&dir) {
        eprintln!("nearsay: cannot create {}: {error}", dir.display());
        return;
    }
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("nearsay")
        .filename_suffix("log")
        .max_log_files(MAX_FILES)
        .build(dir);
    let appender = match appender {
        Ok(appender) => appender,
        Err(error) => {
            eprintln!("nearsay: cannot write a log file: {error}");
            return;
        }
    };
    let filter =
        EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(appender)
        .try_init();
    match started {
        Ok(()) => tracing::info!(version = env!("CARGO_PKG_VERSION"), "the window starts"),
        // Fails if the program has a subscriber already, which then gets the messages.
        Err(error) => tracing::warn!(%error, "cannot start the log file"),
    }
}
