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
mod export;
mod input;
mod model;
mod progress;
mod serve;
pub mod train;

use crate::{dirs::DataDir, trouble::Trouble};
use candle_core::Device;
use clap::{Parser, Subcommand};
use nearsay_core::candle::{bert::Precision, device::DeviceChoice};
use serde::Serialize;
use std::{io::Write as _, path::PathBuf};

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

/// Where to compute.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeviceArgs {
    /// Where to compute: auto, cpu, cuda or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    /// How a network on the processor computes: f32, or fast, in eight-bit integers where the
    /// processor has them: quicker, and the right answer first as often within 3 of 1,000
    /// questions
    #[arg(long, default_value_t = Precision::F32, value_name = "PRECISION")]
    precision: Precision,
}

impl DeviceArgs {
    /// The precision asked for, after saying so when this device computes in another.
    pub(crate) fn precision(&self, device: &Device) -> Precision {
        if self.precision.on(device) != self.precision {
            eprintln!(
                "“{}” needs a processor with AVX-512 VNNI; computing in {} instead.",
                self.precision,
                self.precision.on(device)
            );
        }
        self.precision
    }
}

impl Command {
    /// Does it.
    pub(crate) fn run(self, data: &DataDir) -> Result<(), Trouble> {
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

/// One JSON line on stdout, at once.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Trouble> {
    let line = serde_json::to_string(value).map_err(|error| {
        Trouble::new(format_args!("the result cannot be written ({error})"), "")
    })?;
    print_line(&line)
}

/// One line on stdout, at once. A reader that has gone away ends the program quietly.
pub(crate) fn print_line(line: &str) -> Result<(), Trouble> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| {
            Trouble::new(
                format_args!("the result cannot be written to the output ({error})"),
                "",
            )
        })
}
