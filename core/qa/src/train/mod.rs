//! Layer 9: training a head over a frozen encoder, or the table of a static one.
//!
//! [`embed`](crate::cache::EmbeddingCache::embed) turns texts into vectors once and keeps them on disk;
//! [`Fit`] learns from the vectors and tells what it does by [`Event`]s; a [`Control`] pauses and
//! stops it from elsewhere; a [`checkpoint`] lets a run that was killed go on exactly where it was.
//!
//! | module | holds |
//! | --- | --- |
//! | [`settings`] | recipes and what they stand for |
//! | [`data`], [`bags`] | rows of an FAQ as pairs of vectors or of token ids |
//! | [`learner`] | what a run changes step by step |
//! | [`whiten`] | what a head may start from |
//! | [`fit`] | the loop |
//! | [`job`] | all of it: embed, fit, measure before and after |
//! | [`control`], [`event`] | what goes in and comes out while it runs |
//! | [`checkpoint`] | the state of a run as bytes |
//! | [`report`] | before and after, on questions kept aside |

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
pub mod report;
pub mod settings;
pub mod whiten;

pub use crate::cache::EmbeddingCache;
pub use checkpoint::{Checkpoint, State};
pub use control::Control;
pub use data::Pairs;
pub use error::TrainError;
pub use event::{Epoch, Event};
pub use fit::{Fit, Fitted};
pub use job::{Job, Source, Trained};
pub use report::{BatchFigures, PoolFigures, Report};
pub use settings::{Keep, Learns, Recipe, Schedule, Settings};
