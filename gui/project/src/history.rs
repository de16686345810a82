//! Undo and redo.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Edit;

/// Maximum number of edits that can be undone.
pub const DEPTH: usize = 500;

/// The edits since the project was opened.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct History {
    done: VecDeque<Edit>,
    undone: Vec<Edit>,
}

impl History {
    /// Adds a new edit. Undone edits can no longer be redone.
    pub fn push(&mut self, edit: Edit) {
        self.undone.clear();
        self.done.push_back(edit);
        if self.done.len() > DEPTH {
            self.done.pop_front();
        }
    }

    /// Moves the last edit to the undone ones and returns its inverse.
    pub fn undo(&mut self) -> Option<Edit> {
        let edit = self.done.pop_back()?;
        let inverse = edit.inverse();
        self.undone.push(edit);
        Some(inverse)
    }

    /// Moves the edit that was undone last back to the done ones and returns it.
    pub fn redo(&mut self) -> Option<Edit> {
        let edit = self.undone.pop()?;
        self.done.push_back(edit.clone());
        Some(edit)
    }

    /// Description of the edit that would be undone next.
    #[must_use]
    pub fn next_undo(&self) -> Option<&str> {
        self.done.back().map(|edit| edit.what.as_str())
    }

    /// Description of the edit that would be redone next.
    #[must_use]
    pub fn next_redo(&self) -> Option<&str> {
        self.undone.last().map(|edit| edit.what.as_str())
    }
}
