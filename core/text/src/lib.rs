//! Text to vectors without a neural network.
//!
//! | module | holds |
//! | --- | --- |
//! | [`wordpiece`] | BERT's uncased tokenizer: a text to token ids |
//! | [`compact`] | static embeddings: the mean of the rows of a text's tokens |
#![cfg_attr(feature = "std", doc = "| [`bm25`] | BM25 over character n-grams |")]
//!
//! Without features the crate is `no_std` with an allocator. `std` (default) adds BM25; `english`
//! adds the compact English encoder (8 MB).
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
pub mod bm25;
pub mod compact;
pub mod wordpiece;
