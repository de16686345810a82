//! Layer 3: what turns inputs into vectors.

use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Turns a batch of inputs into embeddings, one a row.
///
/// An encoder knows nothing of the head behind it: it gives the pooled vectors as they are, not
/// normalised, since a head may be trained on either (see [`crate::head`]).
pub trait Encoder<T: Tensor> {
    /// One input, for example `str`.
    type Input: ?Sized;
    /// What can go wrong while encoding.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Length of an embedding.
    fn dim(&self) -> usize;

    /// Whether training changes this encoder. The embeddings of one that is frozen may be cached.
    fn trainable(&self) -> bool;

    /// Encodes a batch: `n` inputs → `[n, dim]`, in the order given.
    ///
    /// # Errors
    /// What the encoder reports, for example a tokenizer or tensor failure.
    fn encode(&self, batch: &[&Self::Input]) -> Result<T, Self::Error>;

    /// The names and values of the weights that training may change, in a fixed order.
    fn parameters(&self) -> Vec<(&str, &T)> {
        Vec::new()
    }
}
