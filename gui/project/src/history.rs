//! Edits that were done, to undo and redo.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Edit;

/// So many steps can be undone.
pub const DEPTH: usize = 500;

/// The edits of this session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    done: VecDeque<Edit>,
    undone: Vec<Edit>,
}

impl History {
    /// Remembers an edit that was just done; what was undone before is gone.
    pub fn did(&mut self, edit: Edit) {
        self.undone.clear();
        self.done.push_back(edit);
        if self.done.len() > DEPTH {
            self.done.pop_front();
        }
    }

    /// The edit that undoes the last one.
    pub fn undo(&mut self) -> Option<Edit> {
        let edit = self.done.pop_back()?;
        let inverse = edit.inverse();
        self.undone.push(edit);
        Some(inverse)
    }

    /// The edit that does the last undone one again.
    pub fn redo(&mut self) -> Option<Edit> {
        let edit = self.undone.pop()?;
        self.done.push_back(edit.clone());
        Some(edit)
    }

    /// What undo would undo.
    #[must_use]
    pub fn next_undo(&self) -> Option<&str> {
        self.done.back().map(|edit| edit.what.as_str())
    }

    /// What redo would do again.
    #[must_use]
    pub fn next_redo(&self) -> Option<&str> {
        self.undone.last().map(|edit| edit.what.as_str())
    }
}
