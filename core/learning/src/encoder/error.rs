use alloc::{boxed::Box, string::String, vec::Vec};
use core::{error::Error, fmt};

/// Boxed error of any type.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Error of combining encoders and heads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ComposeError {
    /// Two parts have the same name.
    Repeated {
        /// Repeated name.
        name: String,
    },
    /// The vectors of a part have the wrong length.
    Dim {
        /// Name of the part.
        name: String,
        /// Expected length.
        expected: usize,
        /// Actual length.
        found: usize,
    },
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { name } => write!(
                f,
                "two parts are named {name}; use a different name for each"
            ),
            Self::Dim {
                name,
                expected,
                found,
            } => write!(
                f,
                "the vectors of {name} have length {found}; expected {expected}"
            ),
        }
    }
}

impl Error for ComposeError {}

/// Error of caching a trainable encoder, whose vectors change during training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFrozen;

impl fmt::Display for NotFrozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the vectors of a trainable encoder can't be cached, because training changes them; \
             freeze the encoder or disable the cache",
        )
    }
}

impl Error for NotFrozen {}

/// Error of encoding a batch with combined encoders.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompositeError {
    /// A part failed.
    Part {
        /// Name of the part.
        name: String,
        /// Error of the part.
        source: BoxError,
    },
    /// A part returned a tensor of the wrong shape.
    Shape {
        /// Name of the part.
        name: String,
        /// `(inputs, embedding length)`.
        expected: (usize, usize),
        /// Actual `(rows, columns)`.
        found: (usize, usize),
    },
    /// A record selected an encoder that doesn't exist.
    Unknown {
        /// Selected name.
        name: String,
        /// Names of the existing encoders.
        known: Vec<String>,
    },
    /// The tensor back end failed to combine the vectors of the parts.
    Tensor(BoxError),
}

impl CompositeError {
    pub(super) fn part(name: &str, source: BoxError) -> Self {
        Self::Part {
            name: name.into(),
            source,
        }
    }

    pub(super) fn tensor(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Tensor(Box::new(error))
    }
}

impl fmt::Display for CompositeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part { name, source } => write!(f, "{name}: {source}"),
            Self::Shape {
                name,
                expected,
                found,
            } => write!(
                f,
                "{name} returned a {}×{} tensor; expected {}×{}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::Unknown { name, known } => write!(
                f,
                "a record selects the encoder {name:?}, which doesn't exist; available: {}",
                known.join(", ")
            ),
            Self::Tensor(error) => error.fmt(f),
        }
    }
}

impl Error for CompositeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Part { source, .. } | Self::Tensor(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}
