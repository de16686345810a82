//! Models trained from a project.

use serde::{Deserialize, Serialize};

use super::document::Effort;

/// Maximum number of earlier models that are stored.
pub const MAX_EARLIER: usize = 3;

/// Results of searching for the answers of test questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Number of questions.
    pub asked: u32,
    /// Questions with the right answer first.
    pub first: u32,
    /// Questions with the right answer among the first five.
    pub top5: u32,
}

impl Tally {
    /// Fewest questions for a meaningful result.
    pub const ENOUGH: u32 = 30;

    /// Accuracy@1 between 0 and 1; `None` without questions.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        (self.asked > 0).then(|| f64::from(self.first) / f64::from(self.asked))
    }

    /// Half the width of the 95 % interval of the accuracy (Wilson score interval), in percentage points.
    #[must_use]
    pub fn margin_of_error(&self) -> Option<f64> {
        let (accuracy, n, z) = (self.accuracy()?, f64::from(self.asked), 1.96_f64);
        let spread = (accuracy * (1.0 - accuracy) / n + z * z / (4.0 * n * n)).sqrt();
        Some(100.0 * z * spread / (1.0 + z * z / n))
    }
}

/// A model in a project's `models` directory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    /// Name of its directory.
    pub name: String,
    /// How it was trained.
    pub effort: Effort,
    /// Results of the base encoder on the held-out questions.
    pub before: Tally,
    /// Results of this model on the held-out questions.
    pub after: Tally,
    /// Set if the model was imported. It may have been trained on the questions held out here, so
    /// `before` and `after` stay empty.
    #[serde(default, rename = "elsewhere", skip_serializing_if = "Option::is_none")]
    pub imported: Option<ImportedModel>,
    /// Time of training or import, in seconds since 1970.
    pub made_s: u64,
}

/// Figures stored in the directory of an imported model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportedModel {
    /// Results on the questions that were held out when it was trained; empty if none were.
    pub measured: Tally,
    /// Whether its confidence was calibrated on those questions.
    pub calibrated: bool,
}

/// A training that has started and isn't known to have ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pending {
    /// Name of the directory it writes.
    pub name: String,
    pub effort: Effort,
    /// [`Models::edits`] when the training started.
    pub edits: i32,
}

/// All models of a project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Models {
    /// The model that answers; `None` for the base encoder.
    pub current: Option<Model>,
    /// Previous models, the latest first.
    pub earlier: Vec<Model>,
    /// A running or interrupted training.
    pub pending: Option<Pending>,
    /// Edits since the current model was trained. Negative if more edits from before the training
    /// were undone.
    pub edits: i32,
    /// Number of the latest model; the next one gets the number after it.
    pub next: u32,
}

impl Models {
    /// Number of changes the current model wasn't trained on.
    #[must_use]
    pub fn changes(&self) -> u32 {
        match self.current {
            Some(_) => self.edits.unsigned_abs(),
            None => 0,
        }
    }

    /// Makes a new model the current one and returns the earlier ones beyond [`MAX_EARLIER`].
    pub fn install(&mut self, model: Model, edits_since: i32) -> Vec<Model> {
        if let Some(last) = self.current.replace(model) {
            self.earlier.insert(0, last);
        }
        self.pending = None;
        self.edits = edits_since;
        self.drop_oldest()
    }

    /// Adds a model that doesn't become the current one, and returns the earlier ones beyond
    /// [`MAX_EARLIER`].
    pub fn add_earlier(&mut self, model: Model) -> Vec<Model> {
        self.earlier.insert(0, model);
        self.drop_oldest()
    }

    fn drop_oldest(&mut self) -> Vec<Model> {
        self.earlier.split_off(MAX_EARLIER.min(self.earlier.len()))
    }

    /// Makes the previous model the current one and puts the current one last among the earlier ones.
    /// Returns false if there are no earlier models.
    pub fn restore_previous(&mut self) -> bool {
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
