//! The models that were trained from a project.

use serde::{Deserialize, Serialize};

use super::document::Effort;

/// So many earlier models are kept to go back to.
pub const KEPT: usize = 3;

/// How many checked questions found their answer first, and among the first five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Questions asked.
    pub asked: u32,
    /// The right answer was first.
    pub first: u32,
    /// It was among the first five.
    pub top5: u32,
}

impl Tally {
    /// Fewer checked questions than this say too little.
    pub const ENOUGH: u32 = 30;

    /// The share with the right answer first; none without questions.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.asked > 0).then(|| f64::from(self.first) / f64::from(self.asked))
    }

    /// Half the width of the 95 % interval, in questions of a hundred (Wilson's score interval).
    #[must_use]
    pub fn give_or_take(&self) -> Option<f64> {
        let (share, n, z) = (self.share()?, f64::from(self.asked), 1.96_f64);
        let spread = (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
        Some(100.0 * z * spread / (1.0 + z * z / n))
    }
}

/// A trained model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    /// Its folder's name among the project's models.
    pub name: String,
    /// How it was trained.
    pub effort: Effort,
    /// The questions kept aside, asked of the encoder as it was before any training.
    pub before: Tally,
    /// The same, asked of this model.
    pub after: Tally,
    /// It came in a folder and may have learned from any question here, so the figures above stay empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Elsewhere>,
    /// When it was trained here or came, in seconds since 1970.
    pub made_s: u64,
}

/// What a folder tells of its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Elsewhere {
    /// How it was measured where it was made, on questions kept aside there; none asked when not.
    pub measured: Tally,
    /// How sure its answers are was measured there too.
    pub calibrated: bool,
}

/// A training that has begun and whose end nobody has seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pending {
    /// The folder it writes.
    pub name: String,
    /// How it trains.
    pub effort: Effort,
    /// How many edits there were since the model before.
    pub edits: i32,
}

/// All models of a project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Models {
    /// The one that answers; none: the encoder as it came.
    pub current: Option<Model>,
    /// Earlier ones, the last first.
    pub earlier: Vec<Model>,
    /// A training under way, or cut off.
    pub pending: Option<Pending>,
    /// Edits since the current model was trained that it does not know, less those of its own that
    /// were undone.
    pub edits: i32,
    /// Number of the next model.
    pub next: u32,
}

impl Models {
    /// How many changes the current model does not know.
    #[must_use]
    pub fn changes(&self) -> u32 {
        match self.current {
            Some(_) => self.edits.unsigned_abs(),
            None => 0,
        }
    }

    /// A new model answers from now on; returns those that are not kept any longer.
    pub fn take(&mut self, model: Model, edits_since: i32) -> Vec<Model> {
        if let Some(last) = self.current.replace(model) {
            self.earlier.insert(0, last);
        }
        self.pending = None;
        self.edits = edits_since;
        self.earlier.split_off(KEPT.min(self.earlier.len()))
    }

    /// The one before answers again, and this one after it.
    pub fn go_back(&mut self) -> bool {
        if self.earlier.is_empty() {
            return false;
        }
        let last = self.earlier.remove(0);
        if let Some(current) = self.current.replace(last) {
            self.earlier.push(current);
        }
        true
    }
}
