//! Recipes and hyperparameters.

use nearsay_core::{
    distance::DistanceKind,
    head::HeadConfig,
    loss::{LossKind, MultipleNegativesRanking},
};
use nearsay_text::bm25;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A named set of settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Seconds: a residual head on cached embeddings, with early stopping on a validation split.
    #[default]
    Quick,
    /// Minutes: fine-tunes the transformer, with early stopping on a validation split.
    Thorough,
    /// Quaterion's tutorial to the letter: a gated skip-connection head on embeddings that are not
    /// normalised, symmetric ranking loss over Quaterion's cosine, no shuffling, Adam at 1e-4.
    Quaterion,
}

impl Recipe {
    /// Every recipe.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Thorough, Self::Quaterion];

    /// Name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Thorough => "thorough",
            Self::Quaterion => "quaterion",
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Recipe {
    type Err = UnknownRecipe;

    fn from_str(name: &str) -> Result<Self, UnknownRecipe> {
        let found = Self::ALL.into_iter().find(|recipe| recipe.name() == name);
        found.ok_or_else(|| UnknownRecipe { name: name.into() })
    }
}

/// Uses of the seed, each with random numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The validation split.
    Validation = 1,
    /// Fresh weights.
    Weights = 2,
    /// The order of pairs.
    Order = 3,
    /// Dropout.
    Dropout = 4,
}

/// The seed of a purpose at an epoch or step.
pub(super) fn seed(seed: u64, purpose: Purpose, number: u64) -> u64 {
    let mut random =
        fastrand::Rng::with_seed(seed ^ (purpose as u64).rotate_left(32) ^ (number << 1));
    random.u64(..)
}

/// Which weights a run changes.
///
/// In JSON: `head`, `table`, `network`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trainable {
    /// A head over a frozen encoder.
    #[default]
    Head,
    /// The rows of a static encoder's table, without a head.
    #[serde(rename = "table", alias = "token_embeddings")]
    TokenEmbeddings,
    /// All weights of a transformer, without a head.
    #[serde(rename = "network", alias = "full_model")]
    FullModel,
}

/// How a run chooses the state it returns.
///
/// In JSON: `last`, `best` with `slice` and `patience`, `checked` with `slice`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSelection {
    /// The state after the last epoch. No validation split.
    Last,
    /// The state that scores best on a validation split of the training questions. The untrained
    /// state is one of the candidates.
    #[serde(rename = "best", alias = "best_on_validation")]
    BestOnValidation {
        /// Fraction of the distinct training answers in the validation split, in `(0, 1)`.
        #[serde(rename = "slice", alias = "fraction")]
        fraction: f64,
        /// Epochs without improvement after which the run ends.
        patience: usize,
    },
    /// The state after the last epoch, unless it scores worse on the validation split than the base
    /// model. For small datasets, whose validation split is too small to pick an epoch.
    #[serde(rename = "checked", alias = "reject_if_worse")]
    RejectIfWorse {
        /// Fraction of the distinct training answers in the validation split, in `(0, 1)`.
        #[serde(rename = "slice", alias = "fraction")]
        fraction: f64,
    },
}

impl ModelSelection {
    /// Fraction of the distinct training answers in the validation split; `None` without one.
    #[must_use]
    pub fn validation_fraction(self) -> Option<f64> {
        match self {
            Self::Last => None,
            Self::BestOnValidation { fraction, .. } | Self::RejectIfWorse { fraction } => {
                Some(fraction)
            }
        }
    }
}

/// Learning rate schedule.
///
/// In JSON: `constant`, `warm_up` with `share`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The same rate throughout.
    #[default]
    Constant,
    /// Linear warmup from 0, then linear decay to 0 at the last step of all epochs.
    #[serde(rename = "warm_up", alias = "linear_warmup")]
    LinearWarmup {
        /// Fraction of the steps spent on the warmup, in `[0, 1)`.
        #[serde(rename = "share", alias = "ratio")]
        ratio: f64,
    },
}

