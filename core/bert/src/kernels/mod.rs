//! Operations between the matrix products, each in one pass over memory with the widest vector instructions of the
//! processor, chosen at run time.
//!
//! All lengths are multiples of `LANES`; see `ragged::fits`.

mod attention;
mod elementary;
mod gelu;
mod norm;
mod quantize;

pub(crate) use attention::{Attention, Scratch, TILE, multiply, padded_shape, reset, softmax};
pub use elementary::exp;
pub(crate) use gelu::{BiasGelu, gelu, gelu_derivative};
pub(crate) use norm::{AddNorm, standardize};
pub(crate) use quantize::Quantize;

/// At least the number of `f32` lanes of any processor's vectors.
pub(crate) const LANES: usize = 16;

#[cfg(test)]
mod tests;
