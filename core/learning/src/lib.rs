//! The metric-learning core: everything needed to train and measure embeddings.
//!
//! An [`encoder`] turns a text into a vector. A [`head`], a small trainable layer, moves vectors so
//! that a question lies near its own answer. The [`loss`] needs only the pairs: every other answer in
//! the batch is a negative. [`metric`] and [`evaluate`] measure retrieval.
//!
//! | module | holds |
//! | --- | --- |
//! | [`tensor`], [`matrix`] | the [`Tensor`](tensor::Tensor) trait and [`Matrix`](matrix::Matrix), a plain `f32` implementation |
//! | [`sample`] | pairs, groups and the batch targets made of them |
//! | [`distance`] | cosine, dot product, Euclidean, Manhattan |
//! | [`head`], [`encoder`], [`loss`], [`metric`] | one file per member, each generic over `Tensor` |
//! | [`memory`] | embeddings of earlier batches, for losses that use them |
//! | [`dataset`] | samples by index, seeded batches, samples turned into embeddings |
//! | [`evaluate`] | metrics of a whole data set, or of a random part of it |
#![cfg_attr(
    feature = "candle",
    doc = "| [`candle`] | `Tensor` for candle, with gradients; optimisers; gradient caching; devices |"
)]
//!
//! Without features the crate is `no_std` with an allocator. `std` (default) makes settings
//! serialisable; `candle` adds training with automatic gradients; `cuda`, `metal`, `mkl` and
//! `accelerate` are candle's own.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod dataset;
pub mod distance;
pub mod encoder;
pub mod evaluate;
pub mod head;
pub mod loss;
pub mod matrix;
pub mod memory;
pub mod metric;
pub mod sample;
pub mod tensor;

#[cfg(feature = "candle")]
pub mod candle;
#[cfg(feature = "candle")]
pub use candle_core;
