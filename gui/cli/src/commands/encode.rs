//! `nearsay encode DIR`: texts on stdin, one unit vector a line.

use nearsay::servable::TextModel;
use nearsay_message::{
    UserError,
    terminal::{DeviceArgs, print_line},
};
use nearsay_store::DiskStore;
use std::{fmt::Write as _, io::BufRead as _, path::PathBuf};

/// Texts that are encoded at once.
const BATCH: usize = 256;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model's folder; any sentence-transformers folder of the BERT
    /// family, or with a static table, will do
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
            .take(BATCH)
            .collect::<Result<_, _>>()
            .map_err(|error| {
                UserError::new(
                    format_args!("the texts cannot be read ({error})"),
                    "They must be lines of UTF-8 text.",
                )
            })?;
        if texts.is_empty() {
            return Ok(());
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for vector in model.encode(&texts)?.iter_rows() {
            print_line(&line(vector, args.json))?;
        }
    }
}

fn line(vector: &[f32], json: bool) -> String {
    let mut line = String::new();
    for (i, x) in vector.iter().enumerate() {
        let between = match (i, json) {
            (0, true) => "[",
            (0, false) => "",
            (_, true) => ",",
            (_, false) => " ",
        };
        write!(line, "{between}{x}").ok();
    }
    if json {
        line.push(']');
    }
    line
}
