//! Errors that make a whole file unreadable.

use super::{Field, FileFormat};
use core::fmt;
use std::io;
use thiserror::Error;

/// Reason why no rows could be read from a file. Mistakes in single rows are reported as
/// [`Issue`](super::Issue)s instead.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Reading from the stream failed.
    #[error("The file could not be read: {0}. {fix}", fix = self.fix())]
    Io(#[from] io::Error),
    /// The progress callback asked to stop.
    #[error("Reading was stopped. {}", self.fix())]
    Stopped,
    /// The file has no content.
    #[error("The file is empty. {}", self.fix())]
    Empty,
    /// The file has a format that isn't read.
    #[error("This is {kind}. {remedy}")]
    Refused {
        /// File type, with an article ("a PowerPoint presentation").
        kind: &'static str,
        /// Way to get at the questions and answers, as one or more sentences.
        remedy: &'static str,
    },
    /// The document is damaged.
    #[error("This {} is damaged: {reason}. {}", .format.name(), self.fix())]
    Damaged {
        /// Format of the document.
        format: FileFormat,
        /// What was found, as a phrase.
        reason: String,
    },
    /// The document has to be read whole and is larger than
    /// [`ReadLimits::document_bytes`](super::ReadLimits::document_bytes).
    #[error(
        "This {} is larger than {} MB, the limit for files of this kind. {}",
        .format.name(), .limit / 1_000_000, self.fix()
    )]
    TooLarge {
        /// Format of the document.
        format: FileFormat,
        /// The limit in bytes.
        limit: usize,
    },
    /// The chosen sheet doesn't exist.
    #[error("There is no sheet {sheet}. Sheets: {}. {}", .sheets.join(", "), self.fix())]
    NoSuchSheet {
        /// The chosen name or number.
        sheet: String,
        /// Names of the sheets.
        sheets: Vec<String>,
    },
    /// The document was read, but has no questions and answers.
    #[error("No questions and answers were found in this {}. {looked_for}", .format.name())]
    NothingFound {
        /// Format of the document.
        format: FileFormat,
        /// How questions and answers are marked in this format, as advice.
        looked_for: &'static str,
    },
    /// JSON was expected, but hardly any line is JSON.
    #[error("This is not a JSON file: it begins with \"{beginning}\". {fix}", fix = self.fix())]
    NotJson {
        /// First characters of the file.
        beginning: String,
    },
    /// The text has no JSON rows, no table, and no marked questions and answers.
    #[error(
        "No questions and answers were found in this file, which begins with \"{beginning}\". {fix}",
        fix = self.fix()
    )]
    NotUnderstood {
        /// First characters of the file.
        beginning: String,
    },
    /// The table has column names but no rows.
    #[error("The table has column names but no rows. {}", self.fix())]
    NoRows,
    /// No known column name for the questions, the answers or (`None`) both.
    #[error("{}{} {}", describe_missing(*.missing), ColumnList(.columns), self.fix())]
    UnknownColumns {
        /// The missing column.
        missing: Option<Field>,
        /// Column names in the file.
        columns: Vec<String>,
    },
    /// The column chosen with a [`ColumnChoice`](super::ColumnChoice) doesn't exist.
    #[error("There is no column {column}.{list} {fix}", list = ColumnList(.columns), fix = self.fix())]
    NoSuchColumn {
        /// The chosen name.
        column: String,
        /// Column names in the file.
        columns: Vec<String>,
    },
}

impl ReadError {
    /// Advice on how to resolve the error, as a sentence. The `Display` text ends with it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Io(_) => "Check that the file still exists, and try again.",
            Self::Stopped => "Read the file again to load it.",
            Self::Empty | Self::NotJson { .. } => {
                r#"Write one row per line: {"question": "…", "answer": "…"}."#
            }
            Self::NotUnderstood { .. } => {
                "Use a table (CSV) with the columns question and answer, or write Q: before each \
                 question and A: before its answer."
            }
            Self::Refused { remedy, .. } => remedy,
            Self::NoSuchSheet { .. } => "Choose one of these sheets.",
            Self::NothingFound { looked_for, .. } => looked_for,
            Self::Damaged { .. } => {
                "Open the file in the program it comes from, save it again, and try again."
            }
            Self::TooLarge { .. } => "Save the questions and answers as CSV, or split the file.",
            Self::NoRows => "Add a row for each question and its answer.",
            Self::UnknownColumns { .. } | Self::NoSuchColumn { .. } => {
                "Choose the columns of questions and answers."
            }
        }
    }
}

fn describe_missing(missing: Option<Field>) -> &'static str {
    match missing {
        Some(Field::Question) => "No column with questions was recognized.",
        Some(Field::Answer) => "No column with answers was recognized.",
        None => "No columns with questions and answers were recognized.",
    }
}

/// Formats column names as a sentence with a leading space; nothing if there are none.
struct ColumnList<'a>(&'a [String]);

impl fmt::Display for ColumnList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            columns => write!(f, " Columns: {}.", columns.join(", ")),
        }
    }
}
