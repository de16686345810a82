//! The sub-commands: everything the app can do, without a window.
//!
//! Progress goes to stderr (a bar on a terminal, plain lines else), results to stdout. Exit codes:
//! 0 done, 1 failed with a message that names the cause and the remedy, 2 wrong usage.

mod ask;
mod check;
mod distill;
mod encode;
mod encoder;
mod eval;
mod input;
mod model;
pub mod train;

use clap::{Parser, Subcommand};
use nearsay_export as export;
use nearsay_hub::dirs::DataDir;
use nearsay_message::UserError;
use nearsay_serve as serve;
use std::path::PathBuf;

/// Turns an FAQ into a question-answering model, on this computer.
#[derive(Debug, Parser)]
#[command(name = "nearsay", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// What to open in the app: an FAQ file, a project, or a folder that was exported
    pub(crate) file: Option<PathBuf>,
    /// Keep models, projects and saved embeddings in this folder, instead of the one in the
    /// environment variable NEARSAY_DATA or the platform's own
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a model on an FAQ file and write it as a folder
    Train(train::Args),
    /// Measure a model: recall@1/5/10, mrr@10, ndcg@10
    Eval(eval::Args),
    /// Ask a model
    Ask(ask::Args),
    /// Turn texts from stdin into vectors, one a line
    Encode(encode::Args),
    /// Answer over HTTP: a page to ask in, JSON, and what clients of OpenAI's embeddings know; a folder
    /// without answers only turns texts into vectors
    Serve(serve::Args),
    /// Make of a model what others serve: a web page, vectors for NumPy, Parquet, pgvector or Qdrant
    Export(export::Args),
    /// Say what is wrong with an FAQ file, by line
    Check(check::Args),
    /// List, get or find encoder models
    Model(model::Args),
    /// Make the compact encoder out of a sentence encoder
    Distill(distill::Args),
}

impl Command {
    /// Does it.
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

    /// Whether failures are told as JSON on stdout, too.
    pub(crate) fn json(&self) -> bool {
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
