//! Log output on stderr.

use tracing_subscriber::{EnvFilter, fmt};

/// Environment variable with a filter such as `nearsay_serve=debug`, which overrides `-v`.
const FILTER_VARIABLE: &str = "NEARSAY_LOG";

/// Logs warnings, or more for `-v` and `-vv`.
pub(crate) fn init_logging(verbosity: u8) {
    let default = match verbosity {
        0 => "nearsay=warn",
        1 => "warn,nearsay=info",
        _ => "info,nearsay=debug",
    };
    let filter =
        EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let logger = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let installed = if verbosity == 0 {
        logger.without_time().try_init()
    } else {
        logger.try_init()
    };
    // A program that embeds the commands may have installed a logger of its own.
    installed.ok();
}
