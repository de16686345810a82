//! What can fail with a project on disk.

use std::{io, path::PathBuf};

use nearsay::servable::ServableError;
use nearsay_store::StoreError;

/// Why a project could not be opened, made or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The folder has no project.
    #[error("no project in {}", dir.display())]
    NotFound {
        /// The folder.
        dir: PathBuf,
    },
    /// Neither the newest state of the project nor the one before it can be read.
    #[error("damaged project in {}", dir.display())]
    Damaged {
        /// The project's folder.
        dir: PathBuf,
    },
    /// The project has a format newer than this program's.
    #[error("project of a newer format in {}", dir.display())]
    Newer {
        /// The project's folder.
        dir: PathBuf,
    },
    /// A file of the project cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A part of the project cannot be written as JSON.
    #[error("cannot encode as JSON")]
    Encode(#[from] serde_json::Error),
    /// The exported folder a project was to be made from cannot be used.
    #[error("cannot use the model in {}", dir.display())]
    Model {
        /// The exported folder.
        dir: PathBuf,
        /// What is wrong with it.
        source: ServableError,
    },
    /// The disk failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
