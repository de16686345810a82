//! Training: recipes, the training loop, events, checkpoints.
//!
//! Most programs use [`Trainer`](crate::trainer::Trainer), which is made of these parts. [`Job`] embeds
//! the texts of an FAQ, trains and evaluates. [`Fit`] is the training loop over any
//! [`Learner`](learner::Learner). It reports [`Event`]s; a [`Control`] pauses and stops it from another
//! thread; a [`Checkpoint`] lets a killed run continue exactly where it was.
//!
//! | module | holds |
//! | --- | --- |
//! | [`settings`] | recipes and hyperparameters |
//! | [`data`], [`bags`] | rows of an FAQ as pairs of vectors, token ids or texts |
//! | [`learner`] | models that the loop updates step by step |
//! | [`objective`] | the loss of a run: built in or the caller's |
//! | [`whiten`] | half-whitening in front of a head |
//! | [`fit`] | the training loop |
//! | [`job`] | a whole training: embed, fit, evaluate before and after |
//! | [`control`], [`event`] | pause and stop; progress |
//! | [`checkpoint`] | the state of a run as a file |
//! | [`report`], [`outcome`] | results on test questions, in all and one by one |

pub mod bags;
pub mod checkpoint;
pub mod control;
pub mod data;
mod error;
pub mod event;
pub mod fit;
pub mod job;
pub mod learner;
mod neighbours;
pub mod objective;
pub mod outcome;
pub mod report;
pub mod settings;
pub mod whiten;

pub use crate::cache::EmbeddingCache;
pub use checkpoint::{Checkpoint, State};
pub use control::Control;
pub use data::{Fingerprint, Pairs};
pub use error::TrainError;
pub use event::{Epoch, Event, Note};
pub use fit::{Fit, Fitted};
pub use job::{Baseline, Job, Source, Trained};
pub use objective::Loss;
pub use outcome::{Task, TestOutcome};
pub use report::{BatchFigures, PoolFigures, Report};
pub use settings::{
    ModelSelection, Recipe, Schedule, Settings, SettingsError, Trainable, UnknownRecipe,
};