impl Schedule {
    /// Factor on the learning rate at a step, counted from 0, out of `steps`; in `(0, 1]`.
    #[must_use]
    pub fn factor(self, step: usize, steps: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::LinearWarmup { ratio } => {
                let (step, steps) = (step as f64, steps.max(1) as f64);
                let up = (ratio * steps).max(1.0);
                let down = (steps - step) / (steps - up).max(1.0);
                ((step + 1.0) / up).min(down).min(1.0)
            }
        }
    }
}

/// Hyperparameters of a run.
///
/// Start from a recipe ([`of`](Self::of), [`of_static`](Self::of_static)) and change fields or use
/// the `with_…` methods:
///
/// ```
/// use nearsay::{loss::LossKind, train::{Recipe, Settings}};
///
/// let settings = Settings::of(Recipe::Quick, 384)
///     .with_epochs(10)
///     .with_loss(LossKind::Triplet);
/// assert!(settings.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// The recipe these settings started from.
    pub recipe: Recipe,
    /// Which weights change.
    #[serde(default, rename = "learns", alias = "trainable")]
    pub trainable: Trainable,
    /// Maximum number of passes over the training pairs.
    pub epochs: usize,
    /// Pairs per step; the last batch of an epoch may be smaller.
    pub batch: usize,
    /// Learning rate of Adam.
    pub lr: f64,
    /// How the learning rate changes over the run.
    #[serde(default)]
    pub schedule: Schedule,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Random seed of initial weights, order of pairs, dropout and the validation split.
    pub seed: u64,
    /// The head.
    pub head: HeadConfig,
    /// The loss.
    #[serde(default, skip_serializing_if = "LossKind::is_default")]
    pub loss: LossKind,
    /// Multiple negatives ranking only: factor on the similarities.
    pub scale: f32,
    /// Distance of the batch metrics and of the multiple negatives ranking loss.
    pub distance: DistanceKind,
    /// Multiple negatives ranking only: whether answers rank questions too.
    pub symmetric: bool,
    /// Ranking losses only: whether pairs with equal answers are excluded from each other's
    /// negatives.
    pub mask_equal_answers: bool,
    /// Whether embeddings are normalised before the head.
    pub normalize: bool,
    /// Whether half-whitened embeddings go into the head; the whitening then becomes part of it.
    #[serde(default)]
    pub whiten: bool,
    /// Whether each epoch has a new order of pairs.
    pub shuffle: bool,
    /// Whether batches are made of pairs that the base encoder finds similar (hard negatives).
    #[serde(default)]
    pub neighbours: bool,
    /// Number of pairs at which half of a linear head's update is kept: of `n` pairs
    /// `n² / (n² + shrinkage²)` is kept, the rest is the identity. 0 keeps everything.
    ///
    /// Sources: James and Stein, 1961 (shrinkage); Wortsman et al., 2022 (weight averaging).
    #[serde(default, rename = "shrink", alias = "shrinkage")]
    pub shrinkage: f64,
    /// BM25 weight of hybrid search for the similarities of MiniLM, or of the compact encoder; it is scaled to the spread of
    /// the encoder's similarities ([`spread`](crate::answer_index::AnswerIndex::spread)). The validation split may prefer another
    /// ([`choose_keyword_weight`](crate::answer_index::AnswerIndex::choose_keyword_weight)). Unused without a validation split.
    #[serde(default, rename = "words", alias = "keyword_weight")]
    pub keyword_weight: f32,
    /// How the run chooses the state it returns.
    #[serde(rename = "keep", alias = "selection")]
    pub selection: ModelSelection,
}

