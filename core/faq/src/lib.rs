//! FAQ files: from bytes to question/answer rows and issues with line numbers.
//!
//! Readers take any [`BufRead`](std::io::BufRead) and never open files themselves. They accept
//! arbitrary bytes without panicking and hold one record plus the rows kept so far. Every record
//! becomes either a row or exactly one [`Issue`] of severity [`Severity::LeftOut`] (see
//! [`Counts`]), so no data is dropped without a report.
//!
//! # Formats
//!
//! [`read`] detects the [`FileFormat`] from the first bytes of the stream. These are read as streams:
//!
//! | format | detected by | record |
//! | --- | --- | --- |
//! | JSON objects: one per line (JSONL), in a list, or one after another | `{` or `[` at the beginning, or at the start of most lines | an object |
//! | table (CSV, TSV, `;`, `\|`, Markdown) | known column names in the first row, or the same number of cells in nearly every row | a row; quoted cells may contain line breaks |
//! | labelled text | `Q:` and `A:`, or words such as `Frage:` and `Antwort:` | from one question label to the next |
//!
//! Nested JSON, YAML, TOML, XML, scripts, texts with headings, plain lists, spreadsheets, web pages,
//! text documents, PDF and zip archives are read whole; the README of the crate lists what is taken
//! from each. [`read_files`] reads several files as one FAQ.
//!
//! Byte order marks, all line endings, UTF-16 and UTF-32 are handled. Files in older encodings are
//! recognized by their bytes, which is reported as an issue; [`ReadOptions::encoding`] overrides the
//! guess. [`read_jsonl`] accepts JSON only; [`read_questions`] accepts every format.
//!
//! # Columns
//!
//! | field | typical names | constants |
//! | --- | --- | --- |
//! | question | `question`, `q`, `prompt`, `query`, `frage`, `pregunta` | [`QUESTION_NAMES`], [`MAYBE_QUESTION_NAMES`] |
//! | answer | `answer`, `a`, `response`, `antwort`, `réponse`, `text` | [`ANSWER_NAMES`], [`MAYBE_ANSWER_NAMES`] |
//! | paraphrases | `questions`, `paraphrases`, `wordings`, `Question 2` | [`PARAPHRASE_NAMES`] |
//! | several right answers (test questions only) | `answers` | [`ANSWER_LIST_NAMES`] |
//! | origin | `source`, `url`; `filename`, `file`; `id`, `key` | |
//!
//! Names are compared case-insensitively. A [`ColumnChoice`] selects columns with other names. A
//! table without known names is readable if it has two columns, or one column of question marks
//! beside one of long texts.
//!
//! # Rows
//!
//! Texts are kept as written, except that control characters are removed (and reported), and that
//! HTML, escaped line breaks and spaces that don't break are converted in tables and documents. Table
//! cells are trimmed, and a line break within a cell becomes `\n`. Of rows with identical question
//! and answer, the first is kept. Rows with equal answers (by [`normalize`]) belong together:
//! [`group_rows`] finds them and [`split`] keeps each group on one side.
//!
//! # Modules
//!
//! Data flows through the private modules in this order: `decode` (bytes to UTF-8), `detect` (the
//! format), `split` (stream to raw records), `parse` (raw record to named values), `columns` (named
//! values to columns), `rows` (columns to rows).

mod column_names;
mod columns;
mod content;
mod decode;
mod detect;
mod document;
mod error;
mod export;
mod format;
#[cfg(feature = "html")]
mod html;
mod issue;
mod options;
mod parse;
mod rich;
mod rows;
mod salvage;
mod source;
mod split;
mod text;

#[cfg(test)]
mod tests;

pub use column_names::{
    ANSWER_LIST_NAMES, ANSWER_NAMES, MAYBE_ANSWER_NAMES, MAYBE_QUESTION_NAMES, PARAPHRASE_NAMES,
    QUESTION_NAMES,
};
pub use columns::{ColumnChoice, Columns};
pub use decode::Encoding;
pub use error::ReadError;
pub use export::{ExportFormat, write};
pub use format::{FILE_EXTENSIONS, FileFormat};
pub use issue::{Field, Issue, IssueKind, Severity, ValueType};
pub use options::{Progress, ReadLimits, ReadOptions};
pub use rows::{
    Counts, Faq, Questions, Row, Split, SplitError, TestQuestion, group_rows, read, read_files,
    read_jsonl, read_questions, split,
};
pub use text::{normalize, question_key};
