use crate::matrix::ShapeError;
use alloc::string::String;
use core::fmt;

/// Error of building or using a head; `E` is the tensor back end's error.
#[derive(Clone, Debug, PartialEq)]
pub enum HeadError<E> {
    /// The configuration is invalid, for the reason in the message.
    Config(String),
    /// A weight is missing.
    Missing {
        /// Name of the weight.
        name: String,
    },
    /// A weight doesn't belong to the head or occurs more than once.
    Unknown {
        /// Name of the weight.
        name: String,
    },
    /// A weight has the wrong shape.
    Shape {
        /// Name of the weight.
        name: String,
        /// Expected `(rows, columns)`.
        expected: (usize, usize),
        /// Actual `(rows, columns)`.
        found: (usize, usize),
    },
    /// The embeddings have the wrong length.
    Width {
        /// Input length of the head.
        expected: usize,
        /// Length of the embeddings.
        found: usize,
    },
    /// A [`Switch`](super::Switch) was called without encoder names.
    Unrouted,
    /// The number of encoder names differs from the number of rows.
    Names {
        /// Rows of the batch.
        rows: usize,
        /// Number of names.
        names: usize,
    },
    /// A [`Switch`](super::Switch) has no head for an encoder.
    NoHead {
        /// Name of the encoder.
        encoder: String,
    },
    /// Folded layers have mismatched shapes.
    Fold(ShapeError),
    /// The tensor back end failed.
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
            Self::Config(message) => f.write_str(message),
            Self::Missing { name } => write!(f, "weight {name} of the head is missing"),
            Self::Unknown { name } => {
                write!(f, "weight {name} is unknown to the head or occurs twice")
            }
            Self::Shape {
                name,
                expected,
                found,
            } => write!(
                f,
                "weight {name} of the head has shape {2}×{3}; expected {0}×{1}",
                expected.0, expected.1, found.0, found.1
            ),
            Self::Width { expected, found } => write!(
                f,
                "the head expects embeddings of length {expected}, got length {found}"
            ),
            Self::Unrouted => write!(
                f,
                "a switch head needs the encoder name of each row; call forward_routed"
            ),
            Self::Names { rows, names } => write!(
                f,
                "got {names} encoder names for {rows} embeddings; pass one per embedding"
            ),
            Self::NoHead { encoder } => {
                write!(f, "the switch has no head for encoder {encoder:?}")
            }
            Self::Fold(error) => write!(f, "the layers of the head can't be folded: {error}"),
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
