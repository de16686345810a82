//! The Ask page.

use std::path::Path;

use super::{answers, count, number};
use crate::state::{Answer, Side, State};
use nearsay_project::files::file_name;

/// Name of the search box.
pub const BOX: &str = "Ask a question";
/// Placeholder of the search box.
pub const HINT: &str = "Ask in your own words";
pub const COPY: &str = "Copy answer";
pub const COPIED: &str = "Answer copied";
/// Heading of the example questions.
pub const EXAMPLES: &str = "For example";
pub const KEYS: &str = "Enter copies the answer, ↑ and ↓ select another, Esc clears the box.";
pub const SURE: &str = "Sure";
pub const LIKELY: &str = "Likely";
pub const UNSURE: &str = "Unsure";
pub const NO_GOOD_ANSWER: &str = "No good answer found";
pub const SHOW_NEAREST: &str = "Show the closest answers";
pub const ADD_ANSWER: &str = "Write an answer";
pub const PICK_RIGHT: &str = "Choose the right answer";
pub const NOTHING: &str = "There are no answers to search.";
pub const NO_DATA: &str = "No answers yet";
pub const NO_DATA_MORE: &str =
    "Open a file with questions and answers, then ask here in your own words.";
pub const GO_TRAIN: &str = "Go to Train";
pub const GO_DATA: &str = "Go to Data";
/// Label of the choice between the models.
pub const ANSWERS_FROM: &str = "Answers from";
pub const RIGHT: &str = "Right";
pub const RIGHT_HINT: &str = "Save your question as another way to ask for this answer";
pub const WRONG: &str = "Wrong?";
pub const WRONG_HINT: &str = "Choose the right answer, so that it is found next time";
/// After "Right".
pub const THANKS: &str = "Saved. Next time, this question finds this answer.";
/// After choosing another answer.
pub const CORRECTED: &str = "Saved. Next time, this question finds the answer you chose.";
pub const KNOWN: &str = "This question is already saved with this answer.";
/// What undo takes back.
pub const DID_TEACH: &str = "add another way to ask";
pub const CORRECT_HINT: &str = "Words from the right answer or its question";
pub const CORRECT_BOX: &str = "Search for the right answer";
pub const CORRECT_NOTHING: &str =
    "No answer contains these words. Try other words, or write the answer.";
/// Selects the right answer.
pub const THIS_ONE: &str = "This one";
/// Title of the slider for the abstain threshold.
pub const ABSTAIN: &str = "When should Nearsay answer?";
/// Left end of the slider.
pub const ALWAYS: &str = "Always";
/// Right end of the slider.
pub const ONLY_SURE: &str = "Only when sure";
pub const ABSTAIN_TOO_FEW: &str =
    "This setting needs at least 30 test questions to predict how many answers would be wrong.";
/// What undo takes back.
pub const DID_ABSTAIN: &str = "change when Nearsay answers";
pub const BATCH: &str = "Answer a file of questions";
pub const BATCH_MORE: &str = "Use one question per line, or a table with a column named “question”. The answers are saved next to it as a table (CSV).";
pub const BATCH_CHOOSE: &str = "Choose a file…";
/// Name of the path box.
pub const BATCH_PATH: &str = "Path of the file of questions";
/// Answers the file in the path box.
pub const BATCH_DO: &str = "Answer";
pub const BATCH_DONE: &str = "Answers saved";
/// Columns of the table of answers.
pub const BATCH_COLUMNS: [&str; 5] = [
    "question",
    "answer",
    "chance of being right (%)",
    "known question",
    "topic",
];
/// For a file dropped on the Ask page.
pub const DROPPED_QUESTIONS: &str = "Answer its questions";
/// For a file dropped on the Ask page.
pub const DROPPED_DATA: &str = "Add it to the data";

/// Tooltip of the confidence label.
pub fn confidence_details(answer: &Answer) -> String {
    let confidence = match answer.confidence {
        Some(confidence) => format!(
            "About {:.0} of 100 answers like this are right, judging by your test questions.",
            confidence * 100.0
        ),
        None => "There are too few test questions to tell how often answers like this are right."
            .to_owned(),
    };
    format!("{confidence} {}", score_details(answer))
}

/// Parts of an answer's score.
fn score_details(answer: &Answer) -> String {
    let Answer {
        score,
        dense_score,
        keyword_score,
        shared_words,
        ..
    } = answer;
    if *keyword_score <= 0.0 {
        return format!("Similarity: {score:.2}.");
    }
    let parts =
        format!("Similarity: {score:.2} (meaning {dense_score:.2}, words {keyword_score:.2}).");
    match shared_words.as_slice() {
        [] => parts,
        words => format!("{parts} Shared words: {}.", words.join(", ")),
    }
}

