//! Errors of model files.

use nearsay_store::StoreError;
use std::{error::Error, fmt, path::PathBuf};
use thiserror::Error as ThisError;

/// Error of a library underneath.
pub(crate) type Source = Box<dyn Error + Send + Sync>;

/// Reason why a model can't be read.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ModelError {
    /// A file or directory can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The path is neither a directory with a model nor an archive of one.
    #[error(
        "no model found; a model is a directory (or a zip file of one) with config.json, \
         model.safetensors and tokenizer.json: {}",
        .path.display()
    )]
    NoModel {
        /// Directory or archive that was searched.
        path: PathBuf,
    },
    /// The weights are only present in a format that can run code when it is opened.
    #[error(
        "the weights are only present as pytorch_model.bin, a format that can run code when opened and is \
         never read; save the model as safetensors first (in Python: \
         SentenceTransformer(folder).save(new_folder)): {}",
        .path.display()
    )]
    OnlyPickle {
        /// Directory or archive that was searched.
        path: PathBuf,
    },
    /// A required file is missing.
    #[error("the model has no {file}")]
    Missing {
        /// Name inside the model.
        file: String,
    },
    /// A file exceeds its size limit.
    #[error("{file} is too large: at most {} MB are read", .limit / 1_000_000)]
    TooLarge {
        /// Name inside the model.
        file: String,
        /// Size limit in bytes.
        limit: u64,
    },
    /// The archive is damaged or malicious.
    #[error("the archive can't be read: {reason}{}", InParentheses(.source.as_ref()))]
    Archive {
        /// Description of the defect.
        reason: String,
        /// Error of the archive reader, if it reported one.
        source: Option<Source>,
    },
    /// A file can't be parsed.
    #[error("{file} is not valid: {source}")]
    Malformed {
        /// Name inside the model.
        file: String,
        /// Error of the parser.
        source: Source,
    },
    /// The contents of a file are wrong.
    #[error("{file} is not valid: {reason}")]
    Invalid {
        /// Name inside the model.
        file: String,
        /// Description of the defect.
        reason: String,
    },
    /// The model is intact, but Nearsay can't run models of its kind.
    #[error("this kind of model is not supported ({file}): {reason}")]
    Unsupported {
        /// File with the unsupported setting.
        file: String,
        /// The setting and what is supported instead.
        reason: String,
    },
}

impl ModelError {
    /// Creates an [`Invalid`](Self::Invalid) error.
    pub fn invalid(file: &str, reason: impl fmt::Display) -> Self {
        Self::Invalid {
            file: file.into(),
            reason: reason.to_string(),
        }
    }

    /// Creates a [`Malformed`](Self::Malformed) error.
    pub fn malformed(file: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Malformed {
            file: file.into(),
            source: source.into(),
        }
    }

    /// Creates an [`Unsupported`](Self::Unsupported) error.
    pub fn unsupported(file: &str, reason: impl fmt::Display) -> Self {
        Self::Unsupported {
            file: file.into(),
            reason: reason.to_string(),
        }
    }
}

/// Displays an optional error as ` (error)`.
struct InParentheses<'a>(Option<&'a Source>);

impl fmt::Display for InParentheses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(error) => write!(f, " ({error})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_source() {
        let error = ModelError::malformed("config.json", fmt::Error);
        assert!(error.source().is_some_and(<dyn Error>::is::<fmt::Error>));
        assert!(error.to_string().starts_with("config.json is not valid: "));
        let error = ModelError::Archive {
            reason: "it is not a zip file".into(),
            source: Some(Box::new(fmt::Error)),
        };
        assert!(error.source().is_some());
        assert!(error.to_string().contains("zip file ("));
    }
}
