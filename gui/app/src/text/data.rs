//! The Data page: the table, the editor and suggested fixes. For files, see [`import`](super::import).

use super::{answers, count, number, questions};
use crate::state::{Column, DraftOf, Fix, Shortage, SuggestionKind};
use nearsay_project::{Counts, Document, Entry, Paraphrase};

pub const TITLE: &str = "Data";
/// Subtitle of the empty page.
pub const INTRO: &str = "Add the questions people ask and the answers you give.";
pub const NEW: &str = "New row";
/// Name of the filter box.
pub const FILTER: &str = "Filter the rows";
/// Lists all rows.
pub const ALL: &str = "All";
pub const TOPICS: &str = "By topic";
pub const TOPICS_TITLE: &str = "Questions by topic or source";
/// Rows without a topic.
pub const NO_TOPIC: &str = "without a topic";
pub const TOPIC_HINT: &str = "Show these rows";
pub const EDIT: &str = "Edit";
pub const EDIT_HINT: &str = "F2, or double-click the row";
pub const MERGE: &str = "Merge";
pub const MERGE_HINT: &str = "Give all selected questions the first one’s answer";
pub const LEARN: &str = "Use for training";
pub const LEARN_HINT: &str = "The model learns from these questions";
pub const HOLD_OUT: &str = "Use for testing";
pub const HOLD_OUT_HINT: &str =
    "The model never learns from test questions; they show how good it is";
pub const DELETE: &str = "Delete";
pub const DELETE_HINT: &str = "Delete. You can undo this";
pub const NONE: &str = "Deselect";
pub const NONE_HINT: &str = "Esc";
pub const NOTHING_LISTED: &str = "No matching rows";
/// Before the table is listed.
pub const LISTING: &str = "Loading…";
/// Saves a draft.
pub const KEEP: &str = "Save";
pub const KEEP_HINT: &str = "Ctrl+Enter";
pub const DRAFT_LACKS: &str = "Enter a question and an answer";
/// Above the questions of a draft.
pub const DRAFT_QUESTIONS: &str = "Questions";
pub const QUESTION_HINT: &str = "How people ask";
pub const ADD_PARAPHRASE: &str = "+ Another way to ask";
pub const REMOVE: &str = "Remove";
pub const ANSWER: &str = "Answer";
pub const ANSWER_HINT: &str = "Your answer";
pub const SOURCE: &str = "Topic (optional)";
pub const SOURCE_HINT: &str = "For example: Opening hours";
pub const ADDED: &str = "Row added";
pub const CHANGED: &str = "Row changed";
pub const FIXED: &str = "Row fixed and added";
pub const MERGED: &str = "Rows merged";
/// What undo takes back.
pub const DID_EDIT: &str = "edit a row";
/// What undo takes back.
pub const DID_ADD: &str = "add a row";
/// What undo takes back.
pub const DID_FIX: &str = "fix a row";
/// What undo takes back.
pub const DID_MERGE: &str = "merge rows";
pub const NOTHING_TO_FIX: &str = "Nothing to fix";
pub const NOTHING_TO_FIX_MORE: &str =
    "No question has two answers, and no two questions are nearly the same.";

/// Second line of the page's name in the rail.
pub fn rail(document: &Document, reading: bool) -> String {
    match document.entries.len() {
        _ if reading => "reading…".to_owned(),
        0 => "no data yet".to_owned(),
        entries => answers(entries),
    }
}

/// Subtitle of the page.
pub fn summary(counts: &Counts) -> String {
    let all = format!(
        "{}, {}",
        answers(counts.answers),
        questions(counts.questions),
    );
    match counts.held_out {
        0 => all,
        held_out => format!("{all}, {} of them for testing", number(held_out)),
    }
}

/// Why there is too little data to train.
pub fn shortage(shortage: Shortage, counts: &Counts) -> String {
    match shortage {
        Shortage::Questions => {
            let be = if counts.questions == 1 { "is" } else { "are" };
            format!(
                "{} {be} not enough to train on. Add more, to have at least {}.",
                questions(counts.questions),
                Counts::MIN_QUESTIONS
            )
        }
        Shortage::Answers => format!(
            "{} isn’t enough to train on, since every question has the same answer. Add at least one more.",
            answers(counts.answers),
        ),
        Shortage::TrainingQuestions => {
            "Nearly all questions are test questions. Use some of them for training.".to_owned()
        }
    }
}

