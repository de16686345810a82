//! The app, so that tests can start and kill the real thing.

use std::process::ExitCode;

fn main() -> ExitCode {
    nearsay::run(std::env::args_os())
}
