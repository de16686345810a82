use alloc::{boxed::Box, string::String, vec::Vec};
use core::{error::Error, fmt};

/// Any error, for places where several kinds come together.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why encoders cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ComposeError {
    /// Two parts have the same name.
    Repeated {
        /// The name.
        name: String,
    },
    /// A part gives vectors of another length than it should.
    Dim {
        /// Name of the part.
        name: String,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        found: usize,
    },
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeated { name } => write!(
                f,
                "there are two parts named {name}; give each a name of its own"
            ),
            Self::Dim {
                name,
                expected,
                found,
            } => write!(
                f,
                "the vectors of {name} have length {found}, but should have length {expected}"
            ),
        }
    }
}

impl Error for ComposeError {}

/// The encoder to be cached changes in training, so that its vectors would soon be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFrozen;

impl fmt::Display for NotFrozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the vectors of a trainable encoder cannot be kept, since training changes them; \
             freeze the encoder, or encode anew each time",
        )
    }
}

impl Error for NotFrozen {}

/// Why encoders that were put together could not encode a batch.
#[derive(Debug)]
#[non_exhaustive]
pub enum CompositeError {
    /// A part failed.
    Part {
        /// Its name.
        name: String,
        /// What it reported.
        source: BoxError,
    },
    /// A part gave a tensor of another shape than it promised.
    Shape {
        /// Its name.
        name: String,
        /// `(inputs, length of a vector)`.
        expected: (usize, usize),
        /// `(rows, columns)` given.
        found: (usize, usize),
    },
    /// A record asks for an encoder that there is not.
    Unknown {
        /// The name it asks for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The tensor library failed to put the parts together.
    Tensor(BoxError),
}

impl CompositeError {
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
                "{name} gave {}×{} numbers for {} inputs of {} each",
                found.0, found.1, expected.0, expected.1
            ),
            Self::Unknown { name, known } => write!(
                f,
                "a record asks for the encoder {name:?}, but there is only {}",
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
