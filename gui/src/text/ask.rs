//! The Ask step.

use super::{answers, count};

/// Name of the search box.
pub const BOX: &str = "Ask a question";
/// Hint in the empty box.
pub const HINT: &str = "Ask in your own words";
/// Copies an answer.
pub const COPY: &str = "Copy answer";
/// An answer was copied.
pub const COPIED: &str = "Answer copied";
/// Above the examples.
pub const EXAMPLES: &str = "For example";
/// Below the examples.
pub const KEYS: &str = "Enter copies the first answer, Esc empties the box";
/// The first answer is good.
pub const SURE: &str = "Sure";
/// The first answer may be wrong.
pub const UNSURE: &str = "Unsure";
/// The other answers.
pub const NEXT: &str = "Next";
/// Nothing is good enough.
pub const NO_GOOD_ANSWER: &str = "I have no good answer. These come nearest";
/// There are no answers at all.
pub const NOTHING: &str = "No answer comes near this question";
/// Before the first answer.
pub const LOADING: &str = "Looking…";
/// Headline without a model.
pub const NO_MODEL: &str = "No model yet";
/// With data, but without a model.
pub const NO_MODEL_MORE: &str = "Train once, then ask here in your own words";
/// Without data.
pub const NO_DATA_MORE: &str =
    "Open a file with questions and answers, train once, then ask here in your own words";
/// Goes to the Train step.
pub const GO_TRAIN: &str = "Go to Train";
/// Goes to the Data step.
pub const GO_DATA: &str = "Go to Data";
/// Starts the answering child again.
pub const TRY_AGAIN: &str = "Try again";

/// The step's state in the rail.
pub fn rail(model: bool) -> &'static str {
    if model {
        "search your answers"
    } else {
        "after training"
    }
}

/// Above the answers.
pub fn found(n: usize, took_ms: u64) -> String {
    format!(
        "{} in {}",
        answers(n),
        count(usize::try_from(took_ms).unwrap_or(usize::MAX), "ms", "ms")
    )
}

/// Which row an answer comes from.
pub fn row(row: u64) -> String {
    format!("row {}", super::number(row))
}

/// A score in words, for those who cannot see the bar.
pub fn score(score: f64) -> String {
    format!("match {:.0} of 100", (score * 100.0).clamp(0.0, 100.0))
}

/// Words that nearly every question has: marking them would say nothing.
const COMMON: [&str; 24] = [
    "and", "are", "can", "could", "did", "does", "for", "from", "have", "how", "not", "should",
    "that", "the", "this", "was", "what", "when", "where", "which", "who", "why", "with", "you",
];

/// A word, in lower case, is worth marking when two texts share it.
pub fn says_something(word: &str) -> bool {
    word.chars().count() > 2 && !COMMON.contains(&word)
}

/// Name of a copy button.
pub fn copy_name(place: usize) -> String {
    if place == 0 {
        COPY.to_owned()
    } else {
        format!("{COPY} {}", place + 1)
    }
}
