//! What the window knows: plain data, serialisable, without a single window type.
//!
//! Views read it, [`command`](crate::command) changes it, jobs fill it through commands.

mod ask;
mod data;
mod status;
mod training;
mod trouble;

pub use ask::{Answer, Ask, AskPhase, Reply};
pub use data::{Data, Dataset, Problem, ProblemKind, Row};
pub use status::{Level, Message};
pub use training::{Fetch, Figures, Outcome, Progress, Round, Stage, Training};
pub use trouble::Trouble;

use serde::{Deserialize, Serialize};

/// The three steps of the left rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Step {
    /// Bring an FAQ file.
    #[default]
    Data,
    /// Let the model learn it.
    Train,
    /// Ask it questions.
    Ask,
}

impl Step {
    /// All steps, in the order of work.
    pub const ALL: [Self; 3] = [Self::Data, Self::Train, Self::Ask];
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
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The step that is shown.
    pub step: Step,
    /// The opened FAQ file.
    pub data: Data,
    /// The current or last training.
    pub training: Training,
    /// The question and its answers.
    pub ask: Ask,
    /// The last message of the status line.
    pub message: Option<Message>,
    /// Light or dark.
    pub appearance: Appearance,
    /// Files dropped on the window never arrive on this system.
    pub no_drops: bool,
    /// The window is closing and waits for the training to keep its best.
    pub closing: bool,
}

impl State {
    /// What the rail calls this work: the name of the opened file.
    pub fn project_name(&self) -> Option<&str> {
        self.data.set.as_ref().map(|set| set.name.as_str())
    }

    /// Shows a message in the status line.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.message = Some(Message {
            level,
            text: text.into(),
        });
    }
}