/// A setting that no run can work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A number outside its range.
    #[error("{setting} is {value}; it must be {allowed}")]
    OutOfRange {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// The range.
        allowed: &'static str,
    },
    /// A head that cannot be built.
    #[error("{reason}")]
    Head {
        /// The reason and what to change.
        reason: String,
    },
    /// A head of another input length than the embeddings.
    #[error("the head takes embeddings of length {expected}, these have length {found}")]
    HeadWidth {
        /// Input length of the head.
        expected: usize,
        /// Length of an embedding.
        found: usize,
    },
    /// Weights that this kind of encoder does not have.
    #[error("{reason}")]
    Unsupported {
        /// The reason and what to change.
        reason: &'static str,
    },
}

/// A recipe name that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no recipe “{name}”; choose one of {}", Recipe::ALL.map(Recipe::name).join(", "))]
pub struct UnknownRecipe {
    /// The name given.
    pub name: String,
}

impl Settings {
    /// A recipe's settings for embeddings of length `dim`, with seed 42.
    #[must_use]
    pub fn of(recipe: Recipe, dim: usize) -> Self {
        match recipe {
            Recipe::Quaterion => Self {
                recipe,
                trainable: Trainable::Head,
                epochs: 500,
                batch: 1024,
                lr: 1e-4,
                schedule: Schedule::Constant,
                weight_decay: 0.0,
                seed: 42,
                head: HeadConfig::SkipConnection {
                    dim,
                    layers: 1,
                    skip_dropout: 0.0,
                },
                loss: LossKind::default(),
                scale: 20.0,
                distance: DistanceKind::Cosine,
                symmetric: true,
                mask_equal_answers: false,
                normalize: false,
                whiten: false,
                shuffle: false,
                neighbours: false,
                shrinkage: 0.0,
                keyword_weight: 0.0,
                selection: ModelSelection::Last,
            },
            Recipe::Thorough => Self {
                recipe,
                trainable: Trainable::FullModel,
                epochs: 3,
                batch: 128,
                lr: 1e-4,
                schedule: Schedule::LinearWarmup { ratio: 0.1 },
                weight_decay: 0.01,
                seed: 42,
                head: HeadConfig::Empty { dim },
                loss: LossKind::default(),
                scale: 20.0,
                distance: DistanceKind::PlainCosine,
                symmetric: true,
                mask_equal_answers: true,
                normalize: false,
                whiten: false,
                shuffle: true,
                neighbours: true,
                shrinkage: 0.0,
                keyword_weight: bm25::DEFAULT_WEIGHT_TRANSFORMER,
                selection: ModelSelection::BestOnValidation {
                    fraction: 0.05,
                    patience: 2,
                },
            },
            Recipe::Quick => Self {
                recipe,
                trainable: Trainable::Head,
                epochs: 40,
                batch: 1024,
                lr: 1e-3,
                schedule: Schedule::Constant,
                weight_decay: 0.0,
                seed: 42,
                head: HeadConfig::Residual { dim },
                loss: LossKind::default(),
                scale: 20.0,
                distance: DistanceKind::PlainCosine,
                symmetric: true,
                mask_equal_answers: true,
                normalize: false,
                whiten: true,
                shuffle: true,
                neighbours: true,
                shrinkage: 200.0,
                keyword_weight: bm25::DEFAULT_WEIGHT_TRANSFORMER,
                selection: ModelSelection::BestOnValidation {
                    fraction: 0.1,
                    patience: 6,
                },
            },
        }
    }

    /// These settings for a given number of training pairs. Heads and token embeddings don't depend
    /// on it.
    ///
    /// A transformer trains on few pairs with smaller batches and more epochs, so that it takes enough
    /// steps. Its validation split grows to up to 30 % of the answers, and then decides whether to keep
    /// the result, not which epoch was best.
    #[must_use]
    pub fn for_pairs(self, pairs: usize) -> Self {
        if self.trainable != Trainable::FullModel {
            return self;
        }
        /// Pairs from which on the recipe is used as it stands.
        const MANY: f64 = 6_000.0;
        /// Questions wanted in the validation split.
        const ENOUGH: f64 = 60.0;
        let pairs = pairs.max(1) as f64;
        let fewer = (MANY / pairs).max(1.0);
        let wanted = (ENOUGH / pairs).min(0.3);
        let selection = match self.selection {
            ModelSelection::BestOnValidation { fraction, .. } if fraction < wanted => {
                ModelSelection::RejectIfWorse { fraction: wanted }
            }
            selection => selection,
        };
        Self {
            epochs: (self.epochs as f64 * fewer.sqrt()).round().min(12.0) as usize,
            batch: (self.batch as f64 / fewer.sqrt()).round().max(16.0) as usize,
            selection,
            ..self
        }
    }

