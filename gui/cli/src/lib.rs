//! The program `nearsay`: commands, and the app if no command is given.
#![allow(missing_docs)]

pub mod commands;
mod logging;
mod terminal;

use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use std::{ffi::OsString, process::ExitCode};

/// Runs the program; the first argument is its own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match commands::Cli::parse_args(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Fails only if stdout or stderr is closed.
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if cli.command.is_some() {
        logging::init_logging(cli.verbose);
    }
    let json = cli
        .command
        .as_ref()
        .is_some_and(commands::Command::writes_json);
    let result = DataDir::new(cli.data)
        .map_err(UserError::from)
        .and_then(|data| match cli.command {
            Some(command) => command.run(&data),
            None => open_window(cli.file, &data),
        });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if json {
                let line = serde_json::json!({
                    "event": "failed", "error": error.message, "remedy": error.remedy,
                });
                if let Err(error) = terminal::print_json(&line) {
                    tracing::warn!("{error}");
                }
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
        "this build of nearsay doesn't include the app",
        "Run “nearsay --help” for the commands, or build with the feature “app”.",
    ))
}
