//! Metric learning for question answering: train, evaluate, query and save a model of an FAQ.
//!
//! An [`encoder`] turns a text into a vector. A [`head`], a small trainable layer, transforms vectors so that
//! a question lies near its own answer. The [`loss`] needs only pairs of a question and its answer: the other
//! answers in the batch are negatives. Answers are embedded once; a query embeds the question and runs one hybrid
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
//! | [`trainer`] | high-level API: [`Trainer`], [`QaModel`], [`Dataset`], [`TextEncoder`] |
//! | [`train`] | recipes, the training loop, events, checkpoints |
//! | [`answer_index`] | the retrieval engine: search, updates and evaluation |
//! | [`servable`] | the model directory: write, verify, open, search |
//! | [`cache`] | embeddings on disk, keyed by model and content |
//! | [`distill`] | distillation of a transformer into static embeddings |
//! | [`head`], [`loss`], [`encoder`], [`distance`], [`metric`], [`sample`], [`tensor`], [`matrix`] | re-exported from [`nearsay_core`] |
//!
//! Lower layers are separate crates: [`nearsay_core`], [`nearsay_text`], [`nearsay_search`],
//! [`nearsay_model`], [`nearsay_bert`], [`nearsay_faq`], [`nearsay_store`].
//!
//! # Features
//!
//! `cuda`, `metal`, `mkl` and `accelerate` enable candle's features of the same names. They are untested.
//!
//! # Progress and cancellation
//!
//! Long-running functions report to a callback, either the number of items done and the total
//! ([`OnProgress`](cache::OnProgress)), or an event type of their own. A callback that returns
//! [`ControlFlow::Break`](std::ops::ControlFlow::Break) stops the work.

pub mod answer_index;
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