    /// Factor on a linear head's update after training on this many pairs, in `[0, 1]`; see
    /// [`shrinkage`](Self::shrinkage).
    #[must_use]
    pub fn shrinkage_factor(&self, pairs: usize) -> f32 {
        if self.shrinkage <= 0.0 {
            return 1.0;
        }
        let [pairs, shrinkage] = [pairs as f64, self.shrinkage].map(|x| x * x);
        (pairs / (pairs + shrinkage)) as f32
    }

    /// Whether a transformer worth keeping is trained a second time, on all data.
    #[must_use]
    pub fn refits_on_all_data(&self) -> bool {
        matches!(self.selection, ModelSelection::RejectIfWorse { .. })
    }

    /// A recipe's settings for a static encoder with rows of length `dim`: `quick` and `thorough` train
    /// the token embeddings, which takes seconds; `quaterion` trains a head over the frozen encoder.
    #[must_use]
    pub fn of_static(recipe: Recipe, dim: usize) -> Self {
        let settings = Self::of(recipe, dim);
        match recipe {
            Recipe::Quaterion => settings,
            Recipe::Quick | Recipe::Thorough => Self {
                trainable: Trainable::TokenEmbeddings,
                shrinkage: 0.0,
                keyword_weight: bm25::DEFAULT_WEIGHT_STATIC,
                epochs: 20,
                batch: 256,
                lr: 1e-2,
                head: HeadConfig::Empty { dim },
                selection: ModelSelection::BestOnValidation {
                    fraction: 0.1,
                    patience: 3,
                },
                recipe,
                ..Self::of(Recipe::Quick, dim)
            },
        }
    }

    /// Sets the maximum number of epochs.
    #[must_use]
    pub fn with_epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// Sets the number of pairs per step.
    #[must_use]
    pub fn with_batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// Sets the learning rate.
    #[must_use]
    pub fn with_lr(self, lr: f64) -> Self {
        Self { lr, ..self }
    }

    /// Sets the random seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the head.
    #[must_use]
    pub fn with_head(self, head: HeadConfig) -> Self {
        Self { head, ..self }
    }

    /// Sets the loss.
    #[must_use]
    pub fn with_loss(self, loss: LossKind) -> Self {
        Self { loss, ..self }
    }

    /// Sets how the run chooses the state it returns.
    #[must_use]
    pub fn with_selection(self, selection: ModelSelection) -> Self {
        Self { selection, ..self }
    }

    /// Numbers of the pairs in the validation split, from the group of each pair. Empty when the
    /// settings want none, or there are too few groups.
    #[must_use]
    pub fn validation_split(&self, subgroups: &[u64]) -> Vec<usize> {
        match self.selection.validation_fraction() {
            None => Vec::new(),
            Some(fraction) => {
                let seed = seed(self.seed, Purpose::Validation, 0);
                super::data::split_groups(subgroups, fraction, seed).1
            }
        }
    }

    /// The multiple negatives ranking loss with these settings.
    #[must_use]
    pub fn ranking_loss(&self) -> MultipleNegativesRanking {
        MultipleNegativesRanking {
            distance: self.distance,
            scale: self.scale,
            symmetric: self.symmetric,
            mask_subgroups: self.mask_equal_answers,
        }
    }

