//! Metric learning for question answering: train a model on an FAQ, evaluate it, ask it, save it.
//!
//! An [`encoder`] turns a text into a vector. A [`head`], a small trainable layer, moves vectors so that a
//! question lies near its own answer. The [`loss`] needs only the pairs themselves: every other answer
//! in the batch is a negative. Answers are embedded once; asking is one encode and one hybrid search.
#![cfg_attr(
    feature = "train",
    doc = r#"
# Example

```
use nearsay_core::{Dataset, TextEncoder, Trainer};

# fn main() -> Result<(), nearsay_core::trainer::Error> {
let data = Dataset::from_pairs([
    ("When do you open?", "We open at nine."),
    ("What are your opening hours?", "We open at nine."),
    ("Is parking free?", "Parking is free on weekends."),
    ("How do I get a card?", "Bring proof of your address."),
    ("What if I lose my card?", "A replacement costs two euros."),
])
.split(0.3, 42)?;

let model = Trainer::new(TextEncoder::builtin()?).epochs(5).fit(&data)?;
println!("{}", model.evaluate(&data.validation)?);
let found = model.ask("are you open at eight", 1)?;
assert_eq!(found[0].answer.answer, "We open at nine.");
# let dir = std::env::temp_dir().join("nearsay-front-page");
# let _ = std::fs::remove_dir_all(&dir);
# let dir = &dir;
model.save(dir)?;
# Ok(()) }
```

`cargo run --features train --example NAME` runs `train_head`, `custom_loss`, `custom_encoder`,
`evaluate`, `export` and `serve`."#
)]
//!
//! # Modules
//!
//! | module | feature | contents |
//! | --- | --- | --- |
//! | [`tensor`], [`matrix`] | | the [`Tensor`](tensor::Tensor) trait, which heads, losses, distances and metrics are generic over; [`Matrix`](matrix::Matrix), a plain `f32` implementation |
//! | [`sample`], [`dataset`] | | pairs and groups, batch targets, seeded batches |
//! | [`distance`], [`loss`], [`head`], [`metric`] | | one file per member, each generic over `Tensor` |
//! | [`encoder`], [`evaluate`] | | the [`Encoder`](encoder::Encoder) trait and its combinators; metrics of a whole data set |
//! | [`memory`] | | cross-batch memory for losses that support it |
//! | [`wordpiece`], [`compact`] | | BERT's uncased tokenizer; static embeddings, which need no operating system |
//! | [`calibration`], [`index`] | | confidence; exact top-k search |
#![cfg_attr(
    feature = "std",
    doc = "| [`lexical`] | `std` | character-n-gram BM25 |\n| [`faq`] | `std` | FAQ files to rows; problems with positions; splits |\n| [`store`] | `std` | atomic files and locks |\n| [`cache`], [`model`] | `std` | embeddings on disk; the files of a sentence-transformers model |"
)]
#![cfg_attr(
    feature = "candle",
    doc = "| [`candle`] | `candle` | `Tensor` for candle, transformers on the CPU, optimisers |\n| [`expansion`], [`servable`] | `candle` | document expansion; the model directory: write, verify, open, ask |"
)]
#![cfg_attr(
    feature = "train",
    doc = "| [`trainer`] | `train` | the front door: [`Trainer`], [`QaModel`], [`Dataset`], [`TextEncoder`] |\n| [`train`] | `train` | recipes, the training loop, events, checkpoints |"
)]
//!
//! # Features
//!
//! Without features the crate is `no_std` with an allocator.
//!
//! | feature | adds |
//! | --- | --- |
//! | `std` (default) | files: FAQ reading, model files, the embedding cache |
//! | `candle` | tensors with gradients, transformers, the model directory; re-exports `candle_core` |
//! | `train` | the training loop and the front door |
//! | `cuda`, `metal`, `mkl`, `accelerate` | candle's own, passed through and untested |
//!
//! # Progress and cancellation
//!
//! Long work reports to a callback with the items done and their number
//! (`&mut dyn FnMut(usize, usize) -> ControlFlow<()>`), or with an event of its own type. A callback that
//! returns [`ControlFlow::Break`](core::ops::ControlFlow::Break) stops the work.
//!
//! # Unsafe code
//!
//! Only the module `kernel` contains unsafe code: vector instructions for products and scans, each beside
//! a safe version that the tests compare it with.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod calibration;
pub mod compact;
pub mod dataset;
pub mod distance;
pub mod encoder;
pub mod evaluate;
pub mod head;
pub mod index;
pub mod loss;
pub mod matrix;
pub mod memory;
pub mod metric;
pub mod sample;
pub mod tensor;
pub mod wordpiece;

#[cfg(feature = "std")]
#[allow(unsafe_code)] // the only module with unsafe code
mod kernel;

#[cfg(feature = "std")]
pub mod cache;
#[cfg(feature = "std")]
pub mod faq;
#[cfg(feature = "std")]
pub mod lexical;
#[cfg(feature = "std")]
pub mod model;
#[cfg(feature = "std")]
pub mod store;

#[cfg(feature = "candle")]
pub mod candle;
#[cfg(feature = "candle")]
pub mod expansion;
#[cfg(feature = "candle")]
pub mod servable;

#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod trainer;

#[cfg(feature = "candle")]
pub use candle_core;
#[cfg(feature = "train")]
pub use trainer::{Dataset, QaModel, Split, TextEncoder, Trainer};
