//! The question in the box and the answers to it.

use serde::{Deserialize, Serialize};

use super::Trouble;

/// One answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The answer itself.
    pub answer: String,
    /// The known wording that matched, if one did.
    pub question: Option<String>,
    /// How near it is: 1 is the same.
    pub score: f64,
    /// Its row in the file, when known.
    pub row: Option<u64>,
}

/// What the model said to one question.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reply {
    /// The question it was asked.
    pub question: String,
    /// The nearest answers, nearest first.
    pub answers: Vec<Answer>,
    /// The first of them is good enough.
    pub confident: bool,
    /// From sending the question to having the answers.
    pub took_ms: u64,
}

/// Whether somebody is there to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AskPhase {
    /// No model has been started.
    #[default]
    Off,
    /// Started; it answers as soon as it has loaded.
    On,
    /// It ended; see the trouble.
    Ended,
}

/// The Ask step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ask {
    /// Whether somebody is there to answer.
    pub phase: AskPhase,
    /// What stands in the box.
    pub query: String,
    /// The last answers.
    pub reply: Option<Reply>,
    /// A question is on its way.
    pub waiting: bool,
    /// Why there is no answer.
    pub trouble: Option<Trouble>,
    /// The box wants the keyboard.
    pub wants_focus: bool,
}
