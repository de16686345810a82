//! Exported folders that are opened again.

use std::path::Path;

use nearsay::servable::ServableError;

use super::{answers, count, of_hundred, percent, questions};
use crate::state::UserError;
use nearsay_project::{Adopted, ImportedModel, Tally, files::file_name};

/// What an import from a folder is.
pub const IMPORT_WHAT: &str = "an exported folder";
/// An answer without a question.
pub const NO_QUESTION: &str =
    "nobody has asked for this answer yet, so it stands as its own question";
/// What to do about it.
pub const NO_QUESTION_FIX: &str = "Write how somebody would ask";
/// Above the data of a project that has a model and nothing else.
pub const MODEL_ONLY: &str = "This folder holds a model without answers. Bring a file of questions and \
    answers, and it answers from that at once";
/// Headline of its empty Data step.
pub const GIVE_ANSWERS: &str = "Drop the file this model is to answer from";
/// The same where nothing can be dropped.
pub const CHOOSE_ANSWERS: &str = "Choose the file this model is to answer from";
/// Headline of the Train step's card.
pub const ELSEWHERE: &str = "This model came in a folder";
/// Why there are no figures.
pub const ELSEWHERE_WHY: &str = "It may have learned the questions here, so none tells how good it is. \
    After a training here, those kept aside do";
/// What the first training here was compared with.
pub const COMPARED: &str = "“Before” is the language model before any training: the model from the \
    folder may have learned these questions";

/// Another folder is being copied.
pub const ONE_AT_A_TIME: &str = "Another folder is being copied. Open this one when that is done";

/// Name of an import.
pub fn import(folder: &str) -> String {
    format!("answers.jsonl of {folder}")
}

/// In the status line while a folder is copied.
pub fn copying(folder: &str, share: f32) -> String {
    format!("Copying {folder}, {}", percent(share))
}

/// It is open.
pub fn opened(adopted: &Adopted) -> String {
    let folder = &adopted.folder;
    match (adopted.known, adopted.answers) {
        (true, _) => format!("{folder} was opened before. This is its project, as you left it"),
        (false, 0) => format!("Opened the model in {folder}. It has no answers yet"),
        (false, n) => format!(
            "Opened {folder}: {}. You work on a copy; the folder stays as it is",
            answers(n)
        ),
    }
}

/// It is ready, but a training runs in the open project.
pub fn later(adopted: &Adopted) -> String {
    format!(
        "{} is ready. Open it from the list of projects when the training is done",
        adopted.folder
    )
}

/// How it was measured where it was made.
pub fn measured(there: &Tally) -> String {
    match there.accuracy() {
        Some(share) => format!(
            "Where it was made, {} of 100 found their answer first: {} kept aside, asked of the answers \
             alone{}",
            of_hundred(share),
            questions(there.asked as usize),
            match there.asked < Tally::ENOUGH {
                true => "; too few to be sure",
                false => "",
            }
        ),
        None => "The folder does not say how good it was where it was made".to_owned(),
    }
}

/// Instead of the slider for silence.
pub fn sureness(there: Option<&ImportedModel>) -> &'static str {
    match there {
        Some(there) if there.calibrated => {
            "How sure an answer is was measured where the model was made. After a training here, a slider \
             tells what silence costs"
        }
        _ => {
            "How sure an answer is was not measured, so it goes by how near it is. After a training here, a \
             slider tells what silence costs"
        }
    }
}

/// What changed since it was opened.
pub fn changes(edits: u32) -> String {
    let edits = count(edits as usize, "change", "changes");
    format!("{edits} since the folder was opened, found already but not learned")
}

/// What a drop of a folder does.
pub fn promise(folder: &Path) -> (String, String) {
    (
        format!("Open {}", file_name(folder)),
        "As a project of its own; the folder stays as it is".to_owned(),
    )
}

/// Why a folder cannot be opened.
pub fn open_error(dir: &Path, error: ServableError) -> UserError {
    let folder = file_name(dir);
    let detail = dir.display().to_string();
    let error = match error {
        ServableError::NotAModel { .. } => UserError::new(
            format!("There is neither a project nor a model in {folder}"),
            "Choose the folder that Nearsay exported: it has a file nearsay.json in it. If that is \
             missing, have the folder copied again",
        ),
        ServableError::Newer { .. } => UserError::new(
            format!("{folder} was made by a newer Nearsay"),
            "Install the newest Nearsay to open it",
        ),
        ServableError::Changed { file, why } => UserError::new(
            format!("{folder} is damaged: {file} {why}"),
            "Copy the folder again from where it came from, or have it exported again",
        ),
        error => UserError::new(
            format!("{folder} cannot be opened: {error}"),
            "Look whether the disk or stick it is on is still there, and whether there is room on \
             this computer's disk",
        ),
    };
    error.with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_folders_are_named_with_a_remedy() {
        let not_a_model = ServableError::NotAModel {
            dir: "/data/desk".into(),
        };
        let newer = ServableError::Newer { format: 9 };
        for (error, words) in [
            (not_a_model, "neither a project nor a model in desk"),
            (newer, "desk was made by a newer Nearsay"),
        ] {
            let error = open_error(Path::new("/data/desk"), error);
            assert!(error.what.contains(words), "{error}");
            assert!(!error.fix.is_empty(), "{error}");
            assert_eq!(error.detail, "/data/desk");
        }
    }
}
