//! Metric learning for question answering, from the tensor up to a folder that can be served.
//!
//! An [`encoder`] turns a text into a vector. A [`head`], a small trainable layer on top, moves
//! vectors so that a question lies near its own answer and far from the others. The [`loss`] that
//! teaches this needs only the pairs themselves: every other answer in the batch is a negative.
//! Answers are embedded once; asking is one encode and one nearest-neighbour search in an [`index`].
//!
//! # Layers
//!
//! Each layer uses only the ones above it.
//!
//! | layer | module | needs | holds |
//! | --- | --- | --- | --- |
//! | 0 | [`tensor`], [`matrix`] | `alloc` | the [`Tensor`](tensor::Tensor) trait: all that a head, loss, distance or metric asks of a tensor library; [`Matrix`](matrix::Matrix), a plain `f32` implementation |
//! | 1 | [`sample`] | `alloc` | pairs, groups and the batch targets made of them |
//! | 2 | [`distance`] | `alloc` | cosine, dot product, Euclidean, Manhattan |
//! | 3 | [`head`], [`encoder`], [`loss`], [`metric`] | `alloc` | one file per member, each generic over `Tensor` |
//! | 3 | [`wordpiece`] | `alloc` | BERT's uncased tokenizer: a text to the ids an encoder takes |
//! | 3 | [`compact`] | `alloc` | an encoder that is a table: text to vector without an operating system |
//! | 3 | [`calibration`] | `alloc` | how probably an answer of some score is right; what silence below a score costs |
//! | 3 | [`memory`] | `alloc` | embeddings of earlier batches, for losses that can use them |
#![cfg_attr(
    feature = "std",
    doc = "| 3 | [`lexical`] | `std` | words that a question shares with an answer: exact BM25 of all |"
)]
//! | 4 | [`index`] | `alloc` | nearest answers: exact top-k, by meaning and with `std` by words too |
//! | 4 | [`dataset`] | `alloc` | samples by number, seeded batches of them, samples turned into embeddings |
//! | 5 | [`evaluate`] | `alloc` | metrics of a whole data set, or of samples of it |
#![cfg_attr(
    feature = "std",
    doc = "| 5 | [`store`] | `std` | the one door to disk: real, in memory, and failing on purpose |\n| 5 | [`faq`] | `std` | reading FAQ files into rows; problems with line numbers; splits |\n| 6 | [`cache`] | `std` | embeddings on disk, by model and content |\n| 6 | [`model`] | `std` | the files of a sentence-transformers model, from a folder or an archive |\n| 6 | [`saved_head`] | `std` | a head by itself, as a folder: save and load |"
)]
#![cfg_attr(
    feature = "candle",
    doc = "| 7 | [`candle`] | `candle` | `Tensor` for candle; the BERT encoder; optimisers; devices |\n| 7 | [`distill`] | `candle` | distils a sentence encoder into the compact encoder |\n| 7 | [`expansion`] | `candle` | answers moved towards the questions of answers like them |\n| 8 | [`servable`] | `candle` | the exported folder: write, verify, load, answer |"
)]
#![cfg_attr(
    feature = "train",
    doc = "| 9 | [`train`] | `train` | the fit loop: recipes, epochs, events, pause/stop/resume, best checkpoint |"
)]
//!
//! # Features
//!
//! Without any, the crate is `no_std` with an allocator and needs two small crates: `libm` for the
//! roots and exponentials that `core` lacks, and `fastrand` for seeded numbers, chosen because it
//! has no dependencies, works without std and its whole state is one integer.
//!
//! | feature | adds | for |
//! | --- | --- | --- |
//! | `std` (default) | `serde`, `serde_json` | FAQ files, settings, reports |
//! | | `safetensors`, `sha2`, `zip` | weights that cannot run code, checked byte by byte, out of archives too; the versions candle shares |
//! | | `fs4` | free space on a disk; locks are std's |
//! | | `unicode-normalization` | equal answers stay equal whichever way accents are encoded; words match without them |
//! | `candle` | `candle-core`, `candle-nn`, `candle-transformers` | tensors with gradients; the network where ours does not fit |
//! | | `gemm`, `pulp`, `rayon` | the unpadded forward of the encoder and the training of heads: products, vector instructions chosen at run time, all cores |
//! | | `tokenizers` | the tokenizers of sentence-transformers models |
//! | `train` | nothing more | the fit loop |
//! | `cuda`, `metal`, `mkl`, `accelerate` | candle's own | passed through; never run here |
//!
//! # Unsafe code
//!
//! One module has it, `kernel`: products and scans by instructions that no safe crate offers, each with
//! a plain version beside it that runs everywhere and that it is tested against. The lint denies it
//! everywhere else.
//!
//! # Where this differs from the plan, and why
//!
//! - The encoder, the heads and fine-tuning run on plain slices, with gradients written by hand, where a
//!   closed form is known; candle's autograd stays for all else, and is what they are tested against or
//!   run beside. Autograd passes over memory once for every operation, which was most of its time.
//! - The trait has 19 operations of its own: `select_rows` and `concat_columns` stand for splitting a
//!   batch, picking negatives, building a matrix column by column and joining encoders; `erf` is
//!   there for the exact GELU, which the others cannot make with its gradient.
//! - `Tensor` is implemented for `candle_core::Tensor` itself, without a wrapper: nothing was to be
//!   hidden, and a wrapper would have to be taken off at every border.
//! - `servable` stands above `candle`, because a folder that only lists its files answers nothing.
//! - `FaultStore` fails the n-th *step* (create, write, sync, rename) rather than the n-th call, so
//!   that a fault can fall inside an atomic write.
//! - The training loop (`train::Fit`) knows only a *learner*: a head over
//!   cached vectors, the rows of a static table, the weights of a network. It saves, resumes, goes back and stops all alike.
//! - Answers are compared by vectors that are moved towards questions (`expansion`): those of answers like
//!   them, where that wins on questions not learned from, else their own. The plan knew of no such step; it is
//!   worth as much as a recipe, and the folder carries its result, so that other readers need no new code.
//! - A network that learned from few pairs is kept unless it is worse on questions not learned from; the plan
//!   wanted it to be better. Such questions cannot show what it learns best, other wordings of those it has seen.
//! - The compact encoder is one file of its own format ([`compact::CompactFile`]), read in place:
//!   safetensors would need a JSON parser and memory where there is no operating system. A trained
//!   table is exported as safetensors, in full numbers, as sentence-transformers has it.
//! - Tables of Unicode for [`wordpiece`] are generated from the crates below `tokenizers`, whose
//!   versions of Unicode decide what ids a text gets; a crate of today's Unicode would differ.
//! - Heads say their weights as plain numbers by name ([`head::Weights`]) and are put on a tensor
//!   library by [`head::HeadConfig::build`]: saving, resuming and exporting need no tensors at all.
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
#[allow(unsafe_code)] // the one place; see there
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
pub mod saved_head;
#[cfg(feature = "std")]
pub mod store;

#[cfg(feature = "candle")]
pub mod answer_index;
#[cfg(feature = "candle")]
pub mod candle;
#[cfg(feature = "candle")]
pub mod distill;
#[cfg(feature = "candle")]
pub mod expansion;
#[cfg(feature = "candle")]
pub mod servable;

#[cfg(feature = "train")]
pub mod train;
