//! `nearsay export DIR --to …`: a trained folder in the form that others serve.
//!
//! | module | makes |
//! | --- | --- |
//! | [`page`] | one HTML file that answers by itself, in any browser |
//! | [`npy`] | the vectors for NumPy, and the texts as lines of JSON |
//! | [`parquet`] | both in one Parquet file |
//! | [`pgvector`] | SQL that makes a table of PostgreSQL with pgvector |
//! | [`qdrant`] | a collection of a Qdrant server; `nearsay ask --via qdrant URL` searches there |
//!
//! All but the page take the folder's texts with their vectors ([`texts`]): whoever serves them makes a vector
//! of the question (`nearsay encode`, or sentence-transformers on the folder), takes the texts of largest
//! cosine, and of each answer's texts the best. Words do not count there.

mod npy;
mod page;
mod parquet;
mod pgvector;
pub(super) mod qdrant;
mod texts;

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
    /// The file or folder it becomes, or the address of the server it goes to
    #[arg(value_name = "FILE|DIR|URL")]
    target: PathBuf,
    #[command(flatten)]
    page: page::Options,
    #[command(flatten)]
    pgvector: pgvector::Options,
    #[command(flatten)]
    qdrant: qdrant::Options,
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
    /// A folder of vectors.npy and texts.jsonl
    Npy,
    /// One Parquet file of texts and vectors
    Parquet,
    /// SQL for PostgreSQL with pgvector
    Pgvector,
    /// A collection of a Qdrant server
    Qdrant,
}

/// What was made, as JSON.
#[derive(Serialize)]
struct Made<'a> {
    format: Format,
    target: &'a str,
    answers: usize,
    /// Answers and their known wordings.
    texts: usize,
    /// The folder's words count in what was made, if it has words.
    words: bool,
}

pub(super) fn command(args: &Args) -> Result<(), Trouble> {
    // Nothing is embedded here: the vectors are in the folder.
    let model = Servable::open(&DiskStore, &args.dir, &Device::Cpu)?;
    let (target, dim) = (&args.target, model.index().dim());
    let name = target.to_string_lossy();
    let mut count = model.index().owners().len();
    if args.to == Format::Page {
        page::write(&model, target, &args.page)?;
    } else {
        let texts = texts::texts(&model);
        count = texts.len();
        match args.to {
            Format::Page => {}
            Format::Npy => npy::write(&texts, dim, target)?,
            Format::Parquet => parquet::write(&texts, target)?,
            Format::Pgvector => pgvector::write(&texts, dim, target, &args.pgvector)?,
            Format::Qdrant => qdrant::fill(&model, &texts, &name, &args.qdrant, args.json)?,
        }
    }
    let words = args.to == Format::Page;
    let answers = model.answers().len();
    if args.json {
        return print_json(&Made {
            format: args.to,
            target: &name,
            answers,
            texts: count,
            words,
        });
    }
    print_line(&format!("{name}: {answers} answers, {count} texts"))?;
    if !words && model.index().words_weight() > 0.0 {
        print_line(NO_WORDS)?;
    }
    Ok(())
}

/// Said where vectors are all that is compared, of a folder that has words.
pub(super) const NO_WORDS: &str = "Words do not count there, though they do in this folder: answers are found by \
     meaning alone, and their scores are lower.";
