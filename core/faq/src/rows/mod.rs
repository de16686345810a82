//! Rows: from named values to validated questions and answers.

mod clean;
mod counts;
mod duplicates;
mod faq;
mod field_reader;
mod holdout;
mod questions;
mod read_records;
mod record_reader;
mod row;
mod sink;

pub use counts::Counts;
pub use faq::{Faq, read, read_files, read_jsonl};
pub use holdout::{Split, SplitError, group_rows, split};
pub use questions::{Questions, TestQuestion, read_questions};
pub use row::Row;
