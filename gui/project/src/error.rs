//! Errors of projects on disk.

use std::{io, path::PathBuf};

use nearsay::servable::ServableError;
use nearsay_store::StoreError;

/// Error of opening, creating or writing a project.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The directory contains no project.
    #[error("no project in {}", dir.display())]
    NotFound { dir: PathBuf },
    /// Neither the latest snapshot nor the one before is readable.
    #[error("damaged project in {}", dir.display())]
    Damaged { dir: PathBuf },
    /// A newer version of the program wrote the project.
    #[error("project of a newer format in {}", dir.display())]
    Newer { dir: PathBuf },
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot encode as JSON")]
    Encode(#[from] serde_json::Error),
    /// The exported directory cannot be used.
    #[error("cannot use the model in {}", dir.display())]
    Model { dir: PathBuf, source: ServableError },
    #[error(transparent)]
    Store(#[from] StoreError),
}
