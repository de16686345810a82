//! `nearsay export DIR --to …`: a trained folder in the form that others serve.
//!
//! | module | makes |
//! | --- | --- |
//! | [`page`] | one HTML file that answers by itself, in any browser |
//! | [`onnx`] | the model, for ONNX Runtime and what is built on it |
//! | [`npy`] | the vectors for NumPy, and the texts as lines of JSON |
//! | [`parquet`] | both in one Parquet file |
//! | [`pgvector`] | SQL that makes a table of PostgreSQL with pgvector |
//! | [`qdrant`] | a collection of a Qdrant server; `nearsay ask --via qdrant URL` searches there |
//!
//! The last four take the folder's texts with their vectors ([`texts`]): whoever serves them makes a vector
//! of the question (`nearsay encode`, or sentence-transformers on the folder), takes the texts of largest
//! cosine, and of each answer's texts the best. Words do not count there.
//!
//! # How large it gets
//!
//! On paper, for vectors of 384 numbers (MiniLM; two thirds of it with the compact encoder's 256). An answer
//! has a vector for itself and one for each known wording, so count texts:
//!
//! | texts | 1 million | 100 million | 1 billion |
//! | --- | --- | --- | --- |
//! | vectors, f32 (1,536 bytes each) | 1.5 GB | 154 GB | 1.5 TB |
//! | a byte a number | 0.4 GB | 38 GB | 384 GB |
//! | a bit a number | 48 MB | 4.8 GB | 48 GB |
//! | HNSW graph, 16 links a text (some 150 bytes) | 0.15 GB | 15 GB | 150 GB |
//! | machines of 64 GB: f32 and graph in memory | 1 | 3 | 27 |
//! | bytes and graph in memory, f32 on disk to rank the best anew | 1 | 1 | 9 |
//! | bits and graph in memory, likewise | 1 | 1 | 4 |
//! | embedding anew, MiniLM, f32, 2 cores (2.3 ms a text) | 38 min | 64 h | 27 days |
//! | the same, 64 cores, if it scales | 1.2 min | 2 h | 20 h |
//! | `--precision fast`, 2 cores (0.89 ms) | 15 min | 25 h | 10 days |
//! | the compact encoder, 2 cores (318,000 texts a second) | 3 s | 5 min | 1 h |
//!
//! Every training moves all vectors, so all of them are embedded anew: after `thorough` and with the compact
//! encoder by what the table says. After `quick` and `quaterion` the encoder is the former one: of texts whose
//! embeddings are still in Nearsay's cache only the layer behind it is computed, a product of 384 by 384
//! numbers a text, which takes less time than reading them (1.5 TB for a billion). Vectors of two trainings
//! must not meet: fill a new collection or table beside the old, then switch (the SQL does that by itself;
//! in Qdrant name another `--collection`).
//!
//! A folder is read into memory as a whole, so some ten million texts are as many as one is for. Beyond, cut
//! the answers into parts: train on one, `nearsay encode` the others with its model, and give each part a
//! shard; the best answers of all shards, by cosine, are the best of all.
//!
//! A page is for some ten thousand texts: it is 11 MB, 15 MB with the 8,485 answers of the cloud FAQ, and
//! opens in 0.2 and 1.4 to 2.5 s, a question then taking 0.4 and 12 to 17 ms at the median (Node 20, one core).
//! Where answers were moved, their vectors go along: 1.4 kB an answer more.
#![allow(missing_docs)]

mod npy;
mod onnx;
mod page;
mod parquet;
mod pgvector;
pub mod qdrant;
mod texts;

use candle_core::Device;
use nearsay::servable::Servable;
use nearsay_message::{
    UserError,
    terminal::{print_json, print_line},
};
use nearsay_store::{DiskStore, ErrorKind, Store as _};
use serde::Serialize;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

#[derive(Debug, clap::Args)]
pub struct Args {
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
    pub json: bool,
}

/// What a folder can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// One HTML file that answers by itself, without a server or network
    Page,
    /// A folder with the model as onnx/model.onnx and its tokenizer
    Onnx,
    /// A folder of vectors.npy and answers.jsonl
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

pub fn command(args: &Args) -> Result<(), UserError> {
    if args.to == Format::Onnx {
        return onnx::export(&args.dir, &args.target, args.json);
    }
    // Nothing is embedded here: the vectors are in the folder.
    let model = Servable::open(&DiskStore, &args.dir, &Device::Cpu)?;
    let (target, dim) = (&args.target, model.index().dim());
    let name = target.to_string_lossy();
    let texts = texts::texts(&model);
    match args.to {
        Format::Page => page::write(&model, target, &args.page)?,
        // Made above, without the answers.
        Format::Onnx => {}
        Format::Npy => npy::write(&texts, dim, target)?,
        Format::Parquet => parquet::write(&texts, target)?,
        Format::Pgvector => pgvector::write(&texts, dim, target, &args.pgvector)?,
        Format::Qdrant => qdrant::fill(&model, &texts, &name, &args.qdrant, args.json)?,
    }
    let words = args.to == Format::Page;
    let (answers, count) = (model.answers().len(), texts.len());
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
pub const NO_WORDS: &str = "Words do not count there, though they do in this folder: answers are found by \
     meaning alone, and their scores are lower.";

/// The files of an earlier export may be replaced; these were written by something else.
fn not_an_export(dir: &Path) -> UserError {
    UserError::new(
        format_args!(
            "{} is not empty and not an export of Nearsay, so nothing was written to it",
            dir.display()
        ),
        "Name a new or an empty folder.",
    )
}

/// Whether a file has `bytes` at `offset`. A missing one has not.
fn begins_with(file: &Path, offset: u64, bytes: &[u8]) -> Result<bool, UserError> {
    let mut start = Vec::new();
    let opened = match DiskStore.open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let end = offset + bytes.len() as u64;
    opened.take(end).read_to_end(&mut start).map_err(|error| {
        let what = format_args!("{} cannot be read ({error})", file.display()).to_string();
        UserError::new(what, "Name a new or an empty folder.")
    })?;
    Ok(start.get(offset as usize..) == Some(bytes))
}

/// Refuses a folder that has anything in it but these names.
fn replaceable(dir: &Path, ours: &dyn Fn(&str) -> bool) -> Result<(), UserError> {
    let entries = DiskStore.list(dir)?;
    let other = entries
        .iter()
        .find(|entry| !entry.name.to_str().is_some_and(ours));
    match other {
        None => Ok(()),
        Some(other) => Err(UserError::new(
            format_args!(
                "{} has other things in it ({})",
                dir.display(),
                other.name.display()
            ),
            "Name a new folder.",
        )),
    }
}
