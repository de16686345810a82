//! Recipes, and the settings they stand for.

use nearsay_core::{distance::DistanceKind, head::HeadConfig, loss::MultipleNegativesRanking};
use nearsay_text::lexical;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A named set of settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Seconds: a residual head from cached embeddings, stopped early on a slice of the training
    /// questions, the best state kept.
    #[default]
    Quick,
    /// Minutes: the encoder itself learns, stopped early on a slice of the training questions, the best
    /// state kept.
    Thorough,
    /// The tutorial to the letter: gated skip-connection head on embeddings that are not
    /// normalised, symmetric ranking loss over Quaterion's cosine, no shuffling, Adam at 1e-4.
    Quaterion,
}

impl Recipe {
    /// Every recipe.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Thorough, Self::Quaterion];

    /// Its name on the command line and in files.
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
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|recipe| recipe.name() == name)
            .ok_or_else(|| {
                format!(
                    "there is no recipe “{name}”; choose one of {}",
                    Self::ALL.map(Self::name).join(", ")
                )
            })
    }
}

/// What the seed of a run is used for; each use has random numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// What is kept out of training to choose by.
    Slice = 1,
    /// Fresh weights.
    Weights = 2,
    /// The order of pairs.
    Order = 3,
    /// Dropout.
    Dropout = 4,
}

/// A seed of its own for each purpose, epoch and step.
pub(super) fn seed(seed: u64, purpose: Purpose, number: u64) -> u64 {
    let mut random =
        fastrand::Rng::with_seed(seed ^ (purpose as u64).rotate_left(32) ^ (number << 1));
    random.u64(..)
}

/// What a run changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learns {
    /// A head over a frozen encoder.
    #[default]
    Head,
    /// The table of a static encoder, without a head.
    Table,
    /// The weights of a network, without a head.
    Network,
}

/// Which state of the weights a run ends with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The last.
    Last,
    /// The best on a slice of the training questions that is kept out of training; the untrained
    /// head is one of the candidates.
    Best {
        /// Share of the distinct training answers in the slice, in `(0, 1)`.
        slice: f64,
        /// Rounds without a better one after which the run ends.
        patience: usize,
    },
    /// The last, unless it is worse than what there was before, on a slice that is kept out of training: for
    /// few pairs, of whose slices no round is told from another.
    Checked {
        /// Share of the distinct training answers in the slice, in `(0, 1)`.
        slice: f64,
    },
}

impl Keep {
    /// Share of the distinct training answers that are kept out of training.
    #[must_use]
    pub fn slice(self) -> Option<f64> {
        match self {
            Self::Last => None,
            Self::Best { slice, .. } | Self::Checked { slice } => Some(slice),
        }
    }
}

/// How the learning rate moves over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// Up from 0 in a straight line, then down to 0 in another, at the last step of all epochs.
    WarmUp {
        /// Share of the steps on the way up, in `[0, 1)`.
        share: f64,
    },
}

impl Schedule {
    /// The factor on the learning rate at a step, counted from 0, out of `steps`; in `(0, 1]`.
    #[must_use]
    pub fn factor(self, step: usize, steps: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::WarmUp { share } => {
                let (step, steps) = (step as f64, steps.max(1) as f64);
                let up = (share * steps).max(1.0);
                let down = (steps - step) / (steps - up).max(1.0);
                ((step + 1.0) / up).min(down).min(1.0)
            }
        }
    }
}

