//! The state of the window: plain data without egui types.
//!
//! Views draw it. [`command`](crate::command) changes it, for commands of the user and for events of
//! workers.

mod ask;
pub mod confidence;
mod data;
mod evaluation;
mod export;
mod findings;
mod intent;
mod project;
mod shell;
mod training;

pub use ask::{Answer, Ask, Batch, Correcting, Feedback, Reply, Side};
pub use confidence::ConfidenceLevel;
pub use data::{
    Column, ColumnsWanted, Data, DataView, Draft, DraftOf, Listing, Only, Review, Sort, Suggestion,
    SuggestionKind,
};
pub use evaluation::{Check, Checking, List, Verdict};
pub use export::{Export, Exported, ExportedFile};
pub use findings::{ConfusedPair, Findings, OverRetrieved, TopicChange};
pub use intent::{DropPlan, Fix, Picked};
pub use nearsay_message::UserError;
pub use nearsay_project::Appearance;
pub use project::{Project, Saved, Shortage};
pub use shell::{Level, Message, Overlay, Shell};
pub use training::{Change, Epoch, Fetch, Outcome, Progress, Stage, Training};

use serde::{Deserialize, Serialize};

/// A page of the window, in the left rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Page {
    Data,
    Train,
    #[default]
    Ask,
    Export,
}

impl Page {
    /// All pages, in the order of work.
    pub const ALL: [Self; 4] = [Self::Data, Self::Train, Self::Ask, Self::Export];
}

/// Everything that views draw.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The current page.
    pub page: Page,
    pub project: Project,
    pub data: Data,
    pub training: Training,
    pub ask: Ask,
    pub export: Export,
    pub shell: Shell,
}

impl State {
    /// Shows a message in the status line and adds it to the list of messages.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.shell.say(level, text.into());
    }
}
