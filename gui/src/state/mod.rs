//! What the window knows: plain data, without a single window type.
//!
//! Views read it, [`command`](crate::command) changes it, jobs fill it through commands.

mod ask;
mod data;
mod export;
mod findings;
mod project;
mod shell;
pub mod sureness;
mod training;

pub use crate::trouble::Trouble;
pub use ask::{Answer, Ask, Batch, Correcting, Reply, Said, Side};
pub use data::{
    Column, ColumnsWanted, Data, DataView, Draft, DraftOf, Listing, Only, Review, Sort, Suggestion,
    SuggestionKind,
};
pub use export::{Export, Exported, ExportedFile};
pub use findings::{ConfusedPair, Findings, OverRetrieved, TopicChange};
pub use project::{Project, Saved};
pub use shell::{Level, Message, Overlay, Shell};
pub use sureness::Sureness;
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

/// Light, dark, or whatever the system says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Appearance {
    /// Follow the system.
    #[default]
    System,
    /// Dark text on light ground.
    Light,
    /// Light text on dark ground.
    Dark,
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