/// Everything that decides what a run learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The recipe these came from.
    pub recipe: Recipe,
    /// What is changed.
    #[serde(default)]
    pub learns: Learns,
    /// Passes over the training pairs, at most.
    pub epochs: usize,
    /// Pairs a step; the last batch of an epoch may be smaller.
    pub batch: usize,
    /// Learning rate of Adam.
    pub lr: f64,
    /// How it moves.
    #[serde(default)]
    pub schedule: Schedule,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Decides the head's start, the order of pairs, dropout and slices.
    pub seed: u64,
    /// The head.
    pub head: HeadConfig,
    /// Factor on the similarities in the ranking loss.
    pub scale: f32,
    /// What similarity is made of.
    pub distance: DistanceKind,
    /// Whether answers rank questions too.
    pub symmetric: bool,
    /// Whether pairs with equal answers are no negatives of each other.
    pub mask_equal_answers: bool,
    /// Whether embeddings are normalised before the head.
    pub normalize: bool,
    /// Whether the head starts from half-whitened embeddings, which then become part of it.
    #[serde(default)]
    pub whiten: bool,
    /// Whether the pairs come in a new order each epoch.
    pub shuffle: bool,
    /// Whether pairs that the encoder as it was takes for one another share batches.
    #[serde(default)]
    pub neighbours: bool,
    /// Pairs by which half of what a linear head learned is kept: by `n` it is `n² / (n² + shrink²)`, the rest
    /// is that of changing nothing. What few pairs teach is less than it seems.
    ///
    /// Sources: to draw an estimate towards a fixed one, the more the less it rests on, is James and Stein's
    /// (1961); the averaging of weights is Wortsman and others' (2022).
    #[serde(default)]
    pub shrink: f64,
    /// What words count for unless the slice shows that another weight is better; see
    /// [`choose_keyword_weight`](crate::answer_index::AnswerIndex::choose_keyword_weight). Where
    /// [`keep`](Self::keep) wants no slice they do not count.
    #[serde(default)]
    pub words: f32,
    /// Which state the run ends with.
    pub keep: Keep,
}

impl Settings {
    /// What a recipe stands for, over embeddings of length `dim`, with seed 42.
    #[must_use]
    pub fn of(recipe: Recipe, dim: usize) -> Self {
        match recipe {
            Recipe::Quaterion => Self {
                recipe,
                learns: Learns::Head,
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
                scale: 20.0,
                distance: DistanceKind::Cosine,
                symmetric: true,
                mask_equal_answers: false,
                normalize: false,
                whiten: false,
                shuffle: false,
                neighbours: false,
                shrink: 0.0,
                words: 0.0,
                keep: Keep::Last,
            },
            Recipe::Thorough => Self {
                recipe,
                learns: Learns::Network,
                epochs: 3,
                batch: 128,
                lr: 1e-4,
                schedule: Schedule::WarmUp { share: 0.1 },
                weight_decay: 0.01,
                seed: 42,
                head: HeadConfig::Empty { dim },
                scale: 20.0,
                distance: DistanceKind::PlainCosine,
                symmetric: true,
                mask_equal_answers: true,
                normalize: false,
                whiten: false,
                shuffle: true,
                neighbours: true,
                shrink: 0.0,
                words: lexical::BESIDE_NETWORK,
                keep: Keep::Best {
                    slice: 0.05,
                    patience: 2,
                },
            },
            Recipe::Quick => Self {
                recipe,
                learns: Learns::Head,
                epochs: 40,
                batch: 1024,
                lr: 1e-3,
                schedule: Schedule::Constant,
                weight_decay: 0.0,
                seed: 42,
                head: HeadConfig::Residual { dim },
                scale: 20.0,
                distance: DistanceKind::PlainCosine,
                symmetric: true,
                mask_equal_answers: true,
                normalize: false,
                whiten: true,
                shuffle: true,
                neighbours: true,
                shrink: 200.0,
                words: lexical::BESIDE_NETWORK,
                keep: Keep::Best {
                    slice: 0.1,
                    patience: 6,
                },
            },
        }
    }

