//! The Data step.

use std::path::PathBuf;

use super::{answers, count, number, questions};
use nearsay_faq::{Encoding, Faq, FileFormat};

use crate::state::{Column, DraftOf, Mend, Picked, SuggestionKind};
use nearsay_project::{
    Counts, Document, Entry, Paraphrase, Problem,
    files::{FAQ_EXTENSIONS, file_name},
    merge::Incoming,
};

/// The step's headline.
pub const TITLE: &str = "Data";
/// Under the headline while there are no data.
pub const INTRO: &str = "Bring the questions people ask and the answers you give";
/// In the drop zone.
pub const DROP: &str = "Drop your FAQ files here";
/// In the drop zone, where a drop cannot arrive.
pub const NO_DROP: &str = "Open your FAQ files";
/// Below it.
pub const DROP_MORE: &str = "One question and one answer in each row. Nothing leaves this computer";
/// Opens the file dialog.
pub const CHOOSE: &str = "Choose files…";
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
    "Nothing chosen. If no window to choose from appeared, type where the file is";
/// First filter of the file dialog.
pub const DIALOG_FILTER: &str = "FAQ files";
/// Second filter of the file dialog.
pub const DIALOG_ALL: &str = "All files";
/// Headline of the examples of what a file may look like.
pub const FORMATS: &str = "What should my file look like?";
/// Dismisses a trouble.
pub const HIDE: &str = "Hide";
/// Where a problem concerns the whole file.
pub const WHOLE_FILE: &str = "whole file";
/// Loads the sample.
pub const USE_SAMPLE: &str = "Use sample data";
/// Copies an example of a file.
pub const COPY_EXAMPLE: &str = "Copy";
/// It was copied.
pub const EXAMPLE_COPIED: &str = "Example copied: paste it into a new file and change it";
/// Opens the sheet for pasting.
pub const PASTE: &str = "Paste rows";
/// In it.
pub const PASTE_MORE: &str =
    "Copy two columns of a spreadsheet, or lines of questions and answers, and paste them here";
/// Hint in its box.
pub const PASTE_HINT: &str = "When are you open?\tDaily from 9 to 18";
/// Name of its box.
pub const PASTE_BOX: &str = "Rows to paste";
/// Takes them in.
pub const TAKE_PASTED: &str = "Add these rows";
/// What pasted rows are from.
pub const PASTED: &str = "Pasted rows";
/// The sample is not the place.
pub const PASTE_INTO_OWN: &str =
    "These rows would go among the sample's. Begin a new project first (Ctrl+K, New project)";
