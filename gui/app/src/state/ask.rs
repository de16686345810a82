//! The Ask page: the question in the box and its answers.

use super::UserError;
use nearsay_project::{EntryId, RowId};

/// Which model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Side {
    /// The base encoder.
    Before,
    /// The trained model.
    #[default]
    After,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    pub entry: EntryId,
    pub answer: String,
    /// The paraphrase that matched; `None` when the answer itself matched.
    pub question: Option<String>,
    /// Hybrid score: `dense_score + keyword_score`.
    pub score: f32,
    /// Cosine similarity of the embeddings.
    pub dense_score: f32,
    /// Keyword score; 0 where keyword search is off.
    pub keyword_score: f32,
    /// The rarest words that question and match share.
    pub shared_words: Vec<String>,
    /// Probability between 0 and 1 that the answer is right, calibrated on the test questions; `None`
    /// when there are too few of them.
    pub confidence: Option<f32>,
    /// Topic or source.
    pub source: Option<String>,
    /// The row that matched.
    pub row: RowId,
}

/// Answers to one question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    pub question: String,
    /// The model that answered.
    pub side: Side,
    /// Answers, best first.
    pub answers: Vec<Answer>,
    /// Search time in microseconds.
    pub took_us: u64,
}

impl Reply {
    /// Whether the best answer is good enough to show. `abstain_threshold` is the lowest accepted
    /// confidence in per cent.
    pub fn is_good(&self, abstain_threshold: u8) -> bool {
        self.answers.first().is_some_and(|first| {
            super::confidence::is_good(first.confidence, first.score, abstain_threshold)
        })
    }
}

/// The picker for the right answer, after a press on "Wrong?".
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Correcting {
    /// The question that was answered wrongly.
    pub question: String,
    /// Search text of the picker.
    pub query: String,
    /// Matches: entry, question, answer.
    pub found: Vec<(EntryId, String, String)>,
    /// The search box requests the focus.
    pub wants_focus: bool,
}

/// Feedback of the user on the answers to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Feedback {
    /// The first answer is right; the question was added to its entry.
    Right(String),
    /// Another answer is right; the question was added to that entry.
    Corrected(String),
}

/// Answering a file of questions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// Name of the file that is being answered.
    pub running: Option<String>,
    /// Questions answered so far, and their total.
    pub done: (usize, usize),
    /// The last file of answers.
    pub result: Option<std::path::PathBuf>,
    /// Why the last run failed.
    pub error: Option<UserError>,
    /// Text in the path box.
    pub typed_path: String,
    /// A file dropped on the Ask page, until the user says whether to answer or to import it.
    pub dropped: Option<std::path::PathBuf>,
}

#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Revision of the project that can be searched.
    pub ready: Option<u64>,
    /// Texts embedded so far, and their total, while the index is being built.
    pub preparing: Option<(usize, usize)>,
    /// Text in the search box.
    pub query: String,
    /// The model that answers.
    pub side: Side,
    /// The last answers.
    pub reply: Option<Reply>,
    /// A question has been sent to the worker.
    pub waiting: bool,
    /// Copy the best answer as soon as it arrives.
    pub copies_next: bool,
    /// Index of the answer selected with the keyboard.
    pub at: usize,
    /// Why there is no answer.
    pub error: Option<UserError>,
    /// The search box requests the focus.
    pub wants_focus: bool,
    /// Show answers below the abstain threshold.
    pub show_nearest: bool,
    pub correcting: Option<Correcting>,
    /// Feedback given on the answers shown.
    pub feedback: Option<Feedback>,
    pub batch: Batch,
}
