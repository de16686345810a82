//! Rows of a file as the project stores them.

use nearsay_faq as faq;

use super::merge::Row;

/// Converts a row that was read from a file. Its source defaults to the file's name.
#[must_use]
pub fn from_faq(row: faq::Row) -> Row {
    Row {
        line: u32::try_from(row.line).unwrap_or(u32::MAX),
        source: row.source.or(row.filename),
        questions: std::iter::once(row.question)
            .chain(row.paraphrases)
            .collect(),
        answer: row.answer,
    }
}
