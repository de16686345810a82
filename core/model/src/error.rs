//! What can be wrong with a model's files, in words.

use std::fmt;
use std::path::PathBuf;

/// Why a model cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum ModelError {
    /// The disk, or what stands in for it, reported an error.
    Store {
        /// The file or folder.
        path: PathBuf,
        /// What the store said.
        reason: String,
    },
    /// Neither a folder with a model in it nor an archive of one.
    NoModel {
        /// What was looked through.
        path: PathBuf,
    },
    /// The weights are there only in a format that can run code when it is opened.
    OnlyPickle {
        /// The folder or archive.
        path: PathBuf,
    },
    /// A file that the model cannot do without is not there.
    Missing {
        /// Its name inside the model.
        file: String,
    },
    /// A file is larger than such a file can sensibly be.
    TooLarge {
        /// Its name inside the model.
        file: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The archive is damaged, or built to do harm.
    Archive {
        /// What is wrong with it.
        reason: String,
    },
    /// A file does not say what it should.
    Invalid {
        /// Its name inside the model.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model is whole, but of a kind that Nearsay cannot run.
    Unsupported {
        /// The file that says so.
        file: String,
        /// What it asks for, and what would work.
        reason: String,
    },
}

impl ModelError {
    /// A file does not say what it should.
    pub fn invalid(file: &str, reason: impl fmt::Display) -> Self {
        Self::Invalid {
            file: file.into(),
            reason: format!("{reason}"),
        }
    }

    /// A model of a kind that cannot be run here.
    pub fn unsupported(file: &str, reason: impl fmt::Display) -> Self {
        Self::Unsupported {
            file: file.into(),
            reason: format!("{reason}"),
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store { path, reason } => write!(f, "{reason}: {}", path.display()),
            Self::NoModel { path } => write!(
                f,
                "no model found; a model is a folder (or a zip of one) with config.json, \
                 model.safetensors and tokenizer.json: {}",
                path.display()
            ),
            Self::OnlyPickle { path } => write!(
                f,
                "the weights are only there as pytorch_model.bin, a format that can run code when \
                 opened and is never read; save the model as safetensors first (in Python: \
                 SentenceTransformer(folder).save(new_folder)): {}",
                path.display()
            ),
            Self::Missing { file } => write!(f, "the model has no {file}"),
            Self::TooLarge { file, limit } => write!(
                f,
                "{file} is too large: at most {} MB are read",
                limit / 1_000_000
            ),
            Self::Archive { reason } => write!(f, "the archive cannot be used: {reason}"),
            Self::Invalid { file, reason } => write!(f, "{file} is not valid: {reason}"),
            Self::Unsupported { file, reason } => {
                write!(f, "this kind of model is not supported ({file}): {reason}")
            }
        }
    }
}

impl std::error::Error for ModelError {}
