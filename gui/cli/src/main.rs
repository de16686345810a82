//! The one binary: no arguments opens the app, sub-commands work without a window.

use std::process::ExitCode;

fn main() -> ExitCode {
    nearsay_cli::run(std::env::args_os())
}
