//! The Data page: rows listed, selected and edited.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use super::UserError;
use nearsay_project::{EntryId, ImportId, RowId};

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Column {
    /// Position in the project.
    #[default]
    Number,
    Question,
    Answer,
    /// Topic or source.
    Source,
    /// Training or test question.
    Role,
}

/// Sort order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    pub by: Column,
    /// Descending.
    pub down: bool,
}

/// Which rows are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Only {
    #[default]
    All,
    /// Test questions.
    HeldOut,
    /// Answers with a single question.
    SingleParaphrase,
    /// Rows with a suggestion.
    Suggested,
}

/// Content below the import cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataView {
    #[default]
    Table,
    /// Suggested fixes.
    Fixes,
    /// Number of questions of each topic.
    Topics,
}

/// Rows of the table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Rows in display order.
    pub rows: Arc<Vec<RowId>>,
    /// Revision of the project that was listed.
    pub revision: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuggestionKind {
    /// The same question has two answers.
    Contradiction,
    /// Two nearly identical questions have different answers.
    NearDuplicate,
    /// Two entries have nearly the same answer.
    SameAnswer,
}

/// Two rows that may belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion {
    pub kind: SuggestionKind,
    pub one: RowId,
    pub other: RowId,
}

/// Result of reviewing the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    pub suggestions: Vec<Suggestion>,
    /// Number of answers with a single question.
    pub single_paraphrase: usize,
    /// Topics or sources with their number of questions, largest first.
    pub sources: Vec<(String, usize)>,
    /// Revision of the project that was reviewed.
    pub revision: u64,
}

/// Target of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftOf {
    /// A new entry.
    New,
    /// An existing entry.
    Entry(EntryId),
    /// A row of an imported file that was left out.
    Problem(ImportId, usize),
}

/// An entry being edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub of: DraftOf,
    /// Questions, and whether each is a test question. Empty ones are dropped when the draft is saved.
    pub paraphrases: Vec<(String, bool)>,
    pub answer: String,
    /// Topic or source.
    pub source: String,
    /// Why the row was left out of the import.
    pub wrong: Option<String>,
    /// Index of the text box that requests the focus; the answer's comes after the questions'.
    pub wants_focus: Option<usize>,
}

impl Draft {
    /// Whether the draft has a question and an answer.
    pub fn is_complete(&self) -> bool {
        !self.answer.trim().is_empty()
            && self
                .paraphrases
                .iter()
                .any(|(text, _)| !text.trim().is_empty())
    }
}

/// A file whose columns the user chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ColumnsWanted {
    pub path: PathBuf,
    /// File name.
    pub name: String,
    /// Column names.
    pub columns: Vec<String>,
    /// Index of the column with the questions.
    pub question: usize,
    /// Index of the column with the answers.
    pub answer: usize,
    /// The earlier import that this one replaces.
    pub instead: Option<ImportId>,
}

#[derive(Debug, Clone, Default)]
pub struct Data {
    pub listing: Listing,
    /// List only rows that contain this text.
    pub filter: String,
    pub only: Only,
    pub sort: Sort,
    pub review: Review,
    pub view: DataView,
    /// Selected rows.
    pub chosen: BTreeSet<RowId>,
    /// First row of a range selection.
    pub anchor: Option<RowId>,
    /// Row with the keyboard focus.
    pub at: Option<RowId>,
    /// Row that the table scrolls to in the next frame.
    pub scroll_to: Option<RowId>,
    pub draft: Option<Draft>,
    /// Text in the sheet for pasting.
    pub paste: Option<String>,
    pub columns: Option<ColumnsWanted>,
    /// Name of the file that is being read.
    pub reading: Option<String>,
    /// Fraction of the file that has been read.
    pub read_share: f32,
    /// Why the last file could not be opened.
    pub error: Option<UserError>,
    /// Text in the path box.
    pub typed_path: String,
    /// The import whose issues are all shown, not only the first few.
    pub all_problems: Option<ImportId>,
    /// The filter box requests the focus.
    pub wants_filter: bool,
}
