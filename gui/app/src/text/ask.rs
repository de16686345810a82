//! The Ask step.

use std::path::Path;

use super::{answers, count, number};
use crate::state::{Answer, Side, State};
use nearsay_project::files::file_name;

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
pub const KEYS: &str = "Enter copies the answer, ↑ and ↓ choose another, Esc empties the box";
/// The answer is most probably right.
pub const SURE: &str = "Sure";
/// The answer is probably right.
pub const LIKELY: &str = "Likely";
/// The answer may well be wrong.
pub const UNSURE: &str = "Unsure";
/// Nothing is good enough.
pub const NO_GOOD_ANSWER: &str = "I have no good answer";
/// Shows what comes nearest.
pub const SHOW_NEAREST: &str = "Show the nearest anyway";
/// Writes an answer to the question.
pub const ADD_ANSWER: &str = "Write an answer";
/// Picks the right answer.
pub const PICK_RIGHT: &str = "Pick the right one";
/// There are no answers at all.
pub const NOTHING: &str = "No answer comes near this question";
/// Without data.
pub const NO_DATA: &str = "Nothing to answer with yet";
/// What to do then.
pub const NO_DATA_MORE: &str =
    "Open a file with questions and answers, then ask here in your own words";
/// Goes to the Train step.
pub const GO_TRAIN: &str = "Go to Train";
/// Goes to the Data step.
pub const GO_DATA: &str = "Go to Data";
/// Before the choice of who answers.
pub const ANSWERS_FROM: &str = "Answers from";
/// The answer is right.
pub const RIGHT: &str = "Right";
/// What that does.
pub const RIGHT_HINT: &str = "Your words become a known way to ask for this answer";
/// The answer is wrong.
pub const WRONG: &str = "Wrong?";
/// What that does.
pub const WRONG_HINT: &str = "Pick the right answer, so that it is found next time";
/// After "Right".
pub const THANKS: &str = "Thank you, it is learned";
/// After picking the right one.
pub const CORRECTED: &str = "Thank you, next time that answer comes first";
/// It was known before.
pub const KNOWN: &str = "It knows this question already";
/// For undo.
pub const DID_TEACH: &str = "add a way to ask";
/// Hint in the box for the right answer.
pub const CORRECT_HINT: &str = "Words of the right answer or question";
/// Its name.
pub const CORRECT_BOX: &str = "Look for the right answer";
/// No entry has these words.
pub const CORRECT_NOTHING: &str = "No answer has these words. Try others, or write the answer";
/// Takes this answer.
pub const THIS_ONE: &str = "This one";
/// Title of the slider.
pub const SILENCE: &str = "When should it stay silent?";
/// Its left end.
pub const ALWAYS: &str = "Always answer";
/// Its right end.
pub const ONLY_SURE: &str = "Only if sure";
/// Nothing can be said.
pub const SILENCE_TOO_FEW: &str = "Fewer than 30 questions are kept aside for checking: too few to say how often it would be wrong";
/// For undo.
pub const DID_SILENCE: &str = "change when it stays silent";
/// Headline of the part for files.
pub const BATCH: &str = "Answer a file of questions";
/// In it.
pub const BATCH_MORE: &str = "One question a line, or a table with a column “question”. The answers are written beside it as a table (CSV)";
/// Opens the dialog.
pub const BATCH_CHOOSE: &str = "Choose a file…";
/// Name of the path box.
pub const BATCH_PATH: &str = "Path of the file of questions";
/// Answers the typed file.
pub const BATCH_DO: &str = "Answer";
/// All are answered.
pub const BATCH_DONE: &str = "The answers are in";
/// Columns of the table of answers.
pub const BATCH_COLUMNS: [&str; 5] = [
    "question",
    "answer",
    "chance of being right (%)",
    "known question",
    "topic",
];
/// What was dropped are questions.
pub const DROPPED_QUESTIONS: &str = "Answer its questions";
/// What was dropped are data.
pub const DROPPED_DATA: &str = "Add it to the data";

