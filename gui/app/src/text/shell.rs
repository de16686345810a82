//! Rail, status line, drops, overlays and the window itself.

use std::path::Path;

use super::count;
use crate::state::{Appearance, Project, Saved, State, Step};
use nearsay_project::files::{OpenKind, file_name};

/// The program's name.
pub const APP: &str = "Nearsay";
/// Name of the sample project.
pub const SAMPLE: &str = "Library (sample)";
/// Where its rows come from.
pub const SAMPLE_FILE: &str = "the sample";
/// Name of a new project.
pub const NEW_PROJECT: &str = "My FAQ";
/// Nothing runs.
pub const READY: &str = "Ready";
/// A project is being opened.
pub const OPENING: &str = "Opening the project…";
/// Ends the training that runs.
pub const STOP: &str = "Stop";
/// Something cannot be done while a training runs.
pub const BUSY: &str = "Training is running. Stop it first, or wait until it is done";
/// The window closes as soon as the training has kept its best.
pub const CLOSING: &str = "Closing. The training keeps its best first";
/// Another window has the project.
pub const LOOK_ONLY: &str =
    "This project is open in another window. You can look and ask here, or work on a copy";
/// Works on a copy of it.
pub const TAKE_COPY: &str = "Work on a copy";
/// The newest state was damaged.
pub const OLDER: &str =
    "The newest saved state of this project was damaged. This is the last one that was whole";
/// Hides the banner about the sample.
pub const HIDE_BANNER: &str = "Hide";
/// Tries to save again.
pub const TRY_AGAIN: &str = "Try again";
/// Leaves a sheet without doing anything.
pub const CANCEL: &str = "Cancel";
/// Closes a sheet.
pub const CLOSE: &str = "Close";
/// Takes the last edit back.
pub const UNDO: &str = "Undo";
/// Does it again.
pub const REDO: &str = "Redo";
/// Opens the list of commands.
pub const COMMANDS: &str = "Commands  Ctrl+K";
/// The same where there is little room.
pub const MENU: &str = "Menu";
/// What it does.
pub const COMMANDS_HINT: &str = "All commands, to type for (Ctrl+K)";
/// Opens the settings.
pub const SETTINGS: &str = "Settings";
/// What they are.
pub const SETTINGS_HINT: &str = "Light and dark, size of text";
/// Opens the help.
pub const HELP: &str = "Help";
/// What it is.
pub const HELP_HINT: &str = "First steps and all keys (F1)";
/// Nothing was done yet.
pub const NOTHING_TO_UNDO: &str = "Nothing to undo";
/// Nothing was undone.
pub const NOTHING_TO_REDO: &str = "Nothing to redo";
/// Hint of the project's name.
pub const PROJECTS_HINT: &str = "Other projects, a new one, another name";
/// Title of the list of projects.
pub const PROJECTS: &str = "Projects";
/// Above the recent ones.
pub const RECENT: &str = "Opened last";
/// Beside the open one.
pub const OPEN_NOW: &str = "open now";
/// Changes the project's name.
pub const RENAME: &str = "Rename…";
/// Name of its box.
pub const RENAME_BOX: &str = "Name of the project";
/// Does it.
pub const RENAME_DO: &str = "Rename";
/// For undo.
pub const DID_RENAME: &str = "rename the project";
/// Shows a folder in the system's own window.
pub const SHOW_FOLDER: &str = "Show folder";
/// Title of the messages.
pub const MESSAGES: &str = "Messages";
/// Hint of their button.
pub const MESSAGES_HINT: &str = "All messages since the start";
/// There are none.
pub const NO_MESSAGES: &str = "No messages yet";
/// The choice of light and dark.
pub const APPEARANCE: &str = "Appearance";
/// The choice of the size of text.
pub const TEXT_SIZE: &str = "Size of text";
/// Where the project is.
pub const PLACE: &str = "This project is kept in";
/// What computes.
pub const PROCESSOR: &str = "Runs on the processor. Nothing leaves this computer";
/// The box of the list of commands.
pub const COMMANDS_BOX: &str = "Type what you want to do";
/// No command has these letters.
pub const NO_COMMAND: &str = "There is no command with these words";
/// Command.
pub const GO_DATA: &str = "Go to Data";
/// Command.
pub const GO_TRAIN: &str = "Go to Train";
/// Command.
pub const GO_ASK: &str = "Go to Ask";
/// Command.
pub const GO_EXPORT: &str = "Go to Export";
/// Command.
pub const DO_OPEN: &str = "Open FAQ files…";
/// Command.
pub const DO_PASTE: &str = "Paste questions and answers…";
/// Command.
pub const DO_NEW_ENTRY: &str = "Write a new question and answer";
/// Command.
pub const DO_FILTER: &str = "Filter the rows";
/// Command.
pub const DO_MEND: &str = "Look at what could be mended";
/// Command.
pub const DO_TOPICS: &str = "Look at the topics";
/// Command.
pub const DO_TRAIN: &str = "Train the model";
/// Command.
pub const DO_STOP: &str = "Stop the training and keep the best";
/// Command.
pub const DO_MISTAKES: &str = "Look at what it still gets wrong";
/// Command.
pub const DO_GO_BACK: &str = "Go back to the model before";
/// Command.
pub const DO_BATCH: &str = "Answer a file of questions…";
/// Command.
pub const DO_NEW: &str = "New project";
/// Command.
pub const DO_OPEN_PROJECT: &str = "Open a project or exported folder…";
/// Command.
pub const DO_PROJECTS: &str = "Show projects";
/// Command.
pub const DO_COPY: &str = "Work on a copy of this project";
/// Command.
pub const DO_SAMPLE: &str = "Start with a fresh sample";
/// Command.
pub const DO_LIGHT: &str = "Light appearance";
/// Command.
pub const DO_DARK: &str = "Dark appearance";
/// Command.
pub const DO_SYSTEM: &str = "Appearance as the system says";
/// Command.
pub const DO_LARGER: &str = "Larger text";
/// Command.
pub const DO_SMALLER: &str = "Smaller text";
/// Command.
pub const DO_MESSAGES: &str = "Show messages";

