use crate::matrix::ShapeError;
use alloc::string::String;
use core::fmt;

/// Why a head cannot be put together or used; `E` is the tensor back end's error.
#[derive(Clone, Debug, PartialEq)]
pub enum HeadError<E> {
    /// The configuration cannot work; the sentence says why.
    Config(String),
    /// The weights lack one that the configuration asks for.
    Missing {
        /// Its name.
        name: String,
    },
    /// There is a weight that the configuration does not ask for, or one twice.
    Unknown {
        /// Its name.
        name: String,
    },
    /// A weight has another shape than the configuration asks for.
    Shape {
        /// Its name.
        name: String,
        /// `(rows, columns)` asked for.
        expected: (usize, usize),
        /// `(rows, columns)` found.
        found: (usize, usize),
    },
    /// The embeddings are of another length than the head takes.
    Width {
        /// Length the head takes.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// A [`Switch`](super::Switch) was not told where the rows come from.
    Unrouted,
    /// There is not one encoder's name for each row.
    Names {
        /// Rows of the batch.
        rows: usize,
        /// Names given.
        names: usize,
    },
    /// A [`Switch`](super::Switch) has no head for an encoder.
    NoHead {
        /// The encoder's name.
        encoder: String,
    },
    /// Folded layers do not follow on.
    Fold(ShapeError),
    /// The tensor library failed.
    Tensor(E),
}

impl<E> From<E> for HeadError<E> {
    fn from(error: E) -> Self {
        Self::Tensor(error)
    }
}

impl<E: fmt::Display> fmt::Display for HeadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(sentence) => f.write_str(sentence),
            Self::Missing { name } => write!(f, "the head's weights lack {name}"),
            Self::Unknown { name } => {
                write!(f, "the head has no weight {name}, or it is there twice")
            }
            Self::Shape {
                name,
                expected,
                found,
            } => write!(
                f,
                "the head's weight {name} should be {}×{}, but is {}×{}",
                expected.0, expected.1, found.0, found.1
            ),
            Self::Width { expected, found } => write!(
                f,
                "the head takes embeddings of length {expected}, but these have length {found}"
            ),
            Self::Unrouted => write!(
                f,
                "this head chooses by the encoder that a row comes from; give their names \
                 (forward_routed)"
            ),
            Self::Names { rows, names } => write!(
                f,
                "{names} names of encoders do not go with {rows} embeddings; give one each"
            ),
            Self::NoHead { encoder } => write!(f, "there is no head for the encoder {encoder:?}"),
            Self::Fold(error) => write!(f, "the head's layers do not follow on: {error}"),
            Self::Tensor(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for HeadError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Fold(error) => Some(error),
            Self::Tensor(error) => Some(error),
            _ => None,
        }
    }
}
