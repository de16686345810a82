//! The program `nearsay`: sub-commands, and the app when there is none.
#![allow(missing_docs)]

pub mod commands;

use clap::Parser as _;
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use std::{ffi::OsString, process::ExitCode};

/// Runs the program with these arguments, the first being its own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match commands::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let json = cli.command.as_ref().is_some_and(commands::Command::json);
    let done = DataDir::new(cli.data)
        .map_err(UserError::from)
        .and_then(|data| match cli.command {
            Some(command) => command.run(&data),
            None => open_window(cli.file, &data),
        });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if json {
                let line = serde_json::json!({
                    "event": "failed", "error": error.message, "remedy": error.remedy,
                });
                nearsay_message::terminal::print_json(&line).ok();
            }
            eprintln!("nearsay: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(feature = "app")]
fn open_window(file: Option<std::path::PathBuf>, data: &DataDir) -> Result<(), UserError> {
    let options = nearsay_app::app::OpenOptions {
        file,
        data_dir: data.root().to_owned(),
    };
    nearsay_app::app::open(options).map_err(|error| error.error().clone())
}

#[cfg(not(feature = "app"))]
fn open_window(_: Option<std::path::PathBuf>, _: &DataDir) -> Result<(), UserError> {
    Err(UserError::new(
        "this build of nearsay has no window",
        "Run `nearsay --help` for the sub-commands, or build with the feature `app`.",
    ))
}
