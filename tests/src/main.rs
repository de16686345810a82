//! The app, so that tests can start and kill the real thing.

use std::process::ExitCode;

fn main() -> ExitCode {
    nearsay_cli::run(std::env::args_os())
}
