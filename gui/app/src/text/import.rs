//! Getting files into a project: drop zone, dialogs, import cards, columns and pasted rows.

use std::path::PathBuf;

use nearsay_faq::{Encoding, Faq};

use super::{count, number, questions};
use crate::state::Picked;
use nearsay_project::{Problem, files::file_name, merge::Incoming};

/// Headline of the drop zone.
pub const DROP: &str = "Drop your FAQ files here";
/// Headline of the drop zone where the system doesn't deliver drops.
pub const NO_DROP: &str = "Open your FAQ files";
pub const DROP_MORE: &str =
    "One question and one answer in each row. Your data never leaves this computer.";
pub const CHOOSE: &str = "Choose files…";
/// While the dialog is open.
pub const CHOOSING: &str = "Choosing…";
/// Name of the path box.
pub const PATH_LABEL: &str = "Path of the file";
pub const PATH_HINT: &str = "or enter the path of a file";
/// Opens the path in the box.
pub const OPEN_PATH: &str = "Open";
/// The dialog closed without a selection.
pub const NOT_PICKED: &str =
    "No file chosen. If no file dialog appeared, enter the path of the file.";
/// Filter of the file dialog.
pub const DIALOG_FILTER: &str = "FAQ files";
/// Filter of the file dialog.
pub const DIALOG_ALL: &str = "All files";
pub const FORMATS: &str = "What should my file look like?";
/// Closes an error card.
pub const HIDE: &str = "Dismiss";
/// Place of an issue that concerns the whole file.
pub const WHOLE_FILE: &str = "whole file";
pub const USE_SAMPLE: &str = "Use sample data";
pub const COPY_EXAMPLE: &str = "Copy";
pub const EXAMPLE_COPIED: &str = "Example copied. Paste it into a new file and edit it.";
pub const PASTE: &str = "Paste rows";
pub const PASTE_MORE: &str =
    "Copy two columns from a spreadsheet, or lines of questions and answers, and paste them here.";
pub const PASTE_HINT: &str = "When are you open?\tDaily from 9 to 18";
/// Name of the text box.
pub const PASTE_BOX: &str = "Rows to paste";
pub const TAKE_PASTED: &str = "Add rows";
/// File name of pasted rows.
pub const PASTED: &str = "Pasted rows";
pub const PASTE_INTO_OWN: &str =
    "Rows can’t be added to the sample. Start a new project first (Ctrl+K, New project).";
/// Closes an import card.
pub const PUT_AWAY: &str = "Dismiss";
pub const PUT_AWAY_HINT: &str = "Close this card. Its rows stay in the project";
pub const CHANGE: &str = "Change columns";
pub const CHANGE_HINT: &str = "Take questions and answers from other columns";
/// Edits a row that was left out.
pub const FIX: &str = "Fix";
/// Leaves a row out for good.
pub const LEAVE_OUT: &str = "Leave out";
/// Marks a note as read.
pub const SEEN: &str = "Dismiss";
pub const ALL_FIXED: &str = "All issues are resolved";
/// What undo takes back.
pub const DID_LEAVE_OUT: &str = "leave a row out";
/// What undo takes back.
pub const DID_PUT_AWAY: &str = "dismiss a card";
pub const COLUMNS_TITLE: &str = "Choose columns";
pub const QUESTIONS_FROM: &str = "Questions from";
pub const ANSWERS_FROM: &str = "Answers from";
/// Reads the file with the chosen columns.
pub const TAKE_COLUMNS: &str = "Read file";
pub const ALL_GOOD: &str = "All rows were read";
/// Shows only the first few issues.
pub const SHOW_FEWER: &str = "Show fewer";

/// Example files: name and content.
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
        "One JSON object per line, for programs (.jsonl)",
        "{\"question\": \"When are you open?\", \"answer\": \"Daily from 9 to 18\"}\n{\"question\": \"Do you deliver?\", \"answer\": \"Yes, in the whole city\"}",
    ),
];

/// Title of a file dialog.
pub fn dialog_title(what: Picked) -> &'static str {
    match what {
        Picked::Faqs => "Choose FAQ files",
        Picked::Questions => "Choose a file of questions",
        Picked::Folder => "Choose a folder to export to",
        Picked::Project => "Choose a project or an exported folder",
    }
}

/// File types that can be read.
pub fn readable() -> String {
    "Nearsay reads spreadsheets (.xlsx .ods .csv), documents (.docx .odt .rtf .pdf), web pages (.html), text, \
     Markdown, JSON, YAML, XML, and zip archives of these"
        .to_owned()
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

/// What undo takes back.
pub fn did_import(files: &[Incoming]) -> String {
    match files {
        [only] => format!("add {}", only.import.name),
        many => format!("add {}", count(many.len(), "file", "files")),
    }
}

/// In the status line.
pub fn read_done(added: usize) -> String {
    match added {
        0 => "Nothing new. All rows were already in the project.".to_owned(),
        added => format!("Added {}", questions(added)),
    }
}

pub fn pill_read(n: usize) -> String {
    format!("{} read", number(n))
}

pub fn pill_changed(n: usize) -> String {
    format!("{} changed", number(n))
}

/// Rows that were in the project before.
pub fn pill_known(n: usize) -> String {
    format!("{} known", number(n))
}

pub fn pill_left_out(n: usize) -> String {
    format!("{} left out", number(n))
}

/// Format, encoding and columns of a file.
pub fn described(faq: &Faq) -> String {
    let mut parts = vec![faq.format.name().to_owned()];
    if faq.encoding != Encoding::Utf8 {
        parts.push(faq.encoding.to_string());
    }
    if let (Some(question), Some(answer)) = (&faq.columns.question, &faq.columns.answer) {
        parts.push(format!("questions from {question}, answers from {answer}"));
    }
    parts.join(" · ")
}

/// Place of an issue.
pub fn line(line: u32) -> String {
    format!("line {}", number(line))
}

/// An issue and its remedy.
pub fn reason(problem: &Problem) -> String {
    match problem.fix.as_str() {
        "" => problem.reason.clone(),
        fix => format!("{}. {fix}", problem.reason),
    }
}

/// In the editor of a row that was left out.
pub fn wrong_with(problem: &Problem) -> String {
    match problem.line {
        Some(number) => format!("{}: {}", line(number), problem.reason),
        None => problem.reason.clone(),
    }
}

/// Shows all issues.
pub fn show_all(n: usize) -> String {
    format!("Show all {}", number(n))
}

/// In the sheet for choosing columns. `is_chosen` if the file was read with other columns before.
pub fn columns_more(name: &str, is_chosen: bool) -> String {
    if is_chosen {
        format!("Choose the columns of {name} that hold the questions and the answers.")
    } else {
        format!(
            "Nearsay can’t tell which columns of {name} hold the questions and the answers. Choose them here."
        )
    }
}

/// Name of the button that copies an example.
pub fn copy_example(name: &str) -> String {
    format!("{COPY_EXAMPLE} {name}")
}