/// Writes a new entry.
pub const NEW: &str = "New row";
/// Name of the filter box.
pub const FILTER: &str = "Filter the rows";
/// Lists all rows.
pub const ALL: &str = "All";
/// Shows how many questions each topic has.
pub const TOPICS: &str = "By topic";
/// Above the bars.
pub const TOPICS_TITLE: &str = "Questions by topic or source";
/// Rows without one.
pub const NO_TOPIC: &str = "without a topic";
/// Hint of a topic.
pub const TOPIC_HINT: &str = "Show these rows";
/// Edits the chosen row.
pub const EDIT: &str = "Edit";
/// Its hint.
pub const EDIT_HINT: &str = "F2, or a double click on the row";
/// Merges the chosen rows.
pub const MERGE: &str = "One answer for these";
/// Its hint.
pub const MERGE_HINT: &str = "All of them become ways to ask for the answer of the first";
/// Learns from the chosen rows.
pub const LEARN: &str = "For training";
/// Its hint.
pub const LEARN_HINT: &str = "The model learns from these questions";
/// Keeps the chosen rows aside.
pub const ASIDE: &str = "For checking";
/// Its hint.
pub const ASIDE_HINT: &str = "The model never sees these questions; they tell how good it is";
/// Deletes the chosen rows.
pub const DELETE: &str = "Delete";
/// Its hint.
pub const DELETE_HINT: &str = "Delete. Undo brings them back";
/// Chooses no rows.
pub const NONE: &str = "Choose none";
/// Its hint.
pub const NONE_HINT: &str = "Esc";
/// No row goes with the filter.
pub const NOTHING_LISTED: &str = "No row goes with this filter";
/// Before the first rows are there.
pub const LISTING: &str = "One moment…";
/// Puts a file's card away.
pub const PUT_AWAY: &str = "Done";
/// Chooses other columns of a file.
pub const CHANGE: &str = "Change";
/// Its hint.
pub const CHANGE_HINT: &str = "Take questions and answers from other columns";
/// Its hint.
pub const PUT_AWAY_HINT: &str = "Put this card away. Its rows stay";
/// Mends a row that was left out.
pub const FIX: &str = "Fix here";
/// Leaves it out for good.
pub const LEAVE_OUT: &str = "Leave out";
/// A remark was read.
pub const SEEN: &str = "Seen";
/// Every problem was dealt with.
pub const ALL_MENDED: &str = "All problems are dealt with";
/// Takes the draft in.
pub const KEEP: &str = "Keep";
/// Its hint.
pub const KEEP_HINT: &str = "Ctrl+Enter";
/// What a draft still needs.
pub const DRAFT_LACKS: &str = "It needs a question and an answer";
/// Above the questions of a draft.
pub const DRAFT_QUESTIONS: &str = "Ways to ask";
/// Hint in a question's box.
pub const QUESTION_HINT: &str = "How people ask";
/// One more way to ask.
pub const ADD_WORDING: &str = "+ Another way to ask";
/// Removes one.
pub const REMOVE: &str = "Remove";
/// Name of the answer's box.
pub const ANSWER: &str = "Answer";
/// Hint in it.
pub const ANSWER_HINT: &str = "What you answer";
/// Name of the topic's box.
pub const SOURCE: &str = "Topic (may be empty)";
/// Hint in it.
pub const SOURCE_HINT: &str = "For example: Opening hours";
/// An entry was written.
pub const ADDED: &str = "Added";
/// An entry was changed.
pub const CHANGED: &str = "Changed";
/// A row was mended.
pub const MENDED: &str = "Mended and added";
/// Rows were merged.
pub const MERGED: &str = "Merged: one answer, several ways to ask";
/// For undo.
pub const DID_EDIT: &str = "edit a row";
/// For undo.
pub const DID_ADD: &str = "add a row";
/// For undo.
pub const DID_MEND: &str = "mend a row";
/// For undo.
pub const DID_LEAVE_OUT: &str = "leave a row out";
/// For undo.
pub const DID_PUT_AWAY: &str = "put a card away";
/// For undo.
pub const DID_MERGE: &str = "merge rows";
/// Nothing looks wrong.
pub const NOTHING_TO_MEND: &str = "Nothing to mend";
/// Below it.
pub const NOTHING_TO_MEND_MORE: &str =
    "No question has two answers, and no two questions are nearly the same";
/// Title of the sheet that asks for columns.
pub const COLUMNS_TITLE: &str = "Which column is which?";
/// In it.
pub const QUESTIONS_FROM: &str = "Questions from";
/// In it.
pub const ANSWERS_FROM: &str = "Answers from";
/// Reads the file with these columns.
pub const TAKE_COLUMNS: &str = "Read the file";

/// Ways a file may look: name and content.
pub const EXAMPLES: [(&str, &str); 3] = [
    (
        "A table, saved as CSV by any spreadsheet (.csv)",
        "question,answer,topic\nWhen are you open?,Daily from 9 to 18,Hours\nDo you deliver?,\"Yes, in the whole city\",Delivery",
    ),
    (
        "Plain text (.txt)",
        "Q: When are you open?\nA: Daily from 9 to 18\n\nQ: Do you deliver?\nA: Yes, in the whole city",
    ),
    (
        "One row a line, for programs (.jsonl)",
        "{\"question\": \"When are you open?\", \"answer\": \"Daily from 9 to 18\"}\n{\"question\": \"Do you deliver?\", \"answer\": \"Yes, in the whole city\"}",
    ),
];

/// Title of a dialog.
pub fn dialog_title(what: Picked) -> &'static str {
    match what {
        Picked::Faqs => "Choose FAQ files",
        Picked::Questions => "Choose a file of questions",
        Picked::Folder => "Choose where to export to",
        Picked::Project => "Choose the folder of a project, or an exported folder",
    }
}

/// Which files can be read.
pub fn readable() -> String {
    let endings: Vec<String> = FAQ_EXTENSIONS
        .iter()
        .map(|ending| format!(".{ending}"))
        .collect();
    format!("I can read {}. Save spreadsheets as CSV", endings.join(" "))
}

