//! What surrounds the steps: messages, overlays, preferences.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::UserError;
use nearsay_project::{Adopted, Preferences};

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Something went as wished.
    Info,
    /// Something needs a look.
    Warning,
    /// Something failed.
    Error,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub text: String,
}

/// What lies over the steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Overlay {
    /// Nothing.
    #[default]
    None,
    /// All commands, to type for: what was typed, and which of the found is chosen.
    Commands(String, usize),
    /// The list of projects.
    Projects,
    /// The project's name, being changed.
    Rename(String),
    /// The messages.
    Messages,
    /// Theme and text size.
    Settings,
    /// Keys and first steps.
    Help,
}

/// So many messages are kept.
const KEPT: usize = 100;

/// What surrounds the steps.
#[derive(Debug, Clone, Default)]
pub struct Shell {
    /// Messages, the newest first.
    pub messages: VecDeque<Message>,
    /// How many of them nobody has looked at in the list.
    pub unread: usize,
    /// What lies over the steps.
    pub overlay: Overlay,
    /// The overlay was just opened: its box wants the keyboard.
    pub overlay_is_new: bool,
    /// What somebody prefers.
    pub preferences: Preferences,
    /// The banner about the sample was hidden.
    pub banner_hidden: bool,
    /// Why the project could not be opened or is not saved.
    pub error: Option<UserError>,
    /// Files to take in as soon as the project that is being opened is there.
    pub open_next: Option<Vec<std::path::PathBuf>>,
    /// An exported folder that is being made a project: its name, and how far that is, between 0 and 1.
    pub adopting: Option<(String, f32)>,
    /// A project made of such a folder, to be told of once it is open.
    pub adopted: Option<Adopted>,
    /// A file dialog is open.
    pub dialog_open: bool,
    /// A dialog ended without a file: path boxes are pointed out.
    pub no_dialog: bool,
    /// Files dropped on the window never arrive on this system.
    pub no_drops: bool,
    /// The window is closing and waits for the training to keep its best.
    pub closing: bool,
}

impl Shell {
    /// Keeps a message.
    pub fn say(&mut self, level: Level, text: String) {
        if self.messages.front().is_some_and(|last| last.text == text) {
            return;
        }
        self.messages.push_front(Message { level, text });
        self.messages.truncate(KEPT);
        self.unread = (self.unread + 1).min(KEPT);
    }
}
