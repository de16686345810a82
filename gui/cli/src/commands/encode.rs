//! `nearsay encode DIR`: encodes lines from stdin as unit vectors.

use crate::terminal::{DeviceArgs, print_line};
use nearsay::servable::TextModel;
use nearsay_message::UserError;
use nearsay_store::DiskStore;
use std::{fmt::Write as _, io::BufRead as _, path::PathBuf};

/// Lines per batch.
const BATCH_SIZE: usize = 256;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Model directory of Nearsay or sentence-transformers (BERT family or static embeddings)
    dir: PathBuf,
    #[command(flatten)]
    device: DeviceArgs,
    /// Write each vector as a JSON array
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn command(args: &Args) -> Result<(), UserError> {
    let device = args.device.device.open()?;
    let model = TextModel::open_with(
        &DiskStore,
        &args.dir,
        &device,
        args.device.precision(&device),
    )?;
    let mut lines = std::io::stdin().lock().lines();
    loop {
        let texts: Vec<String> = lines
            .by_ref()
            .take(BATCH_SIZE)
            .collect::<Result<_, _>>()
            .map_err(|error| {
                UserError::new(
                    format_args!("the texts on stdin could not be read ({error})"),
                    "Send UTF-8 text, one text per line.",
                )
            })?;
        if texts.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for vector in model.encode(&texts)?.iter_rows() {
            print_line(&format_vector(vector, args.json))?;
        }
    }
}

fn format_vector(vector: &[f32], json: bool) -> String {
    let mut line = String::new();
    for (i, x) in vector.iter().enumerate() {
        let separator = match (i, json) {
            (0, true) => "[",
            (0, false) => "",
            (_, true) => ",",
            (_, false) => " ",
        };
        write!(line, "{separator}{x}").ok(); // Writing to a String succeeds.
    }
    if json {
        line.push(']');
    }
    line
}
