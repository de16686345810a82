//! Exact nearest answers by vectors and keywords, and how far to trust them.
//!
//! | module | holds |
//! | --- | --- |
//! | [`index`] | exact top-k search: dense and, with `std`, hybrid |
//! | [`calibration`] | scores to confidence; risk–coverage |
#![cfg_attr(
    feature = "std",
    doc = "| [`expansion`] | document expansion in embedding space |\n| [`prototype`] | scoring by the mean of an answer's paraphrases |"
)]
//!
//! Without features the crate is `no_std` with an allocator.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod calibration;
#[cfg(feature = "std")]
pub mod expansion;
pub mod index;
#[cfg(feature = "std")]
pub mod prototype;
