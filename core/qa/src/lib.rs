//! Turn an FAQ into a question-answering model by metric learning.
//!
//! An encoder turns a text into a vector. A head, a small trainable layer, moves vectors so that a
//! question lies near its own answer and far from the others. Answers are embedded once; asking is
//! one encode and one search.
//!
//! | module | holds |
//! | --- | --- |
//! | [`train`] | training: recipes, epochs, events, pause, stop and resume |
//! | [`answer_index`] | the retrieval engine: search, updates and evaluation |
//! | [`servable`] | the model directory: write, verify, load, answer |
//! | [`cache`] | embeddings on disk, by model and content |
//! | [`distill`] | makes a static encoder of a transformer |
//!
//! The layers below are crates of their own: [`nearsay_core`], [`nearsay_text`], [`nearsay_search`],
//! [`nearsay_model`], [`nearsay_bert`], [`nearsay_faq`], [`nearsay_store`].

pub mod answer_index;
pub mod cache;
pub mod distill;
pub mod servable;
pub mod train;

pub use nearsay_bert;
pub use nearsay_core;
pub use nearsay_core::candle_core;
pub use nearsay_faq;
pub use nearsay_model;
pub use nearsay_search;
pub use nearsay_store;
pub use nearsay_text;
