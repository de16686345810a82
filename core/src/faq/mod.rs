//! Layer 5: FAQ files: bytes in, rows and problems out.
//!
//! Nothing here opens a file: readers take any [`BufRead`](std::io::BufRead). Whatever the bytes
//! are, reading never panics, never holds more than one record and the rows kept, and loses
//! nothing in silence: each record becomes a row, or exactly one [`Problem`] that says where, what
//! and what to do (see [`Counts`]).
//!
//! # What is read
//!
//! [`read`] tells by the first bytes of a stream, never by a name, which [`Shape`] it has:
//!
//! | what | told by | a record is |
//! | --- | --- | --- |
//! | JSON objects: one a line (JSONL), one list of them, or one after the other | `{` or `[` at the beginning, or of most lines | an object |
//! | a table (CSV, TSV, `;`, `\|`, also as in Markdown) | known names in its first row, else as many cells in nearly every row | a row; in quotes it may have line breaks |
//! | a text with labels | `Q:` and `A:`, or words such as `Frage:` and `Antwort:` | from one label of a question to the next |
//! | a Markdown text | headings, or lines in bold, that end in a question mark | from such a heading to the next |
//!
//! Byte order marks, all line ends and UTF-16 are understood; other encodings can be chosen
//! ([`Encoding`]). Tables and texts that are no UTF-8 are read as Windows text, which is told.
//! [`read_jsonl`] reads JSON only, [`read_questions`] whatever [`read`] reads.
//!
//! Cells are taken apart by csv-core, which the well-kept `csv` crate is made of: it knows the
//! format and works on buffers of ours, where the crate's own reader holds a record however long it
//! is, and takes a quote that is never closed to the end of the file. Here such a quote costs one
//! line (`records`), and a quote that is not doubled stays part of its text (`quotes`).
//!
//! | a row has | under a name such as | all names |
//! | --- | --- | --- |
//! | a question | `question`, `q`, `prompt`, `query`, `frage`, `pregunta` | [`QUESTION_NAMES`], [`MAYBE_QUESTION_NAMES`] |
//! | an answer | `answer`, `a`, `response`, `antwort`, `réponse`, `text` | [`ANSWER_NAMES`], [`MAYBE_ANSWER_NAMES`] |
//! | further ways to ask | `questions`, `wordings` | [`WORDINGS_NAMES`] |
//! | (test questions) several right answers | `answers` | [`ANSWERS_NAMES`] |
//! | where it is from | `source`, `url`; `filename`, `file`; `id`, `key` | |
//!
//! Upper and lower case are equal. Whoever has other names gives a [`ColumnChoice`]. A table without
//! such names is read if it has two columns, or a column of question marks beside one of long texts.
//!
//! # What is done with rows
//!
//! Texts are kept as they were written; only control characters are removed, and told. Of cells the
//! blanks around them do not count, and a line break within one is `\n`. A row that
//! repeats question and answer of another to the letter is kept once. Equal answers (by
//! [`normalize`]) belong together: [`groups`] finds such rows, [`split`] keeps them on one side.

mod any;
mod blocks;
mod diagnose;
mod encoding;
mod error;
mod fields;
mod gather;
mod items;
mod json;
mod jsonl;
mod labels;
mod layout;
mod lines;
mod options;
mod problem;
mod questions;
mod quotes;
mod records;
mod repeats;
mod row;
mod source;
mod split;
mod table;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use any::read;
pub use encoding::Encoding;
pub use error::ReadError;
pub use fields::{
    ANSWER_NAMES, ANSWERS_NAMES, ColumnChoice, Columns, MAYBE_ANSWER_NAMES, MAYBE_QUESTION_NAMES,
    QUESTION_NAMES, WORDINGS_NAMES,
};
pub use gather::Counts;
pub use jsonl::{Faq, read_jsonl};
pub use options::{Progress, ReadLimits, ReadOptions};
pub use problem::{Field, Found, Problem, ProblemKind, Severity};
pub use questions::{Questions, TestQuestion, read_questions};
pub use row::Row;
pub use source::Shape;
pub use split::{Split, SplitError, groups, split};
pub use text::normalize;
