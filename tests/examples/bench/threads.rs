//! The threads everybody gets.

use super::Failure;
use std::process::Command;

/// Threads everybody gets.
pub const THREADS: usize = 2;

/// Does something with so many threads.
///
/// Rayon and candle look at their environment once, when they start: so the program is started
/// again unless somebody has already set it.
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
    // In the place of this process where that can be had, so that whoever stops it stops all.
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut again).into());
    #[cfg(not(unix))]
    Ok(again.status()?.success())
}
