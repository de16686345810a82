//! Metric learning for question answering: train a model on an FAQ, evaluate it, ask it, save it.
//!
//! An [`encoder`] turns a text into a vector. A [`head`], a small trainable layer, moves vectors so that
//! a question lies near its own answer. The [`loss`] needs only the pairs themselves: every other
//! answer in the batch is a negative. Answers are embedded once; asking is one encode and one hybrid
//! search.
//!
//! # Example
//!
//! ```
//! use nearsay::{Dataset, TextEncoder, Trainer};
//!
//! # fn main() -> Result<(), nearsay::trainer::Error> {
//! let data = Dataset::from_pairs([
//!     ("When do you open?", "We open at nine."),
//!     ("What are your opening hours?", "We open at nine."),
//!     ("Is parking free?", "Parking is free on weekends."),
//!     ("How do I get a card?", "Bring proof of your address."),
//!     ("What if I lose my card?", "A replacement costs two euros."),
//! ])
//! .split(0.3, 42)?;
//!
//! let model = Trainer::new(TextEncoder::builtin()?).epochs(5).fit(&data)?;
//! println!("{}", model.evaluate(&data.validation)?);
//! let found = model.ask("what time do you open", 1)?;
//! assert_eq!(found[0].answer.answer, "We open at nine.");
//! # let dir = std::env::temp_dir().join(format!("nearsay-front-page-{}", std::process::id()));
//! # let dir = &dir;
//! model.save(dir)?;
//! # std::fs::remove_dir_all(dir).ok();
//! # Ok(()) }
//! ```
//!
//! `cargo run -p nearsay --example NAME` runs `train_head`, `custom_loss`, `custom_encoder`, `evaluate`,
//! `export` and `serve`.
//!
//! # Modules
//!
//! | module | contents |
//! | --- | --- |
//! | [`trainer`] | the front door: [`Trainer`], [`QaModel`], [`Dataset`], [`TextEncoder`] |
//! | [`train`] | recipes, the training loop, events, checkpoints |
//! | [`servable`] | the model directory: write, verify, open, ask |
//! | [`cache`] | embeddings on disk, keyed by model and content |
//! | [`distill`] | makes a static encoder from a transformer |
//! | [`head`], [`loss`], [`encoder`], [`distance`], [`metric`], [`sample`], [`tensor`], [`matrix`] | re-exported from [`nearsay_core`] |
//!
//! The layers below are crates of their own: [`nearsay_core`], [`nearsay_text`], [`nearsay_search`],
//! [`nearsay_model`], [`nearsay_bert`], [`nearsay_faq`], [`nearsay_store`].
//!
//! # Features
//!
//! `cuda`, `metal`, `mkl` and `accelerate` are candle's own. They are passed through and untested.
//!
//! # Progress and cancellation
//!
//! Long work reports to a callback with the items done and their number
//! ([`OnProgress`](cache::OnProgress)), or with an event of its own type. A callback that returns
//! [`ControlFlow::Break`](std::ops::ControlFlow::Break) stops the work.

pub mod cache;
pub mod distill;
pub mod servable;
pub mod train;
pub mod trainer;

pub use trainer::{Dataset, QaModel, Split, TextEncoder, Trainer};

pub use nearsay_bert;
pub use nearsay_core;
pub use nearsay_core::{
    candle_core, distance, encoder, head, loss, matrix, metric, sample, tensor,
};
pub use nearsay_faq;
pub use nearsay_model;
pub use nearsay_search;
pub use nearsay_store;
pub use nearsay_text;