/// The step's state in the rail.
pub fn rail(document: &Document, reading: bool) -> String {
    match document.entries.len() {
        _ if reading => "reading…".to_owned(),
        0 => "no data yet".to_owned(),
        entries => answers(entries),
    }
}

/// Under the headline.
pub fn summary(counts: &Counts) -> String {
    let all = format!(
        "{}, {}",
        answers(counts.answers),
        count(counts.questions, "way to ask", "ways to ask"),
    );
    match counts.held_out {
        0 => all,
        aside => format!("{all}, {} kept aside for checking", number(aside)),
    }
}

/// While files are read.
pub fn reading(name: &str) -> String {
    format!("Reading {name}…")
}

/// Names of files, for the status line.
pub fn names(paths: &[PathBuf]) -> String {
    match paths {
        [only] => file_name(only),
        many => count(many.len(), "file", "files"),
    }
}

/// For undo.
pub fn did_import(files: &[Incoming]) -> String {
    match files {
        [only] => format!("add {}", only.import.name),
        many => format!("add {}", count(many.len(), "file", "files")),
    }
}

/// In the status line after reading.
pub fn read_done(added: usize) -> String {
    match added {
        0 => "Nothing new: all of it was here already".to_owned(),
        added => format!("Added {}", questions(added)),
    }
}

/// How many rows were read.
pub fn pill_read(n: usize) -> String {
    format!("{} read", number(n))
}

/// How many rows were changed.
pub fn pill_changed(n: usize) -> String {
    format!("{} changed", number(n))
}

/// How many were here already.
pub fn pill_known(n: usize) -> String {
    format!("{} known", number(n))
}

/// How many rows were left out.
pub fn pill_left_out(n: usize) -> String {
    format!("{} left out", number(n))
}

/// What kind of file it is, and which columns were taken.
pub fn described(faq: &Faq) -> String {
    let format = match faq.format {
        FileFormat::JsonLines => "one row a line".to_owned(),
        FileFormat::JsonList => "a list of rows".to_owned(),
        FileFormat::JsonObjects => "rows over several lines each".to_owned(),
        FileFormat::Table { delimiter } => match delimiter {
            ',' => "a table with commas".to_owned(),
            ';' => "a table with semicolons".to_owned(),
            '\t' => "a table with tabs".to_owned(),
            other => format!("a table with {other}"),
        },
        FileFormat::LabelledText => "questions and answers as text".to_owned(),
        FileFormat::Markdown => "a text whose headings are questions".to_owned(),
    };
    let mut parts = vec![format];
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
pub fn line(line: u32) -> String {
    format!("line {}", number(line))
}

/// What is wrong with a row, and what to do about it.
pub fn reason(problem: &Problem) -> String {
    match problem.fix.as_str() {
        "" => problem.reason.clone(),
        fix => format!("{}. {fix}", problem.reason),
    }
}

/// Shows all problems.
pub fn show_all(n: usize) -> String {
    format!("Show all {}", number(n))
}

/// Shows the first few problems.
pub const SHOW_FEWER: &str = "Show fewer";

/// Why these data are too few to train on; `None` when they are enough.
pub fn too_few(counts: &Counts) -> Option<String> {
    if counts.is_enough() {
        return None;
    }
    let all = counts.questions;
    Some(if all < Counts::MIN_QUESTIONS {
        let be = if all == 1 { "is" } else { "are" };
        format!(
            "{} {be} too few to learn from. Bring at least {}",
            questions(all),
            Counts::MIN_QUESTIONS
        )
    } else if counts.answers < Counts::MIN_ANSWERS {
        format!(
            "{} is too little to learn from: with only one, every question has the same. Bring at least {}",
            answers(counts.answers),
            Counts::MIN_ANSWERS
        )
    } else {
        "Nearly all questions are kept aside for checking. Let the model learn from some".to_owned()
    })
}

/// Hint in the filter box.
pub fn filter_hint(rows: usize) -> String {
    format!("Filter {}", count(rows, "row", "rows"))
}

/// The chip of the suggestions.
pub fn to_mend(n: usize) -> String {
    format!("{} to mend", number(n))
}

/// The chip of answers with one wording.
pub fn one_wording(n: usize) -> String {
    format!("{} with one wording only", number(n))
}

/// The chip of questions kept aside.
pub fn kept_aside(n: usize) -> String {
    format!("{} for checking", number(n))
}

/// How many rows are chosen.
pub fn chosen(n: usize) -> String {
    format!("{} chosen", count(n, "row", "rows"))
}

/// A topic's bar, in words.
pub fn topic(name: &str, n: usize) -> String {
    format!("{name}: {}", questions(n))
}

/// Head of a column.
pub fn column(column: Column) -> &'static str {
    match column {
        Column::Number => "#",
        Column::Question => "Question",
        Column::Answer => "Answer",
        Column::Source => "Topic",
        Column::Role => "Used for",
    }
}