/// Name of the confidence bar.
pub fn confidence(confidence: Option<f32>, score: f32) -> String {
    match confidence {
        Some(confidence) => format!("right in {:.0} of 100 cases", confidence * 100.0),
        None => format!("similarity {:.0} of 100", (score * 100.0).clamp(0.0, 100.0)),
    }
}

/// Second line of the page's name in the rail.
pub fn rail(state: &State) -> String {
    match state.ask.preparing {
        Some((done, total)) => format!("{} of {} texts", number(done), number(total)),
        None if state.project.document.entries.is_empty() => "no answers yet".to_owned(),
        None => "search your answers".to_owned(),
    }
}

/// While texts are embedded.
pub fn preparing(done: usize, total: usize) -> String {
    format!("Preparing {} of {} texts", number(done), number(total))
}

/// Before the first answer.
pub fn waiting(preparing: Option<(usize, usize)>) -> String {
    match preparing {
        Some((done, total)) => self::preparing(done, total),
        None => "Searching…".to_owned(),
    }
}

/// Above the answers.
pub fn found(n: usize, took_us: u64) -> String {
    let took = match took_us {
        0..=999 => "less than 1 ms".to_owned(),
        _ => format!("{} ms", number((took_us + 500) / 1000)),
    };
    format!("{} in {took}", answers(n))
}

/// `row 17`
pub fn row(row: u64) -> String {
    format!("row {}", number(row))
}

/// `row 17 · Opening hours`
pub fn place(row: u64, source: Option<&str>) -> String {
    match source {
        Some(source) => format!("{} · {source}", self::row(row)),
        None => self::row(row),
    }
}

pub fn side(side: Side) -> &'static str {
    match side {
        Side::Before => "Before training",
        Side::After => "After training",
    }
}

/// Below [`NO_GOOD_ANSWER`].
pub fn nearest(text: &str) -> String {
    let start = super::cut(text, 90);
    format!("The closest is “{start}”, but that may be about something else.")
}

/// Title of the card for choosing the right answer.
pub fn correcting(question: &str) -> String {
    format!("Which answer is right for “{question}”?")
}

/// Name of a [`THIS_ONE`] button.
pub fn this_one(question: &str) -> String {
    format!("{THIS_ONE}: {question}")
}

/// Effect of the abstain threshold: of 100 questions, `answered` are answered; of 100 answers, `wrong`
/// are wrong.
pub fn consequence(answered: f32, wrong: f32) -> String {
    format!("Answers {answered:.0} of 100 questions. About {wrong:.0} of 100 answers are wrong.")
}

/// In the status line.
pub fn batch_running(name: &str, done: usize, total: usize) -> String {
    format!(
        "Answering {name}, {} of {}",
        number(done),
        count(total, "question", "questions")
    )
}

/// In the status line.
pub fn batch_done(path: &Path) -> String {
    format!("Answers saved in {}", file_name(path))
}

/// A file was dropped on the Ask page.
pub fn dropped(name: &str) -> String {
    format!("What would you like to do with {name}?")
}

/// Name of a copy button.
pub fn copy_name(place: usize) -> String {
    if place == 0 {
        COPY.to_owned()
    } else {
        format!("{COPY} {}", place + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_details_names_parts_of_score() {
        let answer = Answer {
            score: 0.69,
            dense_score: 0.61,
            keyword_score: 0.08,
            shared_words: vec!["refund".to_owned(), "invoice".to_owned()],
            confidence: Some(0.8),
            ..Answer::default()
        };
        assert_eq!(
            confidence_details(&answer),
            "About 80 of 100 answers like this are right, judging by your test questions. \
             Similarity: 0.69 (meaning 0.61, words 0.08). Shared words: refund, invoice."
        );
        let without_shared_words = Answer {
            shared_words: Vec::new(),
            confidence: None,
            ..answer.clone()
        };
        assert_eq!(
            confidence_details(&without_shared_words),
            "There are too few test questions to tell how often answers like this are right. \
             Similarity: 0.69 (meaning 0.61, words 0.08)."
        );
        let dense_only = Answer {
            score: 0.61,
            keyword_score: 0.0,
            ..answer
        };
        assert!(confidence_details(&dense_only).ends_with(". Similarity: 0.61."));
    }
}
