//! Models trained from a project.

use nearsay::train::{
    PoolFigures,
    report::{Comparison, Difference},
};
use serde::{Deserialize, Serialize};

use super::document::Effort;

/// Maximum number of earlier models that are stored.
pub const MAX_EARLIER: usize = 3;
/// Maximum number of deleted models whose figures are stored.
const MAX_HISTORY: usize = 100;

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
    /// Counts the questions of figures.
    #[must_use]
    pub fn of(figures: &PoolFigures) -> Self {
        let count = |share: f32| (f64::from(share) * figures.questions as f64).round() as u32;
        Self {
            asked: u32::try_from(figures.questions).unwrap_or(u32::MAX),
            first: count(figures.recall_1),
            top5: count(figures.recall_5),
        }
    }

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

/// Results of a model and of the one before it on the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Results {
    /// The model that answered until then.
    pub before: Tally,
    /// The model itself.
    pub after: Tally,
}

impl Results {
    /// Reads a comparison in the report of a training.
    #[must_use]
    pub fn of(comparison: &Comparison) -> Self {
        Self {
            before: Tally::of(&comparison.before),
            after: Tally::of(&comparison.after),
        }
    }
}

/// A model in a project's `models` directory.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Model {
    /// Name of its directory.
    pub name: String,
    /// How it was trained.
    pub effort: Effort,
    /// The figures to judge it by, of the model that answered before it.
    pub before: Tally,
    /// The same figures of this model, as measured in its training.
    pub after: Tally,
    /// Results on known answers asked for in new words; `None` if not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_answers: Option<Results>,
    /// Results on new answers; `None` if not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_answers: Option<Results>,
    /// How it compares with the model before it; `None` if that can't be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// Duration of the training in seconds; 0 if unknown.
    #[serde(default)]
    pub seconds: u64,
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
    /// Models whose directories were deleted, the latest first; only their figures are left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<Model>,
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
        let dropped = self.earlier.split_off(MAX_EARLIER.min(self.earlier.len()));
        self.deleted.splice(0..0, dropped.iter().cloned());
        self.deleted.truncate(MAX_HISTORY);
        dropped
    }

    /// All trainings, the latest first.
    #[must_use]
    pub fn history(&self) -> Vec<&Model> {
        let models = self
            .current
            .iter()
            .chain(&self.earlier)
            .chain(&self.deleted);
        let mut models: Vec<&Model> = models.filter(|model| model.imported.is_none()).collect();
        models.sort_by_key(|model| std::cmp::Reverse(model.made_s));
        models
    }

    /// Whether a model of this name can be made the current one.
    #[must_use]
    pub fn can_restore(&self, name: &str) -> bool {
        self.earlier.iter().any(|model| model.name == name)
    }

    /// Makes an earlier model the current one, which becomes the latest of the earlier ones. Returns false if there is no
    /// such model.
    pub fn restore(&mut self, name: &str) -> bool {
        let Some(place) = self.earlier.iter().position(|model| model.name == name) else {
            return false;
        };
        let model = self.earlier.remove(place);
        if let Some(current) = self.current.replace(model) {
            self.earlier.insert(0, current);
        }
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    fn model(number: u64) -> Model {
        Model {
            name: number.to_string(),
            made_s: number,
            ..Model::default()
        }
    }

    #[test]
    fn history_keeps_figures_of_deleted_models() {
        let mut models = Models::default();
        for number in 1..=6 {
            models.install(model(number), 0);
        }
        let names = |models: &Models| -> Vec<String> {
            let names = models.history().into_iter().map(|model| model.name.clone());
            names.collect()
        };
        assert_eq!(names(&models), ["6", "5", "4", "3", "2", "1"]);
        let json = serde_json::to_string(&models).unwrap();
        assert_eq!(serde_json::from_str::<Models>(&json).unwrap(), models);
        assert!(models.can_restore("3") && !models.can_restore("2"));
        assert!(models.restore("3") && !models.restore("2"));
        assert_eq!(models.current.as_ref().unwrap().name, "3");
        assert_eq!(models.earlier[0].name, "6");
        assert_eq!(names(&models), ["6", "5", "4", "3", "2", "1"]);
    }

    #[test]
    fn tally_counts_the_questions_of_figures() {
        let figures = PoolFigures {
            questions: 3,
            recall_1: 1.0 / 3.0,
            recall_5: 2.0 / 3.0,
            ..PoolFigures::default()
        };
        let tally = Tally::of(&figures);
        assert_eq!((tally.asked, tally.first, tally.top5), (3, 1, 2));
    }
}
