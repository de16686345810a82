//! `nearsay export DIR --to …`: a trained folder in the form that others serve.
//!
//! | module | makes |
//! | --- | --- |
//! | [`page`] | one HTML file that answers by itself, in any browser |

mod page;

use super::{print_json, print_line};
use crate::trouble::Trouble;
use candle_core::Device;
use nearsay_core::{servable::Servable, store::DiskStore};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The model's folder, as “nearsay train” writes it
    dir: PathBuf,
    /// What to make
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// The file it becomes
    #[arg(value_name = "TARGET")]
    target: PathBuf,
    #[command(flatten)]
    page: page::Options,
    /// Write JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What a folder can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// One HTML file that answers by itself, without a server or network
    Page,
}

/// What was made, as JSON.
#[derive(Serialize)]
struct Made<'a> {
    format: Format,
    target: &'a str,
    answers: usize,
    /// Answers and their known wordings.
    texts: usize,
}

pub(super) fn command(args: &Args) -> Result<(), Trouble> {
    // Nothing is embedded here: the vectors are in the folder.
    let model = Servable::open(&DiskStore, &args.dir, &Device::Cpu)?;
    match args.to {
        Format::Page => page::write(&model, &args.target, &args.page)?,
    }
    let target = args.target.to_string_lossy();
    let (answers, texts) = (model.answers().len(), model.index().owners().len());
    if args.json {
        return print_json(&Made {
            format: args.to,
            target: &target,
            answers,
            texts,
        });
    }
    print_line(&format!("{target}: {answers} answers, {texts} texts"))
}
