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
//! | 1 | [`sample`] | `alloc` | pairs and the batch targets made of them |
//! | 2 | [`distance`] | `alloc` | cosine, dot product, Euclidean, Manhattan |
//! | 3 | [`head`], [`encoder`], [`loss`], [`metric`] | `alloc` | one file per member, each generic over `Tensor` |
//! | 4 | [`index`] | `alloc` | nearest answers: exact top-k |
#![cfg_attr(
    feature = "std",
    doc = "| 5 | [`store`] | `std` | the one door to disk: real, in memory, and failing on purpose |\n| 5 | [`faq`] | `std` | reading FAQ files into rows; problems with line numbers; splits |\n| 6 | [`model`] | `std` | the files of a sentence-transformers model, from a folder or an archive |"
)]
#![cfg_attr(
    feature = "candle",
    doc = "| 7 | [`candle`] | `candle` | `Tensor` for candle; the BERT encoder; optimisers; devices |\n| 8 | [`servable`] | `candle` | the exported folder: write, verify, load, answer |"
)]
#![cfg_attr(
    feature = "train",
    doc = "| 9 | [`train`] | `train` | the fit loop: recipes, epochs, events, pause/stop/resume, best checkpoint |"
)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod distance;
pub mod encoder;
pub mod head;
pub mod index;
pub mod loss;
pub mod matrix;
pub mod metric;
pub mod sample;
pub mod tensor;

#[cfg(feature = "std")]
pub mod faq;
#[cfg(feature = "std")]
pub mod model;
#[cfg(feature = "std")]
pub mod store;

#[cfg(feature = "candle")]
pub mod candle;
#[cfg(feature = "candle")]
pub mod servable;

#[cfg(feature = "train")]
pub mod train;
