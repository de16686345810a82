//! `nearsay export DIR --to FORMAT TARGET`: exports a model to the formats of other programs.

use crate::terminal::{Bar, print_json, print_line};
use nearsay_export::{ExportError, ExportOptions, ExportSummary, QdrantError, QdrantOptions};
use nearsay_message::UserError;
use serde::Serialize;
use std::path::PathBuf;

/// A notice for searches by vectors alone, of a model with keyword search.
pub(super) const NO_KEYWORD_SEARCH: &str = "Keyword search isn't available there, although this model uses it: answers are ranked by cosine similarity \
     alone, and scores are lower.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Model directory that “nearsay train” wrote
    dir: PathBuf,
    /// Format to export to
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// File or directory to write, or URL of the Qdrant server
    #[arg(value_name = "FILE|DIR|URL")]
    target: PathBuf,
    /// Heading of the web page
    #[arg(
        long,
        default_value = "Frequently asked questions",
        value_name = "TEXT"
    )]
    title: String,
    /// Table in PostgreSQL
    #[arg(long, default_value = "faq", value_name = "NAME")]
    table: String,
    #[command(flatten)]
    qdrant: QdrantArgs,
    /// Write the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct QdrantArgs {
    /// Collection in Qdrant
    #[arg(long, default_value = "faq", value_name = "NAME")]
    collection: String,
    /// API key of Qdrant. Prefer the environment variable QDRANT_API_KEY: other users can see command
    /// lines
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
}

impl QdrantArgs {
    pub(super) fn to_options(&self) -> QdrantOptions {
        QdrantOptions {
            collection: self.collection.clone(),
            api_key: self.api_key.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Format {
    /// One HTML file that answers questions without a server or network
    Page,
    /// Questions and answers as an FAQ file, with the edits made while the model was served
    Jsonl,
    /// Directory with the model as onnx/model.onnx and its tokenizer
    Onnx,
    /// Directory with vectors.npy and answers.jsonl
    Npy,
    /// Parquet file with texts and vectors
    Parquet,
    /// SQL file for PostgreSQL with pgvector
    Pgvector,
    /// Collection of a Qdrant server
    Qdrant,
}

impl From<Format> for nearsay_export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Page => Self::Page,
            Format::Jsonl => Self::Jsonl,
            Format::Onnx => Self::Onnx,
            Format::Npy => Self::Npy,
            Format::Parquet => Self::Parquet,
            Format::Pgvector => Self::Pgvector,
            Format::Qdrant => Self::Qdrant,
        }
    }
}

/// Result of an export with answers, as JSON.
#[derive(Serialize)]
struct AnswersJson<'a> {
    format: Format,
    target: &'a str,
    answers: usize,
    texts: usize,
    words: bool,
}

/// Result of an ONNX export, as JSON.
#[derive(Serialize)]
struct OnnxJson<'a> {
    format: Format,
    target: &'a str,
    dim: usize,
    max_tokens: Option<usize>,
    prompt: &'a str,
}

pub(super) fn command(args: &Args) -> Result<(), UserError> {
    let mut options = ExportOptions::default();
    options.page_title.clone_from(&args.title);
    options.pgvector_table.clone_from(&args.table);
    options.qdrant = args.qdrant.to_options();
    let target = args.target.to_string_lossy();
    let bar = Bar::new("Sending texts", args.json);
    let summary = nearsay_export::export(
        &args.dir,
        args.to.into(),
        &args.target,
        &options,
        &mut |done, total| bar.show(done as u64, total as u64),
    )
    .map_err(to_user_error)?;
    if args.json {
        print_summary_json(args.to, &target, &summary)
    } else {
        print_summary(&target, &summary)
    }
}

