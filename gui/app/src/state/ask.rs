//! The question in the box and the answers to it.

use super::UserError;
use nearsay_project::{EntryId, RowId};

/// Which model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Side {
    /// The encoder as it came.
    Before,
    /// The trained model.
    #[default]
    After,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Its entry.
    pub entry: EntryId,
    /// The answer itself.
    pub answer: String,
    /// The known wording that matched; none when the answer itself did.
    pub question: Option<String>,
    /// How near it is, by meaning and words together: 1 is the same in meaning.
    pub score: f32,
    /// How near it is by meaning alone.
    pub meaning: f32,
    /// What the words add that the question shares with it; 0 where words do not count.
    pub words: f32,
    /// The rarest of these words.
    pub shared: Vec<String>,
    /// The chance that it is right, between 0 and 1, by the questions kept aside; none when there are
    /// too few of them.
    pub chance: Option<f32>,
    /// Its topic or source.
    pub source: Option<String>,
    /// Its row in the project, to be shown.
    pub row: RowId,
}

/// What the model said to one question.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The question it was asked.
    pub question: String,
    /// Who answered.
    pub side: Side,
    /// The nearest answers, nearest first.
    pub answers: Vec<Answer>,
    /// From having the question to having the answers, in microseconds.
    pub took_us: u64,
}

impl Reply {
    /// The first answer is good enough, with this least chance in hundredths.
    pub fn is_good(&self, silence: u8) -> bool {
        self.answers
            .first()
            .is_some_and(|first| super::confidence::is_good(first.chance, first.score, silence))
    }
}

/// "Wrong?": the right answer is being picked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Correcting {
    /// The question that was asked.
    pub question: String,
    /// What to look for among all answers.
    pub query: String,
    /// What was found.
    pub found: Vec<(EntryId, String, String)>,
    /// The box wants the keyboard.
    pub wants_focus: bool,
}

/// What somebody said about the answers to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The first answer was right; the question is a known wording of it now.
    Right(String),
    /// Another answer is right.
    Corrected(String),
}

/// A file of questions and its answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The file that is being answered.
    pub running: Option<String>,
    /// Questions answered so far, and all.
    pub done: (usize, usize),
    /// What came of the last one.
    pub result: Option<std::path::PathBuf>,
    /// Why nothing came of it.
    pub error: Option<UserError>,
    /// What stands in the path box.
    pub typed_path: String,
    /// A file that was dropped here: questions to answer, or more data?
    pub dropped: Option<std::path::PathBuf>,
}

/// The Ask step.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// The texts of this revision can be searched.
    pub ready: Option<u64>,
    /// Texts being made ready, and all.
    pub preparing: Option<(usize, usize)>,
    /// What stands in the box.
    pub query: String,
    /// Who is asked.
    pub side: Side,
    /// The last answers.
    pub reply: Option<Reply>,
    /// A question is on its way.
    pub waiting: bool,
    /// Its answer is to be copied as soon as it is there.
    pub copies_next: bool,
    /// Which answer the keyboard is on.
    pub at: usize,
    /// Why there is no answer.
    pub error: Option<UserError>,
    /// The box wants the keyboard.
    pub wants_focus: bool,
    /// The nearest answers are shown though none is good.
    pub show_nearest: bool,
    /// "Wrong?" was pressed.
    pub correcting: Option<Correcting>,
    /// What was said about the shown answers.
    pub said: Option<Said>,
    /// A file of questions.
    pub batch: Batch,
}
