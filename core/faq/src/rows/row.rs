//! FAQ rows.

use serde::{Deserialize, Serialize};

/// One row of an FAQ: a question, its paraphrases, and the answer.
///
/// Serialized as JSON, a row is a line that [`read_jsonl`](crate::read_jsonl) reads back as
/// the same row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Line on which the row begins, counted from 1; 0 if the row doesn't come from a file.
    #[serde(default)]
    pub line: u64,
    /// The question.
    pub question: String,
    /// Other ways to ask the question. The JSON key is `wordings`.
    #[serde(default, rename = "wordings", skip_serializing_if = "Vec::is_empty")]
    pub paraphrases: Vec<String>,
    /// The answer.
    pub answer: String,
    /// Source or topic given in the file, such as a URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Name of the original file given in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Identifier given in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Row {
    /// Iterates over the question and its paraphrases.
    pub fn all_questions(&self) -> impl Iterator<Item = &str> {
        core::iter::once(&self.question)
            .chain(&self.paraphrases)
            .map(String::as_str)
    }
}
