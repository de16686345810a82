//! Encoders: functions from inputs to vectors.
//!
//! An encoder maps an input (a text, an image, a record) to a vector of fixed length, and a batch of
//! `n` inputs to `[n, d]`. Most encoders are large and *frozen*: training changes only the
//! [`head`](crate::head), so each vector is computed once. This module holds combinators; for encoders
//! that compute vectors, see the implementors of [`Encoder`].
//!
//! | combinator | description | trainable | source |
//! | --- | --- | --- | --- |
//! | [`Concatenated`] | concatenates the vectors of several encoders of a record: `y = [e₁(r₁); e₂(r₂); …]`, in order of their names | if a part is | `quaterion_models/model.py` |
//! | [`Switch`] | encodes each record with one of several encoders, chosen by name | if a part is | `quaterion_models/encoders/switch_encoder.py` |
//! | [`Frozen`] | detaches an encoder from the gradient | no | |
//! | [`Cached`] | computes each vector of a frozen encoder once | no | `quaterion/train/cache` |
//! | [`SimilarityModel`] | an encoder followed by a head | if a part is | `quaterion_models/model.py` |
//!
//! Combinators are encoders, so they can be nested. Parameter names are prefixed with the name of
//! their part: `title.table`, `encoder.title.table`.
//!
//! # Vector cache
//!
//! [`CachePolicy`] selects where [`Cached`] stores vectors. The key is the *content* of the input.
//! Quaterion uses the row number (`quaterion/train/cache_mixin.py`), so an edited row silently gets the
//! vector of its old content.
//!
//! | policy | location of the vectors | Quaterion |
//! | --- | --- | --- |
//! | [`None`](CachePolicy::None) | none; each batch is encoded again | `NONE` |
//! | [`Memory`](CachePolicy::Memory) | main memory, copied to the encoder's device batch by batch | `CPU` |
//! | [`Auto`](CachePolicy::Auto) | device of the encoder's tensors | `AUTO`, `GPU` |
//! | [`Disk`](CachePolicy::Disk) | main memory and a [`VectorStore`], across runs | `save_dir` |
//!
//! A training run over a cached encoder still reads every row for its labels. If reading is slow,
//! [`Remembered`](crate::dataset::Remembered) stores vectors and labels and reads each row once
//! (Quaterion's label cache).

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

/// Maps a batch of inputs to embeddings, one per row.
///
/// Encoders are independent of heads: they return pooled vectors without normalisation, because a
/// [`head`](crate::head) may be trained on either form.
///
/// # Example
///
/// A custom encoder that counts letters and multiplies the counts by trainable weights:
///
/// ```
/// use nearsay_core::{encoder::{CachePolicy, Cached, Encoder, Frozen}, matrix::{Matrix, ShapeError}, tensor::Tensor};
///
/// /// Frequency of each letter, times a weight per letter.
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
///         // A constant on the device of the weights; the gradient flows to the weights.
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
/// // A trainable encoder must be frozen before it can be cached.
/// assert!(Cached::text(&letters, CachePolicy::Auto).is_err());
/// let cached = Cached::text(Frozen(&letters), CachePolicy::Auto).unwrap();
/// assert_eq!(cached.encode(&["abba", "b"]).unwrap(), vectors);
/// # Ok::<(), ShapeError>(())
/// ```
pub trait Encoder<T: Tensor> {
    /// Input type, for example `str`.
    type Input: ?Sized;
    /// Error of encoding.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Embedding length.
    fn dim(&self) -> usize;

    /// Whether training changes this encoder. Embeddings of a frozen encoder may be cached.
    fn trainable(&self) -> bool;

    /// Encodes a batch in order: `n` inputs → `[n, dim]`.
    ///
    /// # Errors
    /// The encoder's error, for example a tokenizer or tensor failure.
    fn encode(&self, batch: &[&Self::Input]) -> Result<T, Self::Error>;

    /// Names and values of the trainable weights, in a fixed order.
    fn parameters(&self) -> Vec<(&str, &T)> {
        Vec::new()
    }
}

macro_rules! forward_encoder {
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

forward_encoder!(&E, Box<E>);

#[cfg(test)]
pub(crate) mod tests;
