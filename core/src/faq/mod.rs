//! Layer 5: FAQ files: bytes in, rows and problems out.
//!
//! Nothing here opens a file: readers take any [`BufRead`](std::io::BufRead). Whatever the bytes
//! are, reading never panics, never holds more than one record and the rows kept, and loses
//! nothing in silence: each record becomes a row, or exactly one [`Problem`] that says where, what
//! and what to do (see [`Counts`]).
//!
//! # What is read
//!
//! [`read_jsonl`] reads JSON objects: one a line (JSONL), one list of them, or one after the other
//! over several lines. Byte order marks, all line ends and UTF-16 are understood; other encodings
//! can be chosen ([`Encoding`]).
//!
//! | a row has | under a name such as | all names |
//! | --- | --- | --- |
//! | a question | `question`, `q`, `prompt`, `query`, `frage`, `pregunta` | [`QUESTION_NAMES`], [`MAYBE_QUESTION_NAMES`] |
//! | an answer | `answer`, `a`, `response`, `antwort`, `réponse`, `text` | [`ANSWER_NAMES`], [`MAYBE_ANSWER_NAMES`] |
//! | further ways to ask | `questions`, `wordings` | [`WORDINGS_NAMES`] |
//! | (test questions) several right answers | `answers` | [`ANSWERS_NAMES`] |
//! | where it is from | `source`, `url`; `filename`, `file`; `id`, `key` | |
//!
//! Upper and lower case are equal. Whoever has other names gives a [`ColumnChoice`].
//!
//! # What is done with rows
//!
//! Texts are kept as they were written; only control characters are removed, and told. A row that
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