/// What the word stands on.
pub fn why(answer: &Answer) -> String {
    let sure = match answer.chance {
        Some(chance) => format!(
            "Of 100 such answers about {:.0} are right, by the questions kept aside",
            chance * 100.0
        ),
        None => {
            "Too few questions are kept aside to say how often such answers are right".to_owned()
        }
    };
    format!("{sure}. {}", found_by(answer))
}

/// Whether meaning or words found an answer.
fn found_by(answer: &Answer) -> String {
    let Answer {
        score,
        meaning,
        words,
        shared,
        ..
    } = answer;
    if *words <= 0.0 {
        return format!("Nearness {score:.2}");
    }
    let parts = format!("Nearness {score:.2}: {meaning:.2} by meaning, {words:.2} by words");
    match shared.as_slice() {
        [] => parts,
        shared => format!("{parts}. Same words: {}", shared.join(", ")),
    }
}

/// The bar, in words.
pub fn chance(chance: Option<f32>, score: f32) -> String {
    match chance {
        Some(chance) => format!("right in {:.0} of 100 cases", chance * 100.0),
        None => format!("nearness {:.0} of 100", (score * 100.0).clamp(0.0, 100.0)),
    }
}

/// The step's state in the rail.
pub fn rail(state: &State) -> String {
    match state.ask.preparing {
        Some((done, total)) => format!("{} of {} texts", number(done), number(total)),
        None if state.project.document.entries.is_empty() => "nothing to ask yet".to_owned(),
        None => "search your answers".to_owned(),
    }
}

/// Texts are being made ready.
pub fn preparing(done: usize, total: usize) -> String {
    format!("Reading {} of {} texts", number(done), number(total))
}

/// Before the first answer.
pub fn waiting(preparing: Option<(usize, usize)>) -> String {
    match preparing {
        Some((done, total)) => self::preparing(done, total),
        None => "Looking…".to_owned(),
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

/// Which row an answer comes from.
pub fn row(row: u64) -> String {
    format!("row {}", number(row))
}

/// The same, with its topic.
pub fn place(row: u64, source: Option<&str>) -> String {
    match source {
        Some(source) => format!("{} · {source}", self::row(row)),
        None => self::row(row),
    }
}

/// Who answers.
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Before => "Before",
        Side::After => "After training",
    }
}

/// What comes nearest when nothing is good.
pub fn nearest(text: &str) -> String {
    let start = super::cut(text, 90);
    format!("The nearest is “{start}”, but that may be something else")
}

/// Title of the card to pick the right answer.
pub fn correcting(question: &str) -> String {
    format!("Which answer is right for “{question}”?")
}

/// Name of the button that takes an answer.
pub fn this_one(question: &str) -> String {
    format!("{THIS_ONE}: {question}")
}

/// What follows from where the slider stands.
pub fn consequence(answered: f32, wrong: f32) -> String {
    format!("Of 100 questions it answers {answered:.0}. Of 100 answers {wrong:.0} are wrong")
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
    format!("The answers are in {}", file_name(path))
}

/// A file was dropped here.
pub fn dropped(name: &str) -> String {
    format!("What is {name}?")
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
    fn it_is_said_whether_meaning_or_words_found_an_answer() {
        let answer = Answer {
            score: 0.69,
            meaning: 0.61,
            words: 0.08,
            shared: vec!["refund".to_owned(), "invoice".to_owned()],
            chance: Some(0.8),
            ..Answer::default()
        };
        assert_eq!(
            why(&answer),
            "Of 100 such answers about 80 are right, by the questions kept aside. \
             Nearness 0.69: 0.61 by meaning, 0.08 by words. Same words: refund, invoice"
        );
        let parts_of_words = Answer {
            shared: Vec::new(),
            chance: None,
            ..answer.clone()
        };
        assert_eq!(
            why(&parts_of_words),
            "Too few questions are kept aside to say how often such answers are right. \
             Nearness 0.69: 0.61 by meaning, 0.08 by words"
        );
        let meaning_alone = Answer {
            score: 0.61,
            words: 0.0,
            ..answer
        };
        assert!(why(&meaning_alone).ends_with(". Nearness 0.61"));
    }
}
