//! Where models, projects and saved embeddings are kept.

use std::path::{Path, PathBuf};

/// The user has no home directory, so there is no default place for models and projects.
#[derive(Clone, Copy, Debug)]
pub struct NoHomeDirectory;

impl std::fmt::Display for NoHomeDirectory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this user has no home directory for models and projects; name a directory with --data DIR")
    }
}

impl std::error::Error for NoHomeDirectory {}

/// The app's data folder: `--data DIR`, or where the platform keeps app data.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The given folder, or that of the environment variable `NEARSAY_DATA`, or the platform's
    /// (`~/.local/share/nearsay` and the like). Empty ones count as none.
    ///
    /// # Errors
    /// When none is given and the platform has no home folder for this user.
    pub fn new(given: Option<PathBuf>) -> Result<Self, NoHomeDirectory> {
        let wished = std::env::var_os("NEARSAY_DATA").map(PathBuf::from);
        let not_empty = |path: &PathBuf| !path.as_os_str().is_empty();
        let root = match given.filter(not_empty).or(wished.filter(not_empty)) {
            Some(root) => root,
            None => directories::ProjectDirs::from("", "", "nearsay")
                .map(|dirs| dirs.data_dir().to_owned())
                .ok_or(NoHomeDirectory)?,
        };
        // A child process may have another working folder.
        let root = std::path::absolute(&root).unwrap_or(root);
        Ok(Self { root })
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Saved embeddings, one folder a model.
    #[must_use]
    pub fn embeddings(&self) -> PathBuf {
        embeddings(&self.root)
    }
}

/// Saved embeddings below an app's data folder.
#[must_use]
pub fn embeddings(data_dir: &Path) -> PathBuf {
    data_dir.join("embeddings")
}
