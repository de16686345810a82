//! Why a whole file could not be read.

use super::Field;
use core::fmt;
use std::io;

/// Why nothing could be read of a file. What is wrong with single rows is a
/// [`Problem`](super::Problem) instead.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be read to its end.
    Io(io::Error),
    /// The progress callback asked to stop.
    Stopped,
    /// There is nothing in it.
    Empty,
    /// It holds no text.
    NotText {
        /// What it seems to be.
        kind: &'static str,
    },
    /// It holds text, but hardly a line of it is JSON.
    NotJson {
        /// Its beginning.
        beginning: String,
    },
    /// It holds text, but neither rows of JSON, nor a table, nor questions and answers as such.
    NotUnderstood {
        /// Its beginning.
        beginning: String,
    },
    /// A table with nothing below the names of its columns.
    NoRows,
    /// No known name for the questions, the answers or (`None`) both.
    UnknownColumns {
        /// Which column was not found.
        missing: Option<Field>,
        /// The names that the file has.
        columns: Vec<String>,
    },
    /// The chosen column is nowhere in the file.
    NoSuchColumn {
        /// The chosen name.
        column: String,
        /// The names that the file has.
        columns: Vec<String>,
    },
}

impl ReadError {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Io(_) => "Check that the file is still there, and try again.",
            Self::Stopped => "Start again to read the file.",
            Self::Empty | Self::NotJson { .. } => {
                r#"Write one row a line: {"question": "…", "answer": "…"}."#
            }
            Self::NotText { .. } => {
                "Save the questions as text (CSV or JSONL, UTF-8) and try again."
            }
            Self::NotUnderstood { .. } => {
                "Make it a table with the columns question and answer (CSV), or write Q: before each \
                 question and A: before its answer."
            }
            Self::NoRows => "Write one question and its answer a row.",
            Self::UnknownColumns { .. } | Self::NoSuchColumn { .. } => {
                "Choose the columns of questions and answers."
            }
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "The file could not be read: {error}.")?,
            Self::Stopped => f.write_str("Reading was stopped.")?,
            Self::Empty => f.write_str("The file is empty.")?,
            Self::NotText { kind } => write!(f, "This is {kind}, not text.")?,
            Self::NotJson { beginning } => write!(
                f,
                "These are no JSON rows: the file begins with \"{beginning}\"."
            )?,
            Self::NotUnderstood { beginning } => write!(
                f,
                "I cannot tell questions from answers in this file: it begins with \"{beginning}\"."
            )?,
            Self::NoRows => f.write_str("The table has names of columns, but no rows.")?,
            Self::UnknownColumns { missing, columns } => {
                match missing {
                    Some(field) => {
                        write!(f, "I cannot tell which column holds the {field}s.")?;
                    }
                    None => {
                        f.write_str("I cannot tell which columns hold the questions and answers.")?;
                    }
                }
                list(f, columns)?;
            }
            Self::NoSuchColumn { column, columns } => {
                write!(f, "There is no column {column}.")?;
                list(f, columns)?;
            }
        }
        write!(f, " {}", self.fix())
    }
}

fn list(f: &mut fmt::Formatter<'_>, columns: &[String]) -> fmt::Result {
    match columns {
        [] => Ok(()),
        _ => write!(f, " Columns: {}.", columns.join(", ")),
    }
}

impl core::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