    /// The same for so many training pairs; what learns a head or a table stays as it is.
    ///
    /// A network learns from few pairs in smaller batches and more epochs, so that it takes steps enough to
    /// learn anything. More of them are kept aside, up to three in ten, so that their questions say something;
    /// that is whether to keep what was learned, not which epoch was best.
    #[must_use]
    pub fn for_pairs(self, pairs: usize) -> Self {
        if self.learns != Learns::Network {
            return self;
        }
        /// From so many on, the recipe is as it stands.
        const MANY: f64 = 6_000.0;
        /// Questions that are enough to tell better from worse by.
        const ENOUGH: f64 = 60.0;
        let pairs = pairs.max(1) as f64;
        let fewer = (MANY / pairs).max(1.0);
        let wanted = (ENOUGH / pairs).min(0.3);
        let keep = match self.keep {
            Keep::Best { slice, .. } if slice < wanted => Keep::Checked { slice: wanted },
            keep => keep,
        };
        Self {
            epochs: (self.epochs as f64 * fewer.sqrt()).round().min(12.0) as usize,
            batch: (self.batch as f64 / fewer.sqrt()).round().max(16.0) as usize,
            keep,
            ..self
        }
    }

    /// How much is kept of what a linear head learned from so many pairs; see [`shrink`](Self::shrink).
    #[must_use]
    pub fn share_kept(&self, pairs: usize) -> f32 {
        let squares = [pairs as f64, self.shrink].map(|x| x * x);
        match self.shrink > 0.0 {
            true => (squares[0] / (squares[0] + squares[1])) as f32,
            false => 1.0,
        }
    }

    /// Whether a network that is worth keeping learns once more, from what was kept aside, too.
    #[must_use]
    pub fn learns_again(&self) -> bool {
        matches!(self.keep, Keep::Checked { .. })
    }

    /// What a recipe stands for when the encoder is static, with rows of length `dim`: `quick` and
    /// `thorough` learn the table itself, which takes seconds; `quaterion` a head over it as it is.
    #[must_use]
    pub fn of_static(recipe: Recipe, dim: usize) -> Self {
        let settings = Self::of(recipe, dim);
        match recipe {
            Recipe::Quaterion => settings,
            Recipe::Quick | Recipe::Thorough => Self {
                learns: Learns::Table,
                shrink: 0.0,
                words: lexical::BESIDE_STATIC,
                epochs: 20,
                batch: 256,
                lr: 1e-2,
                head: HeadConfig::Empty { dim },
                keep: Keep::Best {
                    slice: 0.1,
                    patience: 3,
                },
                recipe,
                ..Self::of(Recipe::Quick, dim)
            },
        }
    }

    /// The pairs that are kept out of training to choose by, from the group of each pair; none when the
    /// settings keep none, or there are too few groups.
    #[must_use]
    pub fn slice(&self, subgroups: &[u64]) -> Vec<usize> {
        match self.keep.slice() {
            None => Vec::new(),
            Some(slice) => {
                let seed = seed(self.seed, Purpose::Slice, 0);
                super::data::slice(subgroups, slice, seed).1
            }
        }
    }

    /// The loss these settings stand for.
    #[must_use]
    pub fn loss(&self) -> MultipleNegativesRanking {
        MultipleNegativesRanking {
            distance: self.distance,
            scale: self.scale,
            symmetric: self.symmetric,
            mask_subgroups: self.mask_equal_answers,
        }
    }

