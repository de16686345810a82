//! Errors of the window: what happened, and what to do.

use std::path::Path;

use crate::state::UserError;
use nearsay_project::ProjectError;

pub fn no_thread() -> UserError {
    UserError::new(
        "This computer is too busy to start another task",
        "Close other programs, then try again",
    )
}

/// The training process can't be started.
pub fn no_engine() -> UserError {
    UserError::new(
        "The training process could not be started",
        "Restart Nearsay. If that doesn’t help, reinstall it",
    )
}

/// A worker thread panicked.
pub fn broken() -> UserError {
    UserError::new(
        "An internal error occurred while reading the file",
        "Your file was not changed. Try again, or try another file",
    )
}

/// The file is missing or not readable.
pub fn unreadable(name: &str) -> UserError {
    UserError::new(
        format!("{name} can’t be opened"),
        "Check that it still exists and that you have permission to read it",
    )
}

/// A folder or device.
pub fn not_a_file(name: &str) -> UserError {
    UserError::new(
        format!("{name} is not a file"),
        "Choose a file with questions and answers",
    )
}

pub fn no_rows(name: &str) -> UserError {
    UserError::new(
        format!("{name} contains no questions with answers"),
        super::import::readable(),
    )
}

/// The training process was killed.
pub fn killed(can_go_on: bool) -> UserError {
    UserError::new(
        "The training process was killed by the system or by another program. The computer may have run out of memory",
        if can_go_on {
            "Choose Continue to resume from the last checkpoint"
        } else {
            "Close other programs, then train again"
        },
    )
}

/// The training process exited without a result.
pub fn ended() -> UserError {
    UserError::new(
        "Training ended without a result",
        "Choose Continue to resume from the last checkpoint, or copy the report and ask for help",
    )
}

/// Training was stopped before the first checkpoint.
pub fn stopped_early() -> UserError {
    UserError::new(
        "Training was stopped before it had a result",
        "Train again, and wait for at least one epoch",
    )
}

/// The search worker ended.
pub fn asking_ended() -> UserError {
    UserError::new(
        "The model stopped answering",
        "Try again. If that doesn’t help, train again",
    )
}

pub fn no_window() -> UserError {
    UserError::new(
        "The window can’t be opened: there is no screen, or its graphics driver failed",
        "Use Nearsay’s commands in a terminal: train, eval, ask, encode, check and model. \
         `nearsay --help` describes them",
    )
}

pub const REPORT_COPIED: &str = "Report copied";

/// A model of the project is damaged or missing.
pub fn own_model() -> UserError {
    UserError::new(
        "The trained model can’t be opened",
        "Train again. Your questions and answers are not affected",
    )
}

/// A project could not be opened, created or saved.
pub fn project(error: ProjectError) -> UserError {
    match error {
        ProjectError::NotFound { dir } => UserError::new(
            format!("There is no project in {}", dir.display()),
            "Choose a folder that contains project.json, or start a new project",
        ),
        ProjectError::Damaged { dir } => UserError::new(
            format!(
                "The project in {} is damaged and can’t be opened",
                dir.display()
            ),
            "Restore project.json from a backup, or start a new project with your FAQ file",
        ),
        ProjectError::Newer { dir } => UserError::new(
            format!(
                "The project in {} was saved by a newer version of Nearsay",
                dir.display()
            ),
            "Update Nearsay to open it",
        ),
        ProjectError::Read { path, source } => UserError::new(
            format!("{} can’t be read", path.display()),
            "Check that its disk is still connected",
        )
        .with_detail(source.to_string()),
        ProjectError::Model { dir, source } => super::folder::open_error(&dir, source),
        ProjectError::Store(error) => error.into(),
        error => broken().with_detail(error_chain(&error)),
    }
}

/// Message of an error, followed by its causes.
fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |chain, cause| {
        format!("{chain}: {cause}")
    })
}

/// The project has no folder for a model.
pub fn no_place() -> UserError {
    UserError::new(
        "The model can’t be saved, because the project could not be saved",
        "Free some disk space, or start Nearsay with --data DIR to use another folder",
    )
}

/// The search index is still being built.
pub fn not_ready() -> UserError {
    UserError::new(
        "Your texts are still being prepared",
        "Wait for the progress bar at the bottom, then try again",
    )
}

pub fn no_questions(name: &str) -> UserError {
    UserError::new(
        format!("{name} contains no questions"),
        "Use one question per line, or a table with a column named “question”",
    )
}

/// The file type is not supported.
pub fn not_a_faq(name: &str) -> UserError {
    UserError::new(format!("{name} can’t be read"), super::import::readable())
}

/// Several files could not be read.
pub fn several(errors: &[UserError]) -> UserError {
    let messages: Vec<String> = errors
        .iter()
        .map(|error| format!("{}. {}", error.message, error.remedy))
        .collect();
    UserError::new(
        format!("{} files could not be read", errors.len()),
        messages.join("\n"),
    )
}

/// The path of an export is invalid.
pub fn no_such_place(path: &Path) -> UserError {
    UserError::new(
        format!("Can’t create a folder at {}", path.display()),
        "Choose another folder",
    )
}

/// The target of an export exists and isn't an exported model.
pub fn not_ours(path: &Path) -> UserError {
    UserError::new(
        format!(
            "{} already exists and isn’t a Nearsay model",
            path.display()
        ),
        "Choose a new folder, so that none of your files are replaced",
    )
}
