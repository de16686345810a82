//! Edits of a project, and their inverses.

use serde::{Deserialize, Serialize};

use super::{Entry, EntryId, Import, ImportId, Options, Shared};

/// A value before and after an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Patch {
    /// A new, changed or removed entry.
    Entry {
        id: EntryId,
        before: Option<Shared<Entry>>,
        after: Option<Shared<Entry>>,
    },
    /// A new, changed or removed import.
    Import {
        id: ImportId,
        before: Option<Shared<Import>>,
        after: Option<Shared<Import>>,
    },
    /// A problem of an import that becomes resolved or unresolved.
    #[serde(rename = "Settled")]
    Resolved {
        import: ImportId,
        /// Index of the problem.
        problem: usize,
        /// Whether it is resolved after the edit; before the edit, the opposite holds.
        after: bool,
    },
    Options {
        before: Box<Options>,
        after: Box<Options>,
    },
}

impl Patch {
    fn inverse(&self) -> Self {
        match self.clone() {
            Self::Entry { id, before, after } => Self::Entry {
                id,
                before: after,
                after: before,
            },
            Self::Import { id, before, after } => Self::Import {
                id,
                before: after,
                after: before,
            },
            Self::Resolved {
                import,
                problem,
                after,
            } => Self::Resolved {
                import,
                problem,
                after: !after,
            },
            Self::Options { before, after } => Self::Options {
                before: after,
                after: before,
            },
        }
    }
}

/// One step in the undo history.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Edit {
    /// Description that completes "Undo: …", such as "delete 3 rows".
    pub what: String,
    pub patches: Vec<Patch>,
    /// The edit changes what a model is trained on or answers.
    #[serde(rename = "teaches")]
    pub affects_model: bool,
}

impl Edit {
    /// Makes the edit that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        Self {
            what: self.what.clone(),
            patches: self.patches.iter().rev().map(Patch::inverse).collect(),
            affects_model: self.affects_model,
        }
    }
}