/// What to do first, one sentence each.
pub const FIRST_STEPS: [&str; 4] = [
    "1. Data: drop a file with questions and answers anywhere on the window",
    "2. Train: one button. The model learns which answer belongs to which question",
    "3. Ask: type in your own words. Say “Right” or “Wrong?” and it learns from you",
    "4. Export: a folder that other programs can answer with",
];
/// Above the keys.
pub const KEYS_TITLE: &str = "Keys";
/// Keys and what they do.
pub const KEYS: [(&str, &str); 12] = [
    ("Ctrl+1 … 4", "Data, Train, Ask, Export"),
    ("Ctrl+K", "All commands"),
    ("Ctrl+O", "Open files"),
    ("Ctrl+F", "Filter the rows"),
    ("Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"),
    ("F5", "Train"),
    ("Enter", "Copy the chosen answer (Ask)"),
    ("↑ ↓", "Next answer, next row"),
    ("Shift+↑ ↓, Ctrl+A", "Choose several rows, all rows"),
    ("F2, Delete", "Edit, delete the chosen rows"),
    ("Ctrl++, Ctrl+-, Ctrl+0", "Larger, smaller, usual text"),
    ("Esc", "Close, clear, cancel"),
];

/// The window's title.
pub fn title(project: &str) -> String {
    match project {
        "" => APP.to_owned(),
        project => format!("{project} — {APP}"),
    }
}

/// The name of a step.
pub fn step(step: Step) -> &'static str {
    match step {
        Step::Data => "Data",
        Step::Train => "Train",
        Step::Ask => "Ask",
        Step::Export => "Export",
    }
}

