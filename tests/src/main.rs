//! The app, for tests that start and kill it.

use std::process::ExitCode;

fn main() -> ExitCode {
    nearsay_cli::run(std::env::args_os())
}
