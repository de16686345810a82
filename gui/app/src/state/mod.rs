//! The state of the window: plain data without egui types.
//!
//! Views draw it. [`command`](crate::command) changes it, for commands of the user and for events of
//! workers.

mod ask;
pub mod confidence;
mod data;
mod export;
mod findings;
mod intent;
mod project;
mod shell;
mod training;

pub use ask::{Answer, Ask, Batch, Correcting, Reply, Said, Side};
pub use confidence::ConfidenceLevel;
pub use data::{
    Column, ColumnsWanted, Data, DataView, Draft, DraftOf, Listing, Only, Review, Sort, Suggestion,
    SuggestionKind,
};
pub use export::{Export, Exported, ExportedFile};
pub use findings::{ConfusedPair, Findings, OverRetrieved, TopicChange};
pub use intent::{Mend, Picked};
pub use nearsay_message::UserError;
pub use nearsay_project::Appearance;
pub use project::{Project, Saved};
pub use shell::{Level, Message, Overlay, Shell};
pub use training::{
    Check, Checking, Fetch, List, Outcome, Progress, Round, Stage, Training, Verdict,
};

use serde::{Deserialize, Serialize};

/// The steps of the left rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Step {
    /// Questions and answers.
    Data,
    /// Let the model learn them.
    Train,
    /// Ask it.
    #[default]
    Ask,
    /// Take it elsewhere.
    Export,
}

impl Step {
    /// All steps, in the order of work.
    pub const ALL: [Self; 4] = [Self::Data, Self::Train, Self::Ask, Self::Export];
}

/// Everything a view may draw.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The step that is shown.
    pub step: Step,
    /// The open project.
    pub project: Project,
    /// The Data step.
    pub data: Data,
    /// The Train step.
    pub training: Training,
    /// The Ask step.
    pub ask: Ask,
    /// The Export step.
    pub export: Export,
    /// What surrounds the steps.
    pub shell: Shell,
}

impl State {
    /// Says something in the status line, and keeps it in the list of messages.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.shell.say(level, text.into());
    }
}