/// Name of a column's head.
pub fn sort_name(of: Column, is_by: bool, down: bool) -> String {
    let name = match of {
        Column::Number => "number",
        other => column(other),
    };
    match (is_by, down) {
        (true, true) => format!("Sort by {name}, now descending"),
        (true, false) => format!("Sort by {name}, now ascending"),
        (false, _) => format!("Sort by {name}"),
    }
}

/// What a row is used for.
pub fn role(check: bool) -> &'static str {
    if check { "checking" } else { "training" }
}

/// What a press on it does.
pub fn role_hint(check: bool) -> &'static str {
    if check {
        "Kept aside for checking. Press to learn from it"
    } else {
        "The model learns from it. Press to keep it aside for checking"
    }
}

/// A row for those who cannot see it.
pub fn row_name(entry: &Entry, wording: &Paraphrase) -> String {
    let answer: String = entry.answer.chars().take(80).collect();
    format!("{} {answer}", wording.text)
}

/// Title of the sheet for an entry.
pub fn draft_title(of: DraftOf) -> &'static str {
    match of {
        DraftOf::New => "New question and answer",
        DraftOf::Entry(_) => "Edit",
        DraftOf::Problem(..) => "Fix this row",
    }
}

/// Name of a question's box.
pub fn wording_name(number: usize) -> String {
    format!("Question {}", number + 1)
}

/// Name of the button that removes a question.
pub fn remove_name(number: usize) -> String {
    format!("Remove question {}", number + 1)
}

/// What was wrong with a row that is being mended.
pub fn wrong_with(problem: &Problem) -> String {
    match problem.line {
        Some(number) => format!("{}: {}", line(number), problem.reason),
        None => problem.reason.clone(),
    }
}

/// For undo.
pub fn did_delete(n: usize) -> String {
    format!("delete {}", count(n, "row", "rows"))
}

/// In the status line.
pub fn deleted(n: usize) -> String {
    format!("Deleted {}. Undo brings them back", count(n, "row", "rows"))
}

/// For undo.
pub fn did_keep_aside(aside: bool) -> &'static str {
    if aside {
        "keep rows for checking"
    } else {
        "use rows for training"
    }
}

/// What is the matter with two rows.
pub fn suggestion(kind: SuggestionKind) -> &'static str {
    match kind {
        SuggestionKind::Contradiction => "same question, two answers",
        SuggestionKind::NearDuplicate => "nearly the same question",
        SuggestionKind::SameAnswer => "same answer twice",
    }
}

/// A way to deal with it.
pub fn mend(how: Mend, kind: SuggestionKind) -> &'static str {
    match (how, kind) {
        (Mend::First, SuggestionKind::SameAnswer) => "Make them one",
        (Mend::First, _) => "Left answer for both",
        (Mend::Second, _) => "Right answer for both",
        (Mend::Apart, _) => "Keep both",
    }
}

/// What it does.
pub fn mend_hint(how: Mend) -> &'static str {
    match how {
        Mend::First | Mend::Second => {
            "All these questions become ways to ask for that answer. Undo takes it back"
        }
        Mend::Apart => "They are two things; this is not shown again",
    }
}

/// For undo.
pub fn did_mend(how: Mend) -> &'static str {
    match how {
        Mend::First | Mend::Second => "merge two rows",
        Mend::Apart => "keep two rows apart",
    }
}

/// In the status line.
pub fn mended(how: Mend) -> &'static str {
    match how {
        Mend::First | Mend::Second => "Merged. Undo takes it back",
        Mend::Apart => "Kept apart",
    }
}

/// In the sheet that asks for columns.
pub fn columns_more(name: &str, is_known: bool) -> String {
    match is_known {
        true => format!("Choose where {name} has its questions and its answers"),
        false => {
            format!(
                "I cannot tell which column of {name} holds the questions and which the answers"
            )
        }
    }
}

/// Name of the button that copies an example.
pub fn copy_example(name: &str) -> String {
    format!("{COPY_EXAMPLE} {name}")
}
