use super::BoxError;
use crate::matrix::{Matrix, ShapeError};
use alloc::boxed::Box;
use core::{error::Error, fmt};

/// Keeps vectors beyond the life of a program, by the content they were made of.
///
/// On disk that is `nearsay::cache::EmbeddingCache` (feature `std`).
pub trait VectorStore {
    /// The vectors of these contents, `[n, d]`, in the order given.
    ///
    /// `encode` is asked for those that are not kept, by their places in `contents` (each content
    /// once), and gives one row for each; these are kept from then on.
    ///
    /// # Errors
    /// When something cannot be read or written, or what `encode` reports.
    fn vectors(
        &self,
        contents: &[&[u8]],
        encode: &mut dyn FnMut(&[usize]) -> Result<Matrix, BoxError>,
    ) -> Result<Matrix, BoxError>;
}

/// Where the vectors of a frozen encoder are kept.
#[derive(Default)]
pub enum CachePolicy<'a, T> {
    /// Nowhere: each batch is encoded anew.
    None,
    /// In main memory; a batch is put on the encoder's device when it is asked for.
    Memory,
    /// Where the encoder's tensors are, for example in the memory of the graphics card. The default.
    #[default]
    Auto,
    /// In a store that outlives the program, and in main memory once they were asked for.
    Disk {
        /// The store; it must be for this encoder alone.
        store: Box<dyn VectorStore + 'a>,
        /// Any tensor on the device where vectors are wanted.
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

/// Why a cached encoder could not encode a batch: `E` is the encoder's error, `T` the tensor library's.
#[derive(Debug)]
#[non_exhaustive]
pub enum CachedError<E, T> {
    /// The encoder failed.
    Encoder(E),
    /// The encoder gave a tensor of another shape than it promised.
    Shape {
        /// `(inputs, length of a vector)`.
        expected: (usize, usize),
        /// `(rows, columns)` given.
        found: (usize, usize),
    },
    /// The store failed.
    Store(BoxError),
    /// Vectors in main memory could not be put together.
    Memory(ShapeError),
    /// The tensor library failed.
    Tensor(T),
}

impl<E: fmt::Display, T: fmt::Display> fmt::Display for CachedError<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoder(error) => error.fmt(f),
            Self::Shape { expected, found } => write!(
                f,
                "the encoder gave {}×{} numbers for {} inputs of {} each",
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
