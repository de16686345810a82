//! Rail, status line, dropped files, overlays and the window itself.

use std::path::Path;

use super::count;
use crate::state::{Appearance, DropPlan, Page, Project, Saved};
use nearsay_project::files::file_name;

pub const APP: &str = "Nearsay";
/// Name of the sample project.
pub const SAMPLE: &str = "Library (sample)";
/// File name of the sample's rows.
pub const SAMPLE_FILE: &str = "the sample";
/// Default name of a project.
pub const NEW_PROJECT: &str = "My FAQ";
/// In the status line, while nothing runs.
pub const READY: &str = "Ready";
pub const OPENING: &str = "Opening the project…";
/// Stops the training that runs.
pub const STOP: &str = "Stop";
pub const BUSY: &str = "Training is running. Stop it first, or wait until it has finished.";
pub const CLOSING: &str = "Saving the best model before closing…";
pub const LOOK_ONLY: &str = "This project is open in another window. You can view it and ask questions here, or work on a copy.";
pub const TAKE_COPY: &str = "Work on a copy";
pub const OLDER: &str =
    "The latest version of this project was damaged. This is the last intact one.";
/// Hides the banner about the sample.
pub const HIDE_BANNER: &str = "Hide";
/// Tries to save again.
pub const TRY_AGAIN: &str = "Try again";
pub const CANCEL: &str = "Cancel";
pub const CLOSE: &str = "Close";
pub const UNDO: &str = "Undo";
pub const REDO: &str = "Redo";
/// Opens the command palette.
pub const COMMANDS: &str = "Commands  Ctrl+K";
/// Opens the command palette, in a narrow rail.
pub const MENU: &str = "Menu";
pub const COMMANDS_HINT: &str = "Search all commands (Ctrl+K)";
pub const SETTINGS: &str = "Settings";
pub const SETTINGS_HINT: &str = "Appearance and text size";
pub const HELP: &str = "Help";
pub const HELP_HINT: &str = "First steps and keyboard shortcuts (F1)";
pub const NOTHING_TO_UNDO: &str = "Nothing to undo";
pub const NOTHING_TO_REDO: &str = "Nothing to redo";
/// Tooltip of the project's name.
pub const PROJECTS_HINT: &str = "Switch, create or rename projects";
pub const PROJECTS: &str = "Projects";
pub const RECENT: &str = "Recent";
/// Next to the current project.
pub const OPEN_NOW: &str = "open";
pub const RENAME: &str = "Rename…";
/// Name of the text box.
pub const RENAME_BOX: &str = "Name of the project";
pub const RENAME_DO: &str = "Rename";
/// What undo takes back.
pub const DID_RENAME: &str = "rename the project";
pub const SHOW_FOLDER: &str = "Show folder";
pub const MESSAGES: &str = "Messages";
pub const MESSAGES_HINT: &str = "All messages since Nearsay was started";
pub const NO_MESSAGES: &str = "No messages";
pub const APPEARANCE: &str = "Appearance";
pub const TEXT_SIZE: &str = "Text size";
/// Above the project's path.
pub const PLACE: &str = "This project is stored in";
pub const PROCESSOR: &str = "Runs on the processor. Your data never leaves this computer.";
/// Name of the search box of the command palette.
pub const COMMANDS_BOX: &str = "Search for a command";
pub const NO_COMMAND: &str = "No matching commands";
pub const GO_DATA: &str = "Go to Data";
pub const GO_TRAIN: &str = "Go to Train";
pub const GO_ASK: &str = "Go to Ask";
pub const GO_EXPORT: &str = "Go to Export";
pub const DO_OPEN: &str = "Open FAQ files…";
pub const DO_PASTE: &str = "Paste questions and answers…";
pub const DO_NEW_ENTRY: &str = "Write a new question and answer…";
pub const DO_FILTER: &str = "Filter the rows";
pub const DO_FIX: &str = "Show suggested fixes";
pub const DO_TOPICS: &str = "Show topics";
pub const DO_TRAIN: &str = "Train the model";
pub const DO_STOP: &str = "Stop training and keep the best model";
pub const DO_MISTAKES: &str = "Show questions it still gets wrong";
pub const DO_GO_BACK: &str = "Go back to the previous model";
pub const DO_BATCH: &str = "Answer a file of questions…";
pub const DO_NEW: &str = "New project";
pub const DO_OPEN_PROJECT: &str = "Open a project or exported folder…";
pub const DO_PROJECTS: &str = "Show projects";
pub const DO_COPY: &str = "Work on a copy of this project";
pub const DO_SAMPLE: &str = "Open a new sample";
pub const DO_LIGHT: &str = "Light appearance";
pub const DO_DARK: &str = "Dark appearance";
pub const DO_SYSTEM: &str = "System appearance";
pub const DO_LARGER: &str = "Larger text";
pub const DO_SMALLER: &str = "Smaller text";
pub const DO_MESSAGES: &str = "Show messages";

