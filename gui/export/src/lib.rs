//! Exports a model directory to the formats of other programs.
//!
//! | module | output |
//! | --- | --- |
//! | `page` | one HTML file that answers questions in a browser, without a server |
//! | `onnx` | the model for ONNX Runtime and the libraries built on it |
//! | `npy` | the vectors for NumPy, the texts as JSON Lines |
//! | `parquet` | texts and vectors in one Parquet file |
//! | `pgvector` | SQL that creates a PostgreSQL table with pgvector |
//! | `jsonl` | the questions and answers as an FAQ file, with the edits made while the model was served |
//! | [`qdrant`] | a collection of a Qdrant server, which [`qdrant::search`] queries |
//!
//! NumPy, Parquet, pgvector and Qdrant store the model's texts with their vectors. A client encodes the question (`nearsay encode`, or
//! sentence-transformers on the model directory), takes the texts with the highest cosine similarity and ranks
//! answers by their best text. There is no keyword score. NOTES.md has the sizes to expect.
//!
//! ```no_run
//! use nearsay_export::{ExportOptions, Format, export};
//!
//! let options = ExportOptions::default();
//! let summary = export("my-model".as_ref(), Format::Parquet, "faq.parquet".as_ref(), &options, &mut |_, _| {})?;
//! println!("{summary:?}");
//! # Ok::<(), nearsay_export::ExportError>(())
//! ```
#![allow(missing_docs)]

mod error;
mod jsonl;
mod npy;
mod onnx;
mod page;
mod parquet;
mod pgvector;
pub mod qdrant;
mod texts;

pub use error::{ExportError, QdrantError};
pub use onnx::OnnxSummary;
pub use qdrant::QdrantOptions;

use candle_core::Device;
use nearsay::servable::Servable;
use nearsay_store::{DiskStore, ErrorKind, Store as _};
use std::{io::Read as _, path::Path};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    Page,
    Jsonl,
    Onnx,
    Npy,
    Parquet,
    Pgvector,
    Qdrant,
}

/// Settings of single formats.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportOptions {
    /// Heading of the page. Default: "Frequently asked questions".
    pub page_title: String,
    /// Table in PostgreSQL. Default: "faq".
    pub pgvector_table: String,
    pub qdrant: QdrantOptions,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            page_title: "Frequently asked questions".to_owned(),
            pgvector_table: "faq".to_owned(),
            qdrant: QdrantOptions::default(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ExportSummary {
    Onnx(OnnxSummary),
    Answers(AnswersSummary),
}

#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AnswersSummary {
    pub answers: usize,
    /// Answers and their paraphrases.
    pub texts: usize,
    /// Whether the format supports keyword search.
    pub keyword_search: bool,
    /// Whether the model uses keyword search, which the format lacks.
    pub loses_keyword_search: bool,
}

/// Exports the model in `dir` to `target`: a file, a directory, or the URL of a Qdrant server.
///
/// An earlier export at `target` is replaced. `on_progress` receives the texts sent to a server and their total;
/// the other formats don't call it.
///
/// # Errors
/// If the model can't be read or doesn't fit the format, or the target can't be written.
pub fn export(
    dir: &Path,
    format: Format,
    target: &Path,
    options: &ExportOptions,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<ExportSummary, ExportError> {
    if format == Format::Onnx {
        return onnx::export(dir, target).map(ExportSummary::Onnx);
    }
    // The CPU suffices: the vectors are stored in the model directory.
    let model = Servable::open(&DiskStore, dir, &Device::Cpu)?;
    let dim = model.index().dim();
    let texts = texts::collect_texts(&model);
    match format {
        Format::Page => page::write(&model, target, &options.page_title)?,
        Format::Jsonl => jsonl::write(&model, target)?,
        // Returned above.
        Format::Onnx => {}
        Format::Npy => npy::write(&texts, dim, target)?,
        Format::Parquet => parquet::write(&texts, target)?,
        Format::Pgvector => pgvector::write(&texts, dim, target, &options.pgvector_table)?,
        Format::Qdrant => {
            let url = target.to_string_lossy();
            qdrant::fill(&model, &texts, &url, &options.qdrant, on_progress)?;
        }
    }
    // An FAQ file isn't searched at all.
    let keyword_search = matches!(format, Format::Page | Format::Jsonl);
    Ok(ExportSummary::Answers(AnswersSummary {
        answers: model.answers().len(),
        texts: texts.len(),
        keyword_search,
        loses_keyword_search: !keyword_search && model.index().words_weight() > 0.0,
    }))
}

fn not_an_export(dir: &Path) -> ExportError {
    ExportError::NotAnExport {
        dir: dir.to_owned(),
    }
}

/// Whether a file contains `bytes` at `offset`. A missing file does not.
fn has_bytes_at(file: &Path, offset: u64, bytes: &[u8]) -> Result<bool, ExportError> {
    let mut start = Vec::new();
    let opened = match DiskStore.open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let end = offset + bytes.len() as u64;
    opened
        .take(end)
        .read_to_end(&mut start)
        .map_err(|source| ExportError::Unreadable {
            file: file.to_owned(),
            source,
        })?;
    Ok(start.get(offset as usize..) == Some(bytes))
}

/// Rejects a directory that contains a file for which `is_export_file` is false.
fn check_only_export_files(
    dir: &Path,
    is_export_file: &dyn Fn(&str) -> bool,
) -> Result<(), ExportError> {
    let entries = DiskStore.list(dir)?;
    let other = entries
        .iter()
        .find(|entry| !entry.name.to_str().is_some_and(is_export_file));
    match other {
        None => Ok(()),
        Some(other) => Err(ExportError::OtherFiles {
            dir: dir.to_owned(),
            file: other.name.display().to_string(),
        }),
    }
}