/// Placeholder of the filter box.
pub fn filter_hint(rows: usize) -> String {
    format!("Filter {}", count(rows, "row", "rows"))
}

/// Lists suggested fixes.
pub fn to_fix(n: usize) -> String {
    format!("{} to fix", number(n))
}

/// Lists answers with a single question.
pub fn single_paraphrase(n: usize) -> String {
    format!("{} with only one question", number(n))
}

/// Lists test questions.
pub fn held_out(n: usize) -> String {
    format!("{} for testing", number(n))
}

/// Number of selected rows.
pub fn chosen(n: usize) -> String {
    format!("{} selected", count(n, "row", "rows"))
}

/// Name of a topic's bar.
pub fn topic(name: &str, n: usize) -> String {
    format!("{name}: {}", questions(n))
}

/// Heading of a column.
pub fn column(column: Column) -> &'static str {
    match column {
        Column::Number => "#",
        Column::Question => "Question",
        Column::Answer => "Answer",
        Column::Source => "Topic",
        Column::Role => "Used for",
    }
}

/// Name of a column heading, which sorts the table.
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

pub fn role(held_out: bool) -> &'static str {
    if held_out { "testing" } else { "training" }
}

pub fn role_hint(held_out: bool) -> &'static str {
    if held_out {
        "Test question. Click to use it for training"
    } else {
        "The model learns from this question. Click to use it for testing"
    }
}

/// Name of a row for screen readers.
pub fn row_name(entry: &Entry, paraphrase: &Paraphrase) -> String {
    let answer: String = entry.answer.chars().take(80).collect();
    format!("{} {answer}", paraphrase.text)
}

/// Title of the editor.
pub fn draft_title(of: DraftOf) -> &'static str {
    match of {
        DraftOf::New => "New question and answer",
        DraftOf::Entry(_) => "Edit",
        DraftOf::Problem(..) => "Fix this row",
    }
}

/// Name of a question's text box.
pub fn paraphrase_name(number: usize) -> String {
    format!("Question {}", number + 1)
}

/// Name of the button that removes a question.
pub fn remove_name(number: usize) -> String {
    format!("Remove question {}", number + 1)
}

/// What undo takes back.
pub fn did_delete(n: usize) -> String {
    format!("delete {}", count(n, "row", "rows"))
}

/// In the status line.
pub fn deleted(n: usize) -> String {
    format!("Deleted {}. You can undo this.", count(n, "row", "rows"))
}

/// What undo takes back.
pub fn did_hold_out(held_out: bool) -> &'static str {
    if held_out {
        "use rows for testing"
    } else {
        "use rows for training"
    }
}

/// Why two rows are suggested.
pub fn suggestion(kind: SuggestionKind) -> &'static str {
    match kind {
        SuggestionKind::Contradiction => "same question, two answers",
        SuggestionKind::NearDuplicate => "nearly the same question",
        SuggestionKind::SameAnswer => "same answer twice",
    }
}

pub fn fix(how: Fix, kind: SuggestionKind) -> &'static str {
    match (how, kind) {
        (Fix::First, SuggestionKind::SameAnswer) => "Merge",
        (Fix::First, _) => "Use the answer on the left",
        (Fix::Second, _) => "Use the answer on the right",
        (Fix::Apart, _) => "Keep both",
    }
}

pub fn fix_hint(how: Fix) -> &'static str {
    match how {
        Fix::First | Fix::Second => "Give all these questions this answer. You can undo this",
        Fix::Apart => "These are different. Don’t suggest them again",
    }
}

/// What undo takes back.
pub fn did_fix(how: Fix) -> &'static str {
    match how {
        Fix::First | Fix::Second => "merge two rows",
        Fix::Apart => "keep both rows",
    }
}

/// In the status line.
pub fn fixed(how: Fix) -> &'static str {
    match how {
        Fix::First | Fix::Second => "Rows merged. You can undo this.",
        Fix::Apart => "Both rows kept",
    }
}
