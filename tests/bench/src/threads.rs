//! Number of threads for all measurements.

use crate::Failure;
use std::process::Command;

/// Threads of Nearsay and of the libraries it is compared with.
pub const THREADS: usize = 2;

/// Runs a benchmark with [`THREADS`] threads.
///
/// Rayon and candle read their environment once at startup, so this program restarts itself unless
/// the variable is already set.
pub fn with_two_threads(run: impl FnOnce() -> Result<bool, Failure>) -> Result<bool, Failure> {
    const VARIABLE: &str = "RAYON_NUM_THREADS";
    let threads = THREADS.to_string();
    if std::env::var(VARIABLE).is_ok_and(|set| set == threads) {
        return run();
    }
    let mut again = Command::new(std::env::current_exe()?);
    again
        .args(std::env::args_os().skip(1))
        .env(VARIABLE, threads);
    // On Unix, replace this process, so that stopping it stops the benchmark.
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut again).into());
    #[cfg(not(unix))]
    Ok(again.status()?.success())
}