    /// Checks every number, so that a run never starts with one that cannot work.
    ///
    /// # Errors
    /// A sentence that names the setting, its value and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let refuse = |name: &str, value: &dyn fmt::Display, allowed: &str| {
            Err(format!("{name} is {value}; it must be {allowed}"))
        };
        if !(1..=1_000_000).contains(&self.epochs) {
            return refuse("the number of epochs", &self.epochs, "from 1 to 1,000,000");
        }
        if !(2..=65_536).contains(&self.batch) {
            return refuse("the batch size", &self.batch, "from 2 to 65,536");
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return refuse(
                "the learning rate",
                &self.lr,
                "a number above 0, for example 0.001",
            );
        }
        if !(0.0..1.0).contains(&self.weight_decay) {
            return refuse(
                "the weight decay",
                &self.weight_decay,
                "at least 0 and below 1",
            );
        }
        if !(self.scale.is_finite() && self.scale > 0.0) {
            return refuse("the scale", &self.scale, "a number above 0, for example 20");
        }
        if let Schedule::WarmUp { share } = self.schedule
            && !(0.0..1.0).contains(&share)
        {
            return refuse(
                "the share of steps to warm up",
                &share,
                "at least 0 and below 1",
            );
        }
        if !(self.shrink.is_finite() && self.shrink >= 0.0) {
            return refuse("the shrinkage", &self.shrink, "a number from 0 on");
        }
        if !(0.0..=4.0).contains(&self.words) {
            return refuse("the weight of words", &self.words, "from 0 to 4");
        }
        self.head.check()?;
        match self.keep.slice() {
            Some(slice) if !(slice > 0.0 && slice < 1.0) => {
                refuse("the slice", &slice, "above 0 and below 1")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_sound_and_has_a_name() {
        for recipe in Recipe::ALL {
            assert_eq!(recipe.name().parse(), Ok(recipe));
            assert_eq!(Settings::of(recipe, 384).check(), Ok(()));
        }
        assert!(
            "thorugh"
                .parse::<Recipe>()
                .unwrap_err()
                .contains("quick, thorough, quaterion")
        );
    }

    #[test]
    fn few_pairs_are_learned_from_in_small_batches_for_longer() {
        let of = |recipe, pairs| {
            let settings = Settings::of(recipe, 384).for_pairs(pairs);
            assert_eq!(settings.check(), Ok(()));
            settings
        };
        let best = Keep::Best {
            slice: 0.05,
            patience: 2,
        };
        let checked = |slice| Keep::Checked { slice };
        for (pairs, epochs, batch, keep) in [
            (100_000, 3, 128, best),
            (1_500, 6, 64, best),
            (500, 10, 37, checked(0.12)),
            (2, 12, 16, checked(0.3)),
        ] {
            let settings = of(Recipe::Thorough, pairs);
            assert_eq!((settings.epochs, settings.batch), (epochs, batch));
            assert_eq!(settings.keep, keep, "{pairs}");
            assert_eq!(settings.learns_again(), keep != best, "{pairs}");
        }
        assert_eq!(of(Recipe::Quick, 2), of(Recipe::Quick, 9_999));
    }

    #[test]
    fn of_what_few_pairs_teach_less_is_kept() {
        let quick = Settings::of(Recipe::Quick, 384);
        assert_eq!(quick.share_kept(0), 0.0);
        assert_eq!(quick.share_kept(200), 0.5);
        assert!(quick.share_kept(100) == 0.2 && quick.share_kept(6_000) > 0.99);
        assert_eq!(Settings::of(Recipe::Quaterion, 384).share_kept(1), 1.0);
    }

    #[test]
    fn a_schedule_goes_up_and_then_down_to_the_end() {
        let schedule = Schedule::WarmUp { share: 0.2 };
        let factors: Vec<f64> = (0..10).map(|step| schedule.factor(step, 10)).collect();
        assert_eq!(factors[..3], [0.5, 1.0, 1.0]);
        assert!(factors[2..].is_sorted_by(|a, b| a > b), "{factors:?}");
        assert_eq!(factors[9], 0.125);
        for (share, steps) in [(0.0, 1), (0.9, 2), (0.5, 7)] {
            for step in 0..steps {
                let factor = Schedule::WarmUp { share }.factor(step, steps);
                assert!(factor > 0.0 && factor <= 1.0, "{share} {step}: {factor}");
            }
        }
        assert_eq!(Schedule::Constant.factor(5, 10), 1.0);
    }

    #[test]
    fn refuses_numbers_that_cannot_work() {
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
                shrink: f64::NAN,
                ..good.clone()
            },
            Settings {
                shrink: -1.0,
                ..good.clone()
            },
            Settings {
                words: f32::NAN,
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
                keep: Keep::Best {
                    slice: 1.0,
                    patience: 1,
                },
                ..good.clone()
            },
        ];
        for settings in bad {
            assert!(settings.check().is_err(), "{settings:?}");
        }
    }
}
