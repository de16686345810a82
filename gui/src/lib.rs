//! Nearsay: turn an FAQ into a question-answering model.
//!
//! The desktop app and its sub-commands over [`nearsay_core`].
//!
//! | module | holds |
//! | --- | --- |
//! | [`cli`] | the sub-commands, which are also the app's engine: training runs in a child process |
//! | [`app`] | the window: takes in events of workers, draws the view, applies commands |
//! | [`state`] | the state of the window: plain data without egui types |
//! | [`view`] | draws the state and returns commands |
//! | [`command`] | the one place that changes the state |
//! | [`job`] | long work: named threads and child processes that talk by channels |
//! | [`theme`], [`text`] | colours and sizes; every word the window shows |
//! | [`project`] | project documents and their files |
//! | [`terminal`] | output, progress and device arguments of the sub-commands |
//! | [`obtain`] | getting an encoder onto this machine |
//! | [`compact`] | the encoder that is built in |
//! | [`dirs`] | where things are kept |
//! | [`trouble`] | errors in plain words |
//!
//! # Decisions
//!
//! - The window answers on a thread of its own, not in a child process: it searches what is on the
//!   screen, edits of a moment ago included. Training stays in a child, since it may take all memory.
//! - Single wordings are kept aside for checking, not whole answers, since people ask known answers in
//!   new words ([`project::roles`], and `job::answers` on what they are asked of). `nearsay train
//!   --val-split` still splits by answers.
//! - An edit is a list of values before and after: undo does it backwards, the journal is a list of them.
//!   Every command that changes the project gets both.
//! - An exported folder that is opened becomes a project by copying what is needed, beside the project that is
//!   open. Nobody knows which wordings its model learned from, so no figure of it is made here; how sure its
//!   answers are, and how it did where it was made, is what the folder says. The first training here counts on
//!   questions kept aside from it, against the encoder as it came ([`project::adopt`]). The same folder again is
//!   the project made of it before; written anew or edited, it is another.
//! - Whether a new model answers is decided by the questions kept aside, in the window, with what is in
//!   the project at that moment; the child's own report stays in the model's folder.
//!
//! # Crates, and why these
//!
//! - `eframe`, `egui`, `egui_extras`, `egui_plot`: the window, its virtual table and plots. glow
//!   draws it, since OpenGL is there on every desktop and wgpu would double the binary.
//! - `winit` is named only to have Wayland loaded at run time, so that no -dev package is needed to
//!   build. X11 is preferred where there is one: files cannot be dropped on native Wayland windows.
//! - `rfd`: the system's own file dialogs; without the desktop portal it uses zenity. `pollster`
//!   waits for them on a thread of their own.
//! - `hf-hub` 0.5 rather than 1.0: the older line has a blocking client without an async runtime,
//!   which is all that fetching one model needs.
//! - `csv`: tables of questions to answer, and of answers. (Tables of questions and answers are read
//!   by core, on `csv-core`.)
//! - `base64`, `sha2`: numbers in a web page, and the hashes by which its scripts may run.
//! - `parquet`: that format, without Arrow, which would be most of it.
//! - `prost`: protobuf, which ONNX files are, from types written by hand; no `protoc` is needed to build.
//! - `ureq`: a Qdrant server's REST API; `hf-hub` brings it along anyway. Qdrant's own client would bring an
//!   async runtime and some hundred crates.
//! - `thiserror`: errors that keep their causes, without writing `Display` and `source` by hand.
//! - `uuid`: ids made of texts, so that the same text is the same point in every export.
//! - `directories`: where each platform keeps an app's data.
//! - `clap`, `indicatif`: arguments and progress bars that people know.
//! - `axum` on `tokio` and `hyper` serves, with few features: HTTP/1 and JSON on one thread; `hyper-util` ends
//!   its connections in peace, `tower-http` turns a panic into a reply. `utoipa` and `utoipa-axum` describe the
//!   endpoints from the code that answers them, so that the description cannot differ.
//! - `prometheus-client` is Prometheus' own. `subtle` compares tokens in constant time, `base64` writes vectors as
//!   clients of OpenAI's API ask for them.

pub mod app;
pub mod cli;
pub mod command;
pub mod compact;
pub mod dirs;
pub mod job;
pub mod obtain;
pub mod project;
pub mod state;
pub mod terminal;
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
                terminal::print_json(&line).ok();
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
