//! Exported folders that are opened as projects.

use std::path::Path;

use nearsay::servable::ServableError;

use super::{answers, count, of_hundred_questions, percent};
use crate::state::UserError;
use nearsay_project::{Adopted, ImportedModel, Tally, files::file_name};

/// Description of an import from a folder.
pub const IMPORT_WHAT: &str = "an exported folder";
/// Note on an answer without a question.
pub const NO_QUESTION: &str =
    "this answer has no question, so its own text is used as the question";
/// Remedy for [`NO_QUESTION`].
pub const NO_QUESTION_FIX: &str = "Write a question for it";
pub const MODEL_ONLY: &str = "This folder contains a model without answers. Add a file of questions and \
    answers to start asking.";
/// Headline of the drop zone for a model without answers.
pub const GIVE_ANSWERS: &str = "Drop a file with answers for this model";
/// [`GIVE_ANSWERS`] where the system doesn't deliver drops.
pub const CHOOSE_ANSWERS: &str = "Choose a file with answers for this model";
/// Title of a card on the Train page.
pub const ELSEWHERE: &str = "Imported model";
/// Why there are no test results.
pub const ELSEWHERE_WHY: &str = "It may have been trained on these questions, so they can’t be used to test it. \
    Train it here to get test results.";
/// What the first training in this project was compared with.
pub const COMPARED: &str = "“Before” is the language model before any training, because the imported model \
    may have been trained on these questions.";

pub const ONE_AT_A_TIME: &str = "Another folder is being opened. Wait until that is done.";

/// File name of an import from a folder.
pub fn import(folder: &str) -> String {
    format!("answers.jsonl of {folder}")
}

/// In the status line while a folder is copied.
pub fn copying(folder: &str, share: f32) -> String {
    format!("Copying {folder}, {}", percent(share))
}

/// In the status line.
pub fn opened(adopted: &Adopted) -> String {
    let folder = &adopted.folder;
    match (adopted.known, adopted.answers) {
        (true, _) => format!("{folder} was opened before. Here is its project as you left it."),
        (false, 0) => format!("Opened the model in {folder}. It has no answers yet."),
        (false, n) => format!(
            "Opened {folder}: {}. The project is a copy; the folder itself is not changed.",
            answers(n)
        ),
    }
}

/// The project is ready, but training is running in the current one.
pub fn later(adopted: &Adopted) -> String {
    format!(
        "{} is ready. Open it from the list of projects after training has finished.",
        adopted.folder
    )
}

/// Test result from the folder.
pub fn measured(there: &Tally) -> String {
    match there.accuracy() {
        Some(share) => format!(
            "Where it was trained: right answer first for {} ({}, without other ways to ask{}).",
            of_hundred_questions(share),
            count(there.asked as usize, "test question", "test questions"),
            if there.asked < Tally::ENOUGH {
                "; only a rough guess"
            } else {
                ""
            }
        ),
        None => "The folder has no test results.".to_owned(),
    }
}

/// Instead of the slider for the abstain threshold.
pub fn confidence_source(there: Option<&ImportedModel>) -> &'static str {
    match there {
        Some(there) if there.calibrated => {
            "Sure, Likely and Unsure are based on test questions from where the model was trained. Train it \
             here to set how sure Nearsay has to be before it answers."
        }
        _ => {
            "Sure, Likely and Unsure are based on similarity only, because this model has no test results. \
             Train it here to set how sure Nearsay has to be before it answers."
        }
    }
}

/// Changes since the folder was opened.
pub fn changes(edits: u32) -> String {
    let edits = count(edits as usize, "change", "changes");
    format!(
        "{edits} since the folder was opened. Ask finds them already; training may improve the results."
    )
}

/// Effect of dropping a folder: headline and details.
pub fn promise(folder: &Path) -> (String, String) {
    (
        format!("Open {}", file_name(folder)),
        "As a new project. The folder itself is not changed.".to_owned(),
    )
}

/// A folder can't be opened.
pub fn open_error(dir: &Path, error: ServableError) -> UserError {
    let folder = file_name(dir);
    let detail = dir.display().to_string();
    let error = match error {
        ServableError::NotAModel { .. } => UserError::new(
            format!("{folder} contains neither a project nor a model"),
            "Choose a folder that was exported by Nearsay. It contains a file nearsay.json; if that is \
             missing, copy the folder again",
        ),
        ServableError::Newer { .. } => UserError::new(
            format!("{folder} was exported by a newer version of Nearsay"),
            "Update Nearsay to open it",
        ),
        ServableError::Changed { file, why } => UserError::new(
            format!("{folder} is damaged: {file} {why}"),
            "Copy the folder again from its source, or export it again",
        ),
        error => UserError::new(
            format!("{folder} can’t be opened: {error}"),
            "Check that its disk is still connected, and that this computer has enough free disk \
             space",
        ),
    };
    error.with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_error_names_folder_and_remedy() {
        let not_a_model = ServableError::NotAModel {
            dir: "/data/desk".into(),
        };
        let newer = ServableError::Newer { format: 9 };
        for (error, words) in [
            (not_a_model, "desk contains neither a project nor a model"),
            (newer, "desk was exported by a newer version of Nearsay"),
        ] {
            let error = open_error(Path::new("/data/desk"), error);
            assert!(error.message.contains(words), "{error}");
            assert!(!error.remedy.is_empty(), "{error}");
            assert_eq!(error.detail, "/data/desk");
        }
    }
}