/// The key that shows a step.
pub fn step_key(step: Step) -> &'static str {
    match step {
        Step::Data => "Ctrl+1",
        Step::Train => "Ctrl+2",
        Step::Ask => "Ctrl+3",
        Step::Export => "Ctrl+4",
    }
}

/// The name of an appearance.
pub fn appearance(appearance: Appearance) -> &'static str {
    match appearance {
        Appearance::System => "System",
        Appearance::Light => "Light",
        Appearance::Dark => "Dark",
    }
}

/// `125 %`.
pub fn per_cent(size: u16) -> String {
    format!("{size}\u{202f}%")
}

/// Under the project's name.
pub fn saved(project: &Project) -> String {
    match &project.saved {
        _ if project.opening => "opening…",
        _ if project.look_only => "look only",
        _ if project.dir.is_none() => "answers from your FAQ",
        Saved::Yes => "saved",
        Saved::Soon => "saving…",
        Saved::No(_) => "not saved",
    }
    .to_owned()
}

/// Name of the button with the project's name.
pub fn project_button(name: &str, below: &str) -> String {
    format!("Project {name}, {below}")
}

/// Hint of the undo button.
pub fn undo_hint(what: &str) -> String {
    format!("Undo {what} (Ctrl+Z)")
}

/// Hint of the redo button.
pub fn redo_hint(what: &str) -> String {
    format!("Redo {what} (Ctrl+Shift+Z)")
}

/// In the status line.
pub fn undone(what: &str) -> String {
    format!("Undone: {what}")
}

/// In the status line.
pub fn redone(what: &str) -> String {
    format!("Done again: {what}")
}

/// A project that is not there any more.
pub fn gone(name: &str) -> String {
    format!("{name} (not there any more)")
}

/// Name of a copy.
pub fn copy_of(name: &str) -> String {
    format!("Copy of {name}")
}

/// The last window died.
pub fn restored(seconds: u64) -> String {
    let ago = match seconds {
        0..=89 => "a moment ago".to_owned(),
        90..=5399 => format!("{} minutes ago", (seconds + 30) / 60),
        5400..=129_599 => format!("{} hours ago", (seconds + 1800) / 3600),
        _ => format!("{} days ago", (seconds + 43_200) / 86_400),
    };
    format!("Nearsay was closed without warning. Your work is restored, as of {ago}")
}

/// Beside the bell.
pub fn messages(all: usize, unread: usize) -> String {
    match (unread, all) {
        (0, 0) => "No messages".to_owned(),
        (0, all) => count(all, "message", "messages"),
        (unread, _) => count(unread, "new message", "new messages"),
    }
}

/// Above the sample's data.
pub fn sample_banner(no_drops: bool) -> &'static str {
    if no_drops {
        "This is sample data. Bring your own FAQ file"
    } else {
        "This is sample data. Drop your own FAQ file anywhere, or choose it"
    }
}

/// What dropping these files will do: a headline and a line below it.
pub fn drop_promise(paths: &[&Path], kind: OpenKind, state: &State) -> (String, String) {
    let Some(first) = paths.first() else {
        return ("Add these files".to_owned(), String::new());
    };
    let name = file_name(first);
    match kind {
        OpenKind::Project => return (format!("Open the project {name}"), String::new()),
        OpenKind::Model => return super::folder::promise(first),
        OpenKind::Unreadable => {
            return (format!("I cannot read {name}"), super::data::readable());
        }
        OpenKind::Faqs => {}
    }
    let what = match paths.len() {
        1 => name,
        many => count(many, "file", "files"),
    };
    if state.step == Step::Ask && paths.len() == 1 {
        return (
            format!("Open {what}"),
            "As questions to answer, or as data".to_owned(),
        );
    }
    if state.project.document.options.sample {
        return (
            format!("Begin a project with {what}"),
            "The sample stays as it is".to_owned(),
        );
    }
    let more = "Its questions and answers are shown at once; your file is not changed";
    (
        format!("Add {what} to {}", state.project.name()),
        more.to_owned(),
    )
}
