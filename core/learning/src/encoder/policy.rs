use super::BoxError;
use crate::matrix::{Matrix, ShapeError};
use alloc::boxed::Box;
use core::{error::Error, fmt};

/// Persistent store of vectors by the content of their inputs.
///
/// The implementation on disk is `nearsay::cache::EmbeddingCache` (feature `std`).
pub trait VectorStore {
    /// Returns the vectors of `contents`, `[n, d]`, in order.
    ///
    /// For contents without a stored vector, `encode` gets their indices in `contents` (each content
    /// once) and returns one row per index; the store keeps these rows.
    ///
    /// # Errors
    /// If reading or writing fails; the error of `encode`.
    fn vectors(
        &self,
        contents: &[&[u8]],
        encode: &mut dyn FnMut(&[usize]) -> Result<Matrix, BoxError>,
    ) -> Result<Matrix, BoxError>;
}

/// Location of the cached vectors of a frozen encoder.
#[derive(Default)]
pub enum CachePolicy<'a, T> {
    /// No cache: each batch is encoded again.
    None,
    /// Main memory; batches are copied to the encoder's device on request.
    Memory,
    /// Device of the encoder's tensors, for example GPU memory. The default.
    #[default]
    Auto,
    /// A persistent store; vectors also stay in main memory after their first use.
    Disk {
        /// Store for the vectors of this encoder only.
        store: Box<dyn VectorStore + 'a>,
        /// Any tensor on the target device.
        like: T,
    },
}

impl<T> fmt::Debug for CachePolicy<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Memory => "Memory",
            Self::Auto => "Auto",
            Self::Disk { .. } => "Disk",
        })
    }
}

/// Error of encoding a batch with a cached encoder; `E` is the encoder's error, `T` the tensor back
/// end's.
#[derive(Debug)]
#[non_exhaustive]
pub enum CachedError<E, T> {
    /// The encoder failed.
    Encoder(E),
    /// The encoder returned a tensor of the wrong shape.
    Shape {
        /// `(inputs, embedding length)`.
        expected: (usize, usize),
        /// Actual `(rows, columns)`.
        found: (usize, usize),
    },
    /// The store failed.
    Store(BoxError),
    /// Vectors in main memory have mismatched shapes.
    Memory(ShapeError),
    /// The tensor back end failed.
    Tensor(T),
}

impl<E: fmt::Display, T: fmt::Display> fmt::Display for CachedError<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoder(error) => error.fmt(f),
            Self::Shape { expected, found } => write!(
                f,
                "the encoder returned a {}×{} tensor; expected {}×{}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::Store(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
            Self::Tensor(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static, T: Error + 'static> Error for CachedError<E, T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Encoder(error) => Some(error),
            Self::Store(error) => Some(error.as_ref()),
            Self::Memory(error) => Some(error),
            Self::Tensor(error) => Some(error),
            Self::Shape { .. } => None,
        }
    }
}
