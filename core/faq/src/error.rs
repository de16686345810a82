//! Errors that make a whole file unreadable.

use super::Field;
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
    /// The file is binary.
    #[error("This is {kind}, not text. {fix}", fix = self.fix())]
    NotText {
        /// Detected file type, with an article ("a PDF document").
        kind: &'static str,
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
            Self::NotText { .. } => {
                "Save the questions and answers as text (CSV or JSONL, UTF-8) and try again."
            }
            Self::NotUnderstood { .. } => {
                "Use a table (CSV) with the columns question and answer, or write Q: before each \
                 question and A: before its answer."
            }
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
