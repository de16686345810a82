//! UserErrors: what happened, and what to do.

use std::path::Path;

use crate::state::UserError;
use nearsay_project::ProjectError;

/// The system gives no more threads.
pub fn no_thread() -> UserError {
    UserError::new(
        "This computer is too busy to start another task",
        "Close other programs, then try again",
    )
}

/// The engine cannot be started.
pub fn no_engine() -> UserError {
    UserError::new(
        "I could not start the part of Nearsay that does the work",
        "Start Nearsay again. If that does not help, install it again",
    )
}

/// A job broke inside.
pub fn broken() -> UserError {
    UserError::new(
        "Something broke inside while reading the file",
        "Your file is untouched. Try again, or try another file",
    )
}

/// The file is not there, or may not be read.
pub fn unreadable(name: &str) -> UserError {
    UserError::new(
        format!("I cannot open {name}"),
        "Look whether it is still there and whether you may read it",
    )
}

/// A folder, device or the like.
pub fn not_a_file(name: &str) -> UserError {
    UserError::new(
        format!("{name} is not a file"),
        "Choose a file with questions and answers",
    )
}

/// Nothing useful in it.
pub fn no_rows(name: &str) -> UserError {
    UserError::new(
        format!("I found no questions with answers in {name}"),
        super::data::readable(),
    )
}

/// The training was ended from outside.
pub fn killed(can_go_on: bool) -> UserError {
    UserError::new(
        "The training was ended from outside. Perhaps memory ran out, or somebody ended it",
        if can_go_on {
            "Nothing is lost up to the last saved point. Press Go on"
        } else {
            "Press Train to start again"
        },
    )
}

/// The training ended without saying why.
pub fn ended() -> UserError {
    UserError::new(
        "The training ended without a result",
        "Press Go on to continue from the last saved point, or copy the report and ask for help",
    )
}

/// It was stopped before there was anything to keep.
pub fn stopped_early() -> UserError {
    UserError::new(
        "Stopped before there was anything to keep",
        "Press Train to start again",
    )
}

/// The answering child ended.
pub fn asking_ended() -> UserError {
    UserError::new(
        "The model stopped answering",
        "Try again. If that does not help, train again",
    )
}

/// The window cannot be opened.
pub fn no_window() -> UserError {
    UserError::new(
        "No window can be opened here: there is no screen, or its driver cannot draw",
        "Without a window, use the sub-commands: train, eval, ask, encode, check and model. \
         `nearsay --help` says what each does",
    )
}

/// A report is on the clipboard.
pub const REPORT_COPIED: &str = "Report copied";

/// A model we trained is damaged or gone.
pub fn own_model() -> UserError {
    UserError::new(
        "The trained model cannot be opened",
        "Train again. Your questions and answers are all there",
    )
}

/// Why a project could not be opened, made or written.
pub fn project(error: ProjectError) -> UserError {
    match error {
        ProjectError::NotFound { dir } => UserError::new(
            format!("There is no project in {}", dir.display()),
            "Choose a folder with a file project.json, or start a new project",
        ),
        ProjectError::Damaged { dir } => UserError::new(
            format!(
                "The project in {} is damaged and cannot be read",
                dir.display()
            ),
            "Restore project.json from a backup, or start a new project with your FAQ file",
        ),
        ProjectError::Newer { dir } => UserError::new(
            format!("The project in {} is from a newer Nearsay", dir.display()),
            "Install the newest Nearsay to open it",
        ),
        ProjectError::Read { path, source } => UserError::new(
            format!("{} cannot be read", path.display()),
            "Check that the disk it is on is still connected",
        )
        .with_detail(source.to_string()),
        ProjectError::Model { dir, source } => super::folder::open_error(&dir, source),
        ProjectError::Store(error) => error.into(),
        error => broken().with_detail(error_chain(&error)),
    }
}

/// An error with its causes, for the details of a trouble.
fn error_chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |chain, cause| {
        format!("{chain}: {cause}")
    })
}

/// The project is not on disk.
pub fn no_place() -> UserError {
    UserError::new(
        "The project could not be saved, so there is no place for a model",
        "Make room on the disk, or start Nearsay with --data DIR for another place",
    )
}

/// The texts are not ready yet.
pub fn not_ready() -> UserError {
    UserError::new(
        "The texts are still being read",
        "Wait until the bar at the bottom is full, then try again",
    )
}

/// No questions in a file of questions.
pub fn no_questions(name: &str) -> UserError {
    UserError::new(
        format!("I found no questions in {name}"),
        "Write one question a line, or a table with a column “question”",
    )
}

/// Not a kind of file that is read.
pub fn not_a_faq(name: &str) -> UserError {
    UserError::new(format!("I cannot read {name}"), super::data::readable())
}

/// Several files could not be read.
pub fn several(errors: &[UserError]) -> UserError {
    let told: Vec<String> = errors
        .iter()
        .map(|error| format!("{}. {}", error.message, error.remedy))
        .collect();
    UserError::new(
        format!("{} files could not be read", errors.len()),
        told.join("\n"),
    )
}

/// A typed path that cannot be one.
pub fn no_such_place(path: &Path) -> UserError {
    UserError::new(
        format!("{} is no place for a folder", path.display()),
        "Choose another folder",
    )
}

/// Something else is where the export should go.
pub fn not_ours(path: &Path) -> UserError {
    UserError::new(
        format!(
            "{} is there already, and is no model of ours",
            path.display()
        ),
        "Choose a new folder, so that nothing of yours is replaced",
    )
}
