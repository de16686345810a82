//! Everything around the pages: messages, overlays, preferences.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::UserError;
use nearsay_project::{Adopted, Preferences};

/// Severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    Info,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub level: Level,
    pub text: String,
}

/// A sheet over the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Overlay {
    #[default]
    None,
    /// The command palette: the text typed, and the selected match.
    Commands(String, usize),
    Projects,
    /// The project's new name.
    Rename(String),
    Messages,
    Settings,
    Help,
}

/// Number of messages kept.
const KEPT: usize = 100;

#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// Messages, newest first.
    pub messages: VecDeque<Message>,
    /// Messages that arrived since the list was last opened.
    pub unread: usize,
    pub overlay: Overlay,
    /// The overlay has just opened, so its text box requests the focus.
    pub overlay_is_new: bool,
    pub preferences: Preferences,
    /// The user hid the banner about the sample.
    pub banner_hidden: bool,
    /// Why the project could not be opened or saved.
    pub error: Option<UserError>,
    /// Files to import once the project that is being opened is ready.
    pub open_next: Option<Vec<std::path::PathBuf>>,
    /// An exported folder that is being copied into a project: its name and the fraction done.
    pub adopting: Option<(String, f32)>,
    /// A project created from an exported folder, to be announced once it is open.
    pub adopted: Option<Adopted>,
    /// A file dialog is open.
    pub dialog_open: bool,
    /// A dialog ended without a selection, so path boxes are shown.
    pub no_dialog: bool,
    /// The window system doesn't deliver dropped files.
    pub no_drops: bool,
    /// The window closes as soon as the training process has saved its best model.
    pub closing: bool,
}

impl Shell {
    /// Adds a message, unless it repeats the last one.
    pub fn say(&mut self, level: Level, text: String) {
        if self.messages.front().is_some_and(|last| last.text == text) {
            return;
        }
        self.messages.push_front(Message { level, text });
        self.messages.truncate(KEPT);
        self.unread = (self.unread + 1).min(KEPT);
    }
}
