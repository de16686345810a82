//! The commands: everything the app can do, without a window.
//!
//! Progress goes to stderr (a bar on a terminal, plain lines elsewhere), results to stdout. Exit codes: 0 success, 1
//! failure with a message that names cause and remedy, 2 wrong usage.

mod ask;
mod check;
mod distill;
mod encode;
mod encoder;
mod eval;
mod export;
mod input;
mod model;
mod serve;
pub mod train;

use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, error::ErrorKind};
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use std::{ffi::OsString, path::PathBuf};

/// Train question-answering models on FAQs, on this computer
///
/// Without a command, nearsay opens the app.
#[derive(Debug, Parser)]
#[command(
    name = "nearsay",
    version,
    override_usage = "nearsay [OPTIONS] [FILE]\n       nearsay [OPTIONS] <COMMAND>"
)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// FAQ file, project or model directory to open in the app
    pub(crate) file: Option<PathBuf>,
    /// Directory for models, projects and cached embeddings; default: the environment variable
    /// NEARSAY_DATA, or the data directory of the platform
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Log more to stderr: -v for information such as the access log of serve, -vv for debugging
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Cli {
    pub(crate) fn parse_args(
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let cli = Self::try_parse_from(args)?;
        if cli.command.is_some() && cli.file.is_some() {
            return Err(Self::command().error(
                ErrorKind::ArgumentConflict,
                "a file to open in the app can't be combined with a command",
            ));
        }
        Ok(cli)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a model on an FAQ file
    Train(train::Args),
    /// Evaluate a model on test questions: accuracy@1/5/10, mrr@10, ndcg@10
    Eval(eval::Args),
    /// Ask a model questions
    Ask(ask::Args),
    /// Encode lines from stdin as vectors
    Encode(encode::Args),
    /// Serve a model over HTTP: a web page, a JSON API and an OpenAI-compatible embeddings API
    Serve(serve::Args),
    /// Export a model: web page, ONNX, NumPy, Parquet, pgvector, Qdrant
    Export(export::Args),
    /// Check an FAQ file and list its issues by line
    Check(check::Args),
    /// List, download or locate encoder models
    Model(model::Args),
    /// Distill a sentence encoder into a compact encoder of static embeddings
    Distill(distill::Args),
}

impl Command {
    pub(crate) fn run(self, data: &DataDir) -> Result<(), UserError> {
        match self {
            Self::Train(args) => train::command(&args, data),
            Self::Eval(args) => eval::command(&args, data),
            Self::Ask(args) => ask::command(&args),
            Self::Encode(args) => encode::command(&args),
            Self::Serve(args) => serve::command(&args),
            Self::Export(args) => export::command(&args),
            Self::Check(args) => check::command(&args),
            Self::Model(args) => model::command(&args, data),
            Self::Distill(args) => distill::command(&args, data),
        }
    }

    /// Whether failures are also reported as JSON on stdout.
    pub(crate) fn writes_json(&self) -> bool {
        match self {
            Self::Train(args) => args.json,
            Self::Eval(args) => args.json,
            Self::Ask(args) => args.json,
            Self::Encode(args) => args.json,
            Self::Export(args) => args.json,
            Self::Check(args) => args.json,
            Self::Model(_) | Self::Distill(_) | Self::Serve(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &str) -> Result<Cli, clap::Error> {
        Cli::parse_args(args.split(' ').map(OsString::from))
    }

    #[test]
    fn command_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn data_and_verbose_are_accepted_before_and_after_the_command() {
        for args in [
            "nearsay --data dir -v check faq.csv",
            "nearsay check --data dir -v faq.csv",
            "nearsay check faq.csv -v --data dir",
        ] {
            let cli = parse(args).unwrap();
            assert!(matches!(cli.command, Some(Command::Check(_))), "{args}");
            assert_eq!(cli.data.as_deref(), Some("dir".as_ref()), "{args}");
            assert_eq!((cli.verbose, cli.file), (1, None), "{args}");
        }
        assert_eq!(parse("nearsay -vv check faq.csv").unwrap().verbose, 2);
    }

    #[test]
    fn file_opens_the_app_and_conflicts_with_commands() {
        let cli = parse("nearsay --data dir faq.csv").unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.file.as_deref(), Some("faq.csv".as_ref()));
        let error = parse("nearsay faq.csv check other.csv").unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