pub const FIRST_STEPS: [&str; 4] = [
    "1. Data: drop a file with questions and answers on the window.",
    "2. Train: click Train. The model learns which answer belongs to which question.",
    "3. Ask: type a question in your own words. Click Right or Wrong? to improve the answers.",
    "4. Export: save the model in a folder that other programs can use.",
];
pub const KEYS_TITLE: &str = "Keyboard shortcuts";
/// Shortcuts and their effects.
pub const KEYS: [(&str, &str); 12] = [
    ("Ctrl+1 … 4", "Data, Train, Ask, Export"),
    ("Ctrl+K", "All commands"),
    ("Ctrl+O", "Open files"),
    ("Ctrl+F", "Filter the rows"),
    ("Ctrl+Z, Ctrl+Shift+Z", "Undo, redo"),
    ("F5", "Train"),
    ("Enter", "Copy the selected answer (Ask)"),
    ("↑ ↓", "Next answer, next row"),
    ("Shift+↑ ↓, Ctrl+A", "Select several rows, all rows"),
    ("F2, Delete", "Edit, delete the selected rows"),
    ("Ctrl++, Ctrl+-, Ctrl+0", "Larger, smaller, normal text"),
    ("Esc", "Close, clear, cancel"),
];

/// Title of the window.
pub fn title(project: &str) -> String {
    match project {
        "" => APP.to_owned(),
        project => format!("{project} — {APP}"),
    }
}

/// Name of a page.
pub fn page(page: Page) -> &'static str {
    match page {
        Page::Data => "Data",
        Page::Train => "Train",
        Page::Ask => "Ask",
        Page::Export => "Export",
    }
}

/// Shortcut of a page.
pub fn page_key(page: Page) -> &'static str {
    match page {
        Page::Data => "Ctrl+1",
        Page::Train => "Ctrl+2",
        Page::Ask => "Ctrl+3",
        Page::Export => "Ctrl+4",
    }
}

pub fn appearance(appearance: Appearance) -> &'static str {
    match appearance {
        Appearance::System => "System",
        Appearance::Light => "Light",
        Appearance::Dark => "Dark",
    }
}

/// `125 %`
pub fn per_cent(size: u16) -> String {
    format!("{size}\u{202f}%")
}

/// Below the project's name.
pub fn saved(project: &Project) -> String {
    match &project.saved {
        _ if project.opening => "opening…",
        _ if project.look_only => "view only",
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

pub fn undo_hint(what: &str) -> String {
    format!("Undo {what} (Ctrl+Z)")
}

pub fn redo_hint(what: &str) -> String {
    format!("Redo {what} (Ctrl+Shift+Z)")
}

/// In the status line.
pub fn undone(what: &str) -> String {
    format!("Undone: {what}")
}

/// In the status line.
pub fn redone(what: &str) -> String {
    format!("Redone: {what}")
}

/// A recent project whose folder is missing.
pub fn gone(name: &str) -> String {
    format!("{name} (missing)")
}

/// Name of a copied project.
pub fn copy_of(name: &str) -> String {
    format!("Copy of {name}")
}

/// The project was not closed properly.
pub fn restored(seconds: u64) -> String {
    let ago = match seconds {
        0..=89 => "a moment ago".to_owned(),
        90..=5399 => format!("{} minutes ago", (seconds + 30) / 60),
        5400..=129_599 => format!("{} hours ago", (seconds + 1800) / 3600),
        _ => format!("{} days ago", (seconds + 43_200) / 86_400),
    };
    format!("Nearsay closed unexpectedly. Your work from {ago} is restored.")
}

/// Opens the list of messages.
pub fn messages(all: usize, unread: usize) -> String {
    match (unread, all) {
        (0, 0) => NO_MESSAGES.to_owned(),
        (0, all) => count(all, "message", "messages"),
        (unread, _) => count(unread, "new message", "new messages"),
    }
}

/// Above the sample's data.
pub fn sample_banner(no_drops: bool) -> &'static str {
    if no_drops {
        "You are looking at a sample. Open your own FAQ to start."
    } else {
        "You are looking at a sample. Drop your own FAQ here to start."
    }
}

/// Effect of dropping these files: headline and details.
pub fn drop_promise(paths: &[&Path], plan: DropPlan, project: &Project) -> (String, String) {
    let Some(first) = paths.first() else {
        return ("Add these files".to_owned(), String::new());
    };
    let what = match paths.len() {
        1 => file_name(first),
        many => count(many, "file", "files"),
    };
    match plan {
        DropPlan::OpenProject => (
            format!("Open the project {}", file_name(first)),
            String::new(),
        ),
        DropPlan::OpenModel => super::folder::promise(first),
        DropPlan::Reject => (
            format!("{} can’t be read", file_name(first)),
            super::end_sentence(&super::import::readable()),
        ),
        DropPlan::AskPurpose => (
            format!("Open {what}"),
            "Choose whether to answer its questions or to add it to the data.".to_owned(),
        ),
        DropPlan::NewProject => (
            format!("Start a project with {what}"),
            "The sample is not changed.".to_owned(),
        ),
        DropPlan::Import => (
            format!("Add {what} to {}", project.name()),
            "Your file is only read, never changed.".to_owned(),
        ),
    }
}