fn print_summary_json(
    format: Format,
    target: &str,
    summary: &ExportSummary,
) -> Result<(), UserError> {
    match summary {
        ExportSummary::Onnx(onnx) => print_json(&OnnxJson {
            format,
            target,
            dim: onnx.dim,
            max_tokens: onnx.max_tokens,
            prompt: &onnx.prompt,
        }),
        ExportSummary::Answers(exported) => print_json(&AnswersJson {
            format,
            target,
            answers: exported.answers,
            texts: exported.texts,
            words: exported.keyword_search,
        }),
        _ => Ok(()),
    }
}

fn print_summary(target: &str, summary: &ExportSummary) -> Result<(), UserError> {
    match summary {
        ExportSummary::Onnx(onnx) => {
            print_line(&format!(
                "{target}: onnx/model.onnx computes sentence_embedding, {} dimensions",
                onnx.dim
            ))?;
            if !onnx.prompt.is_empty() {
                print_line(&format!(
                    "Put “{}” before every text: the graph can't add the prompt.",
                    onnx.prompt
                ))?;
            }
            Ok(())
        }
        ExportSummary::Answers(exported) => {
            print_line(&format!(
                "{target}: {} answers, {} texts",
                exported.answers, exported.texts
            ))?;
            if exported.loses_keyword_search {
                print_line(NO_KEYWORD_SEARCH)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn to_user_error(error: ExportError) -> UserError {
    let remedy = match &error {
        ExportError::NotAnExport { .. } | ExportError::Unreadable { .. } => {
            "Choose a new or an empty directory."
        }
        ExportError::OtherFiles { .. } => "Choose a new directory.",
        ExportError::TransformerOnPage { .. } => {
            "Train a model with “nearsay train FILE --encoder compact --out DIR” and export that one."
        }
        ExportError::ActivationOnPage { .. } => {
            "Train a model with --recipe quick and export that one."
        }
        ExportError::PageTemplate { .. } => "This is a bug in Nearsay; please report it.",
        ExportError::TableName { .. } => {
            "Use at most 40 lower-case letters, digits and underscores, starting with a letter."
        }
        ExportError::TooManyDimensions { .. } => {
            "Train a model with an encoder of fewer dimensions."
        }
        ExportError::ZeroByte { .. } => "Remove the byte from the FAQ and train again.",
        ExportError::TooLargeForOnnx { .. } => {
            "Serve the model directory itself, with “nearsay serve” or sentence-transformers."
        }
        ExportError::Qdrant(error) => qdrant_remedy(error),
        _ => "",
    };
    let detail = match &error {
        ExportError::Qdrant(QdrantError::Rejected { body, .. }) => body.clone(),
        _ => String::new(),
    };
    UserError::new(error, remedy).with_detail(detail)
}

fn qdrant_remedy(error: &QdrantError) -> &'static str {
    match error {
        QdrantError::Address { .. } => {
            "Start it with http:// or https://, for example http://localhost:6333."
        }
        QdrantError::CollectionName { .. } => "Use letters, digits, “_” and “-”.",
        QdrantError::Unreachable { .. } => {
            "Check that Qdrant is running there, then repeat the command: an export continues where it stopped."
        }
        QdrantError::Request { .. } => "Check the address and the API key.",
        QdrantError::Unauthorized { .. } => {
            "Set the environment variable QDRANT_API_KEY to a key with access to the collection."
        }
        QdrantError::Rejected { .. } => "Check that the server is Qdrant 1.10 or newer.",
        QdrantError::NotQdrant { .. } => {
            "Check the address; Qdrant's REST API is usually on port 6333."
        }
        QdrantError::NoCollection { .. } | QdrantError::OtherModel { .. } => {
            "Fill it from this model with “nearsay export DIR --to qdrant URL”."
        }
        QdrantError::CollectionRemoved => {
            "Repeat the export when no other client changes the collection."
        }
        QdrantError::OtherVectors { .. } => "Choose another one with “--collection NAME”.",
        QdrantError::ForeignPoints(_) => {
            "Use a collection of its own for Nearsay: “--collection NAME”."
        }
        QdrantError::NoFingerprint => "Train the model again.",
        _ => "",
    }
}
