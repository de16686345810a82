//! The Data step: what is listed, chosen and edited.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::UserError;
use nearsay_project::{EntryId, ImportId, RowId};

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Column {
    /// The order of the project.
    #[default]
    Number,
    /// The question.
    Question,
    /// The answer.
    Answer,
    /// The topic or source.
    Source,
    /// Training or checking.
    Role,
}

/// The order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By which column.
    pub by: Column,
    /// The greatest first.
    pub down: bool,
}

/// Which rows are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    /// All.
    #[default]
    All,
    /// Those kept aside for checking.
    Checking,
    /// Answers with one wording.
    OneWording,
    /// Rows with a suggestion.
    Suggested,
}

/// What is shown below the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataView {
    /// The table of all rows.
    #[default]
    Table,
    /// What could be mended.
    Mend,
    /// How many questions each topic has.
    Topics,
}

/// The rows of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// In the order shown.
    pub rows: Arc<Vec<RowId>>,
    /// The project's revision they are of.
    pub revision: u64,
}

/// What could be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuggestionKind {
    /// The same question has two answers.
    Contradiction,
    /// Questions that are nearly the same have two answers.
    NearDuplicate,
    /// Two entries have nearly the same answer.
    SameAnswer,
}

/// Two rows that may belong together, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion {
    /// What is the matter.
    pub kind: SuggestionKind,
    /// The first row.
    pub one: RowId,
    /// The other.
    pub other: RowId,
}

/// What was found out about the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    /// What could be mended.
    pub suggestions: Vec<Suggestion>,
    /// Answers with only one wording.
    pub one_wording: usize,
    /// How many questions each topic or source has, the largest first.
    pub sources: Vec<(String, usize)>,
    /// The project's revision it is of.
    pub revision: u64,
}

/// What is being edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftOf {
    /// A new entry.
    New,
    /// An entry.
    Entry(EntryId),
    /// A row of a file that was left out.
    Problem(ImportId, usize),
}

/// An entry while it is edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it will become.
    pub of: DraftOf,
    /// The ways to ask, with what is kept aside; empty ones are left out in the end.
    pub wordings: Vec<(String, bool)>,
    /// The answer.
    pub answer: String,
    /// The topic or source.
    pub source: String,
    /// What was wrong with the row it comes from.
    pub wrong: Option<String>,
    /// The box that wants the keyboard: a wording's number, or the answer after them.
    pub wants_focus: Option<usize>,
}

impl Draft {
    /// Both a question and an answer are there.
    pub fn is_whole(&self) -> bool {
        !self.answer.trim().is_empty()
            && self
                .wordings
                .iter()
                .any(|(text, _)| !text.trim().is_empty())
    }
}

/// A file whose columns must be chosen by hand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnsWanted {
    /// The file.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// The columns it has.
    pub columns: Vec<String>,
    /// Which holds the questions.
    pub question: usize,
    /// Which holds the answers.
    pub answer: usize,
    /// The import it was read as before.
    pub instead: Option<ImportId>,
}

/// The Data step.
#[derive(Debug, Clone, Default)]
pub struct Data {
    /// The rows of the table.
    pub listing: Listing,
    /// Only rows with these letters.
    pub filter: String,
    /// Only rows of this kind.
    pub only: Only,
    /// Their order.
    pub sort: Sort,
    /// What could be mended.
    pub review: Review,
    /// What is shown below the files.
    pub view: DataView,
    /// Chosen rows.
    pub chosen: BTreeSet<RowId>,
    /// Where a range of chosen rows begins.
    pub anchor: Option<RowId>,
    /// Where the keyboard is.
    pub at: Option<RowId>,
    /// The row the table should scroll to.
    pub scroll_to: Option<RowId>,
    /// What is being edited.
    pub draft: Option<Draft>,
    /// The text that is being pasted.
    pub paste: Option<String>,
    /// A file whose columns must be chosen.
    pub columns: Option<ColumnsWanted>,
    /// A file that is being read, by name.
    pub reading: Option<String>,
    /// How much of it is read, between 0 and 1.
    pub read_share: f32,
    /// Why the last file could not be opened.
    pub error: Option<UserError>,
    /// What stands in the path box.
    pub typed_path: String,
    /// The import whose problems are all listed, not the first few.
    pub all_problems: Option<ImportId>,
    /// The filter box wants the keyboard.
    pub wants_filter: bool,
}
