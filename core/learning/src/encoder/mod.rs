//! Layer 3: what turns inputs into vectors.
//!
//! An encoder maps an input (a text, an image, a whole record) to a vector of fixed length; a batch of
//! `n` inputs to `[n, d]`. Most are large and *frozen*: training leaves them as they are and learns only
//! the [`head`](crate::head) behind them, so their vectors need to be computed but once. The members of
//! this module put encoders together; those that compute something themselves are elsewhere (see
//! [`Encoder`]'s implementors).
//!
//! | member | is | trainable | source |
//! | --- | --- | --- | --- |
//! | [`Concatenated`] | several encoders of one record, vectors side by side: `y = [e₁(r₁); e₂(r₂); …]` in order of their names | if one is | `quaterion_models/model.py` |
//! | [`Switch`] | several encoders of equal length, of which each record chooses one by name | if one is | `quaterion_models/encoders/switch_encoder.py` |
//! | [`Frozen`] | an encoder as it is now, cut off from the gradient | no | |
//! | [`Cached`] | a frozen encoder that computes each vector once | no | `quaterion/train/cache` |
//! | [`SimilarityModel`] | an encoder and the head behind it, as one encoder | if one is | `quaterion_models/model.py` |
//!
//! All are encoders themselves, so they can be put into one another, and parameters get the name of
//! the part they belong to in front: `title.table`, `encoder.title.table`.
//!
//! # Kept vectors
//!
//! [`CachePolicy`] says where [`Cached`] keeps vectors. They are found again by the *content* of the
//! input, never by its place in a list as in Quaterion, where an edited row gets the vector of what
//! stood there before, without any error (`quaterion/train/cache_mixin.py`).
//!
//! | policy | vectors are kept | Quaterion's |
//! | --- | --- | --- |
//! | [`None`](CachePolicy::None) | nowhere; each batch is encoded anew | `NONE` |
//! | [`Memory`](CachePolicy::Memory) | in main memory, put on the encoder's device batch by batch | `CPU` |
//! | [`Auto`](CachePolicy::Auto) | where the encoder's tensors are | `AUTO`, `GPU` |
//! | [`Disk`](CachePolicy::Disk) | in main memory and in a [`VectorStore`], across runs | `save_dir` |
//!
//! A run over cached encoders still reads every row, for its labels. Where reading is slow too, a
//! [`Remembered`](crate::dataset::Remembered) data set keeps vectors and labels and reads each row
//! once (Quaterion's label cache).

mod cached;
mod concatenated;
mod error;
mod frozen;
mod model;
mod parts;
mod policy;
mod rows;
mod switch;

pub use cached::Cached;
pub use concatenated::Concatenated;
pub use error::{BoxError, ComposeError, CompositeError, NotFrozen};
pub use frozen::Frozen;
pub use model::SimilarityModel;
pub use policy::{CachePolicy, CachedError, VectorStore};
pub(crate) use rows::Rows;
pub use switch::Switch;

use crate::tensor::Tensor;
use alloc::{boxed::Box, vec::Vec};

/// Turns a batch of inputs into embeddings, one a row.
///
/// An encoder knows nothing of the head behind it: it gives the pooled vectors as they are, not
/// normalised, since a head may be trained on either (see [`crate::head`]).
///
/// # Example
///
/// An encoder of one's own, here one that counts letters and weighs them with a trainable row:
///
/// ```
/// use crate::{encoder::{CachePolicy, Cached, Encoder, Frozen}, matrix::{Matrix, ShapeError}, tensor::Tensor};
///
/// /// How often each letter of the alphabet occurs, times a weight for each letter.
/// struct Letters<T> {
///     /// `[1, 26]`
///     weights: T,
/// }
///
/// impl<T: Tensor> Encoder<T> for Letters<T> {
///     type Input = str;
///     type Error = T::Error;
///
///     fn dim(&self) -> usize {
///         26
///     }
///
///     fn trainable(&self) -> bool {
///         true
///     }
///
///     fn encode(&self, batch: &[&str]) -> Result<T, T::Error> {
///         let mut counts = vec![0.0; batch.len() * 26];
///         for (text, counts) in batch.iter().zip(counts.chunks_exact_mut(26)) {
///             for letter in text.bytes().filter(u8::is_ascii_lowercase) {
///                 counts[usize::from(letter - b'a')] += 1.0;
///             }
///         }
///         // A constant on the device of the weights; the gradient flows into the weights.
///         self.weights.constant(&counts, batch.len(), 26)?.mul(&self.weights)
///     }
///
///     fn parameters(&self) -> Vec<(&str, &T)> {
///         vec![("weights", &self.weights)]
///     }
/// }
///
/// let letters = Letters { weights: Matrix::new(1, 26, vec![0.5; 26])? };
/// let vectors = letters.encode(&["abba", "b"])?;
/// assert_eq!(vectors.dims(), (2, 26));
/// assert_eq!(vectors.row(0)[..3], [1.0, 1.0, 0.0]);
///
/// // What changes in training is not cached; frozen, it may be.
/// assert!(Cached::text(&letters, CachePolicy::Auto).is_err());
/// let cached = Cached::text(Frozen(&letters), CachePolicy::Auto).unwrap();
/// assert_eq!(cached.encode(&["abba", "b"]).unwrap(), vectors);
/// # Ok::<(), ShapeError>(())
/// ```
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

macro_rules! through {
    ($($pointer:ty),*) => {
        $(impl<T: Tensor, E: Encoder<T> + ?Sized> Encoder<T> for $pointer {
            type Input = E::Input;
            type Error = E::Error;

            fn dim(&self) -> usize {
                (**self).dim()
            }

            fn trainable(&self) -> bool {
                (**self).trainable()
            }

            fn encode(&self, batch: &[&E::Input]) -> Result<T, E::Error> {
                (**self).encode(batch)
            }

            fn parameters(&self) -> Vec<(&str, &T)> {
                (**self).parameters()
            }
        })*
    };
}

through!(&E, Box<E>);

#[cfg(test)]
pub(crate) mod tests;
