//! The Data step.

use super::{answers, count, number, questions};
use nearsay_core::faq::{Encoding, Faq, Shape};

use crate::state::Dataset;

/// The step's headline.
pub const TITLE: &str = "Data";
/// Under the headline while no file is open.
pub const INTRO: &str = "Bring the questions people ask and the answers you give";
/// In the drop zone.
pub const DROP: &str = "Drop your FAQ file here";
/// In the drop zone, where a drop cannot arrive.
pub const NO_DROP: &str = "Open your FAQ file";
/// Below it.
pub const DROP_MORE: &str = "One question and one answer in each row. Nothing leaves this computer";
/// Opens the file dialog.
pub const CHOOSE: &str = "Choose file…";
/// While the dialog is open.
pub const CHOOSING: &str = "Choosing…";
/// Label of the path box.
pub const PATH_LABEL: &str = "Path of the file";
/// Hint in the path box.
pub const PATH_HINT: &str = "or type where the file is";
/// Opens the typed path.
pub const OPEN_PATH: &str = "Open";
/// The dialog ended without a file.
pub const NOT_PICKED: &str =
    "No file chosen. If no window to choose from appeared, type where the file is";
/// Title of the file dialog.
pub const DIALOG_TITLE: &str = "Choose an FAQ file";
/// First filter of the file dialog.
pub const DIALOG_FILTER: &str = "FAQ files";
/// Second filter of the file dialog.
pub const DIALOG_ALL: &str = "All files";
/// Endings of files that can be read.
pub const READABLE: [&str; 4] = ["jsonl", "ndjson", "json", "txt"];
/// Headline of the examples of what a file may look like.
pub const FORMATS: &str = "What should my file look like?";
/// Column heads of the table.
pub const COLUMNS: [&str; 4] = ["Line", "Question", "Answer", "Source"];
/// Dismisses a trouble.
pub const HIDE: &str = "Hide";
/// Goes to the next step.
pub const GO_TRAIN: &str = "Train with this data";
/// Where a problem concerns the whole file.
pub const WHOLE_FILE: &str = "whole file";

/// Two ways a file may look: name and content.
pub const EXAMPLES: [(&str, &str); 2] = [
    (
        "One row a line (.jsonl)",
        "{\"question\": \"When are you open?\", \"answer\": \"Daily from 9 to 18\"}\n{\"question\": \"Do you deliver?\", \"answer\": \"Yes, in the whole city\"}",
    ),
    (
        "A list of rows (.json)",
        "[\n  {\"question\": \"When are you open?\", \"answer\": \"Daily from 9 to 18\"},\n  {\"question\": \"Do you deliver?\", \"answer\": \"Yes, in the whole city\"}\n]",
    ),
];

/// Which files can be read.
pub fn readable() -> String {
    let endings: Vec<String> = READABLE.iter().map(|ending| format!(".{ending}")).collect();
    format!("I can read {}", endings.join(" "))
}

/// The step's state in the rail.
pub fn rail(set: Option<&Dataset>, reading: bool) -> String {
    match set {
        _ if reading => "reading…".to_owned(),
        Some(set) => questions(set.rows.len()),
        None => "no file yet".to_owned(),
    }
}

/// Under the headline when a file is open.
pub fn summary(set: &Dataset) -> String {
    format!(
        "{} with {}",
        questions(set.rows.len()),
        answers(set.answers)
    )
}

/// While a file is read.
pub fn reading(name: &str) -> String {
    format!("Reading {name}…")
}

/// In the status line after reading.
pub fn read_done(set: &Dataset) -> String {
    format!("Read {} from {}", questions(set.rows.len()), set.name)
}

/// How many rows were read.
pub fn pill_read(n: usize) -> String {
    format!("{} read", number(n))
}

/// How many rows were changed.
pub fn pill_changed(n: usize) -> String {
    format!("{} changed", number(n))
}

/// How many rows were left out.
pub fn pill_left_out(n: usize) -> String {
    format!("{} left out", number(n))
}

/// What kind of file it is, and which columns were taken.
pub fn described(faq: &Faq) -> String {
    let shape = match faq.shape {
        Shape::Lines => "one row a line",
        Shape::List => "a list of rows",
        Shape::Spread => "rows over several lines each",
    };
    let mut parts = vec![shape.to_owned()];
    if faq.encoding != Encoding::Utf8 {
        parts.push(faq.encoding.to_string());
    }
    if let (Some(question), Some(answer)) = (&faq.columns.question, &faq.columns.answer) {
        parts.push(format!("questions from {question}, answers from {answer}"));
    }
    parts.join(" · ")
}

/// One sentence needs no full stop at its end.
pub fn plain(sentence: &str) -> String {
    sentence
        .strip_suffix('.')
        .filter(|rest| !rest.contains(". "))
        .unwrap_or(sentence)
        .to_owned()
}

/// Nothing was wrong.
pub const ALL_GOOD: &str = "Every row was read as it is";

/// Place of a problem.
pub fn line(line: usize) -> String {
    format!("line {}", number(line))
}

/// Shows all problems.
pub fn show_all(n: usize) -> String {
    format!("Show all {}", number(n))
}

/// Shows the first few problems.
pub const SHOW_FEWER: &str = "Show fewer";

/// Why these data are too few to train on; `None` when they are enough.
pub fn too_few(set: &Dataset) -> Option<String> {
    if set.is_enough() {
        return None;
    }
    Some(if set.rows.len() < Dataset::FEWEST_ROWS {
        format!(
            "{} are too few to learn from. Bring at least {}",
            questions(set.rows.len()),
            Dataset::FEWEST_ROWS
        )
    } else {
        format!(
            "{} is too little to learn from: with only one, every question has the same. Bring at least {}",
            count(set.answers, "answer", "answers"),
            Dataset::FEWEST_ANSWERS
        )
    })
}
