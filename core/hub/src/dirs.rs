//! Directories of models, projects and cached embeddings.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// The user has no home directory, so there is no default location for models and projects.
#[derive(Clone, Copy, Debug, Error)]
#[error(
    "this user has no home directory for models and projects; name a directory with --data DIR"
)]
pub struct NoHomeDirectory;

/// Data directory of the application.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// Chooses the data directory: `given`, the environment variable `NEARSAY_DATA`, or the platform's default
    /// (`~/.local/share/nearsay` on Linux), in this order. Empty paths are ignored.
    ///
    /// # Errors
    /// If no directory is given and the user has no home directory.
    pub fn new(given: Option<PathBuf>) -> Result<Self, NoHomeDirectory> {
        let from_environment = std::env::var_os("NEARSAY_DATA").map(PathBuf::from);
        let chosen = [given, from_environment]
            .into_iter()
            .flatten()
            .find(|path| !path.as_os_str().is_empty());
        let root = match chosen {
            Some(root) => root,
            None => directories::ProjectDirs::from("", "", "nearsay")
                .map(|dirs| dirs.data_dir().to_owned())
                .ok_or(NoHomeDirectory)?,
        };
        // A child process may have another working directory.
        let root = std::path::absolute(&root).unwrap_or(root);
        Ok(Self { root })
    }

    /// Path of the data directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cached embeddings, one subdirectory per model.
    #[must_use]
    pub fn embeddings(&self) -> PathBuf {
        embeddings(&self.root)
    }
}

/// Directory of cached embeddings inside a data directory.
#[must_use]
pub fn embeddings(data_dir: &Path) -> PathBuf {
    data_dir.join("embeddings")
}