    /// Checks the range of every number.
    ///
    /// # Errors
    /// For the first setting out of range.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let check = |is_valid: bool, setting, value, allowed| {
            if is_valid {
                return Ok(());
            }
            Err(SettingsError::OutOfRange {
                setting,
                value,
                allowed,
            })
        };
        check(
            (1..=1_000_000).contains(&self.epochs),
            "the number of epochs",
            self.epochs as f64,
            "from 1 to 1,000,000",
        )?;
        check(
            (2..=65_536).contains(&self.batch),
            "the batch size",
            self.batch as f64,
            "from 2 to 65,536",
        )?;
        check(
            self.lr.is_finite() && self.lr > 0.0,
            "the learning rate",
            self.lr,
            "a number above 0, for example 0.001",
        )?;
        check(
            (0.0..1.0).contains(&self.weight_decay),
            "the weight decay",
            self.weight_decay,
            "at least 0 and below 1",
        )?;
        check(
            self.scale.is_finite() && self.scale > 0.0,
            "the scale",
            f64::from(self.scale),
            "a number above 0, for example 20",
        )?;
        if let Schedule::LinearWarmup { ratio } = self.schedule {
            check(
                (0.0..1.0).contains(&ratio),
                "the warmup ratio",
                ratio,
                "at least 0 and below 1",
            )?;
        }
        check(
            self.shrinkage.is_finite() && self.shrinkage >= 0.0,
            "the shrinkage",
            self.shrinkage,
            "at least 0",
        )?;
        check(
            (0.0..=4.0).contains(&self.keyword_weight),
            "the keyword weight",
            f64::from(self.keyword_weight),
            "from 0 to 4",
        )?;
        let fraction = self.selection.validation_fraction().unwrap_or(0.5);
        check(
            fraction > 0.0 && fraction < 1.0,
            "the validation fraction",
            fraction,
            "above 0 and below 1",
        )?;
        self.head
            .check()
            .map_err(|reason| SettingsError::Head { reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_valid_and_parses_from_its_name() {
        for recipe in Recipe::ALL {
            assert_eq!(recipe.name().parse(), Ok(recipe));
            assert_eq!(Settings::of(recipe, 384).validate(), Ok(()));
        }
        assert!(
            "thorugh"
                .parse::<Recipe>()
                .unwrap_err()
                .to_string()
                .contains("quick, thorough, quaterion")
        );
    }

    #[test]
    fn for_pairs_uses_small_batches_and_more_epochs_on_few_pairs() {
        let of = |recipe, pairs| {
            let settings = Settings::of(recipe, 384).for_pairs(pairs);
            assert_eq!(settings.validate(), Ok(()));
            settings
        };
        let best = ModelSelection::BestOnValidation {
            fraction: 0.05,
            patience: 2,
        };
        let checked = |fraction| ModelSelection::RejectIfWorse { fraction };
        for (pairs, epochs, batch, keep) in [
            (100_000, 3, 128, best),
            (1_500, 6, 64, best),
            (500, 10, 37, checked(0.12)),
            (2, 12, 16, checked(0.3)),
        ] {
            let settings = of(Recipe::Thorough, pairs);
            assert_eq!((settings.epochs, settings.batch), (epochs, batch));
            assert_eq!(settings.selection, keep, "{pairs}");
            assert_eq!(settings.refits_on_all_data(), keep != best, "{pairs}");
        }
        assert_eq!(of(Recipe::Quick, 2), of(Recipe::Quick, 9_999));
    }

    #[test]
    fn shrinkage_factor_grows_with_pairs() {
        let quick = Settings::of(Recipe::Quick, 384);
        assert_eq!(quick.shrinkage_factor(0), 0.0);
        assert_eq!(quick.shrinkage_factor(200), 0.5);
        assert!(quick.shrinkage_factor(100) == 0.2 && quick.shrinkage_factor(6_000) > 0.99);
        assert_eq!(
            Settings::of(Recipe::Quaterion, 384).shrinkage_factor(1),
            1.0
        );
    }

    #[test]
    fn linear_warmup_rises_then_falls_to_the_last_step() {
        let schedule = Schedule::LinearWarmup { ratio: 0.2 };
        let factors: Vec<f64> = (0..10).map(|step| schedule.factor(step, 10)).collect();
        assert_eq!(factors[..3], [0.5, 1.0, 1.0]);
        assert!(factors[2..].is_sorted_by(|a, b| a > b), "{factors:?}");
        assert_eq!(factors[9], 0.125);
        for (ratio, steps) in [(0.0, 1), (0.9, 2), (0.5, 7)] {
            for step in 0..steps {
                let factor = Schedule::LinearWarmup { ratio }.factor(step, steps);
                assert!(factor > 0.0 && factor <= 1.0, "{ratio} {step}: {factor}");
            }
        }
        assert_eq!(Schedule::Constant.factor(5, 10), 1.0);
    }

    #[test]
    fn validate_rejects_numbers_out_of_range() {
        let good = Settings::of(Recipe::Quick, 8);
        let bad = [
            Settings {
                epochs: 0,
                ..good.clone()
            },
            Settings {
                epochs: usize::MAX,
                ..good.clone()
            },
            Settings {
                batch: 1,
                ..good.clone()
            },
            Settings {
                shrinkage: f64::NAN,
                ..good.clone()
            },
            Settings {
                shrinkage: -1.0,
                ..good.clone()
            },
            Settings {
                keyword_weight: f32::NAN,
                ..good.clone()
            },
            Settings {
                lr: f64::NAN,
                ..good.clone()
            },
            Settings {
                lr: -1.0,
                ..good.clone()
            },
            Settings {
                scale: f32::INFINITY,
                ..good.clone()
            },
            Settings {
                weight_decay: 1.0,
                ..good.clone()
            },
            Settings {
                head: HeadConfig::Gated { dim: 0 },
                ..good.clone()
            },
            Settings {
                selection: ModelSelection::BestOnValidation {
                    fraction: 1.0,
                    patience: 1,
                },
                ..good.clone()
            },
        ];
        for settings in bad {
            assert!(settings.validate().is_err(), "{settings:?}");
        }
    }

    /// Checkpoints are found again by a hash of this JSON, so it must not change.
    #[test]
    fn settings_json_keeps_its_keys_and_reads_new_names() {
        let json = serde_json::to_string(&Settings::of(Recipe::Thorough, 8)).unwrap();
        assert_eq!(
            json,
            r#"{"recipe":"thorough","learns":"network","epochs":3,"batch":128,"lr":0.0001,"schedule":{"warm_up":{"share":0.1}},"weight_decay":0.01,"seed":42,"head":{"kind":"empty","dim":8},"scale":20.0,"distance":"plain_cosine","symmetric":true,"mask_equal_answers":true,"normalize":false,"whiten":false,"shuffle":true,"neighbours":true,"shrink":0.0,"words":KEYWORD,"keep":{"best":{"slice":0.05,"patience":2}}}"#
                .replace("KEYWORD", &serde_json::to_string(&bm25::DEFAULT_WEIGHT_TRANSFORMER).unwrap())
        );
        let renamed = json
            .replace("\"learns\":\"network\"", "\"trainable\":\"full_model\"")
            .replace(
                "\"keep\":{\"best\":{\"slice\"",
                "\"selection\":{\"best_on_validation\":{\"fraction\"",
            )
            .replace("{\"warm_up\":{\"share\"", "{\"linear_warmup\":{\"ratio\"")
            .replace("\"shrink\"", "\"shrinkage\"")
            .replace("\"words\"", "\"keyword_weight\"");
        let back: Settings = serde_json::from_str(&renamed).unwrap();
        assert_eq!(back, Settings::of(Recipe::Thorough, 8));
        let triplet = back.with_loss(LossKind::Triplet);
        let json = serde_json::to_string(&triplet).unwrap();
        assert!(json.contains(r#""loss":"triplet""#), "{json}");
    }
}
