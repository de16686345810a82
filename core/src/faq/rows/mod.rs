//! Rows: from named values to validated questions and answers.

mod columns;
mod counts;
mod duplicates;
mod faq;
mod field_reader;
mod holdout;
mod questions;
mod read_records;
mod record_reader;
mod row;

pub use columns::{
    ANSWER_LIST_NAMES, ANSWER_NAMES, ColumnChoice, Columns, MAYBE_ANSWER_NAMES,
    MAYBE_QUESTION_NAMES, PARAPHRASE_NAMES, QUESTION_NAMES,
};
pub(crate) use columns::{find_columns, is_answer_name, is_question_name};
pub use counts::Counts;
pub use faq::{Faq, read, read_jsonl};
pub use holdout::{Split, SplitError, group_rows, split};
pub use questions::{Questions, TestQuestion, read_questions};
pub use row::Row;
