//! Nearsay: turn an FAQ into a question-answering model.
//!
//! The desktop app and its sub-commands over [`nearsay_core`].
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the sub-commands, which are also the app's engine: long work runs in a child process |
//! | [`app`] | the window: drains jobs, draws the view, carries out commands |
//! | [`state`] | what the window shows: plain data, nothing of egui |
//! | [`view`] | draws the state and returns commands |
//! | [`command`] | the one place that changes the state |
//! | [`job`] | long work: named threads and child processes that talk by channels |
//! | [`theme`], [`text`] | colours and sizes; every word the window shows |
//! | [`obtain`] | getting an encoder onto this machine |
//! | [`dirs`] | where things are kept |
//! | [`trouble`] | errors in plain words |

pub mod app;
pub mod cli;
pub mod command;
pub mod dirs;
pub mod job;
pub mod obtain;
pub mod state;
pub mod text;
pub mod theme;
pub mod trouble;
pub mod view;

use clap::Parser as _;
use std::{ffi::OsString, process::ExitCode};

/// Runs the program with these arguments, the first being its own name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match cli::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            error.print().ok();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let json = cli.command.as_ref().is_some_and(cli::Command::json);
    let done = dirs::DataDir::new(cli.data).and_then(|data| match cli.command {
        Some(command) => command.run(&data),
        None => open_window(cli.file, &data),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            if json {
                let line = serde_json::json!({
                    "event": "failed", "error": trouble.what, "remedy": trouble.fix,
                });
                cli::print_json(&line).ok();
            }
            eprintln!("nearsay: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn open_window(
    file: Option<std::path::PathBuf>,
    data: &dirs::DataDir,
) -> Result<(), trouble::Trouble> {
    let options = app::OpenOptions {
        file,
        data_dir: data.root().to_owned(),
    };
    app::open(options).map_err(|error| error.trouble().clone())
}
