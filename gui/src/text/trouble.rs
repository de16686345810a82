//! Troubles: what happened, and what to do.

use crate::state::Trouble;

/// The system gives no more threads.
pub fn no_thread() -> Trouble {
    Trouble::new(
        "This computer is too busy to start another task",
        "Close other programs, then try again",
    )
}

/// The engine cannot be started.
pub fn no_engine() -> Trouble {
    Trouble::new(
        "I could not start the part of Nearsay that does the work",
        "Start Nearsay again. If that does not help, install it again",
    )
}

/// A job broke inside.
pub fn broken() -> Trouble {
    Trouble::new(
        "Something broke inside while reading the file",
        "Your file is untouched. Try again, or try another file",
    )
}

/// The file is not there, or may not be read.
pub fn unreadable(name: &str) -> Trouble {
    Trouble::new(
        format!("I cannot open {name}"),
        "Look whether it is still there and whether you may read it",
    )
}

/// A folder, device or the like.
pub fn not_a_file(name: &str) -> Trouble {
    Trouble::new(
        format!("{name} is not a file"),
        "Choose a file with questions and answers",
    )
}

/// Nothing useful in it.
pub fn no_rows(name: &str) -> Trouble {
    Trouble::new(
        format!("I found no questions with answers in {name}"),
        super::data::readable(),
    )
}

/// The training was ended from outside.
pub fn killed(can_go_on: bool) -> Trouble {
    Trouble::new(
        "The training was ended from outside. Perhaps memory ran out, or somebody ended it",
        if can_go_on {
            "Nothing is lost up to the last saved point. Press Go on"
        } else {
            "Press Train to start again"
        },
    )
}

/// The training ended without saying why.
pub fn ended() -> Trouble {
    Trouble::new(
        "The training ended without a result",
        "Press Go on to continue from the last saved point, or copy the report and ask for help",
    )
}

/// It was stopped before there was anything to keep.
pub fn stopped_early() -> Trouble {
    Trouble::new(
        "Stopped before there was anything to keep",
        "Press Train to start again",
    )
}

/// The answering child ended.
pub fn asking_ended() -> Trouble {
    Trouble::new(
        "The model stopped answering",
        "Try again. If that does not help, train again",
    )
}

/// The window cannot be opened.
pub fn no_window() -> Trouble {
    Trouble::new(
        "No window can be opened here: there is no screen, or its driver cannot draw",
        "Without a window, use the sub-commands: train, eval, ask, encode, check and model. \
         `nearsay --help` says what each does",
    )
}

/// A report is on the clipboard.
pub const REPORT_COPIED: &str = "Report copied";
