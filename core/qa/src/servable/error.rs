use super::EditError;
use nearsay_bert::EncodeError;
use nearsay_model::ModelError;
use nearsay_search::prototype::Prototype;
use nearsay_store::StoreError;
use std::{fmt, path::PathBuf};

/// Error of writing, opening or using a model.
#[derive(Debug)]
pub enum ServableError {
    /// The directory isn't a model.
    NotAModel {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory to write to has files, but isn't a model.
    Occupied {
        /// The directory.
        dir: PathBuf,
        /// Name of the first file.
        file: String,
    },
    /// A newer version of Nearsay wrote the model.
    Newer {
        /// Format version of the model.
        format: u32,
    },
    /// A file is missing, damaged or changed.
    Changed {
        /// Name of the file in the model directory.
        file: String,
        /// The problem, as a phrase whose subject is the file.
        why: String,
    },
    /// The head can't be folded into `Dense` modules.
    Head {
        /// The reason.
        why: String,
    },
    /// The weight of keyword scores or document expansion is out of range.
    Weight {
        /// The invalid weight.
        weight: f32,
    },
    /// The prior or the sharpness of prototypes is out of range.
    Prototype {
        /// The invalid settings.
        prototype: Prototype,
    },
    /// There are no answers to search.
    NoAnswers,
    /// The model was exported without its answers.
    ModelOnly {
        /// The model directory.
        dir: PathBuf,
    },
    /// Another process is editing the model.
    Busy {
        /// The model directory.
        dir: PathBuf,
    },
    /// Another process changed the model after it was opened.
    Replaced {
        /// The model directory.
        dir: PathBuf,
    },
    /// An edit was rejected.
    Edit(EditError),
    /// The encoder's files can't be used.
    Model(ModelError),
    /// Texts can't be encoded.
    Encode(EncodeError),
    /// A file can't be read or written.
    Store(StoreError),
}

impl ServableError {
    pub(super) fn changed(file: &str, why: impl fmt::Display) -> Self {
        Self::Changed {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}

impl fmt::Display for ServableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAModel { dir } => write!(
                f,
                "there is no exported model here (no nearsay.json); \
                 use a directory that “nearsay train … --out” wrote: {}",
                dir.display()
            ),
            Self::Occupied { dir, file } => write!(
                f,
                "this directory is not empty and not a Nearsay model, so nothing was written to it (it contains \
                 {file:?}); choose a new or empty directory, or a model to replace: {}",
                dir.display()
            ),
            Self::Newer { format } => write!(
                f,
                "this model was written by a newer version of Nearsay (format {format}, this one \
                 reads up to {}); update Nearsay, or export the model again with this version",
                super::version::FORMAT
            ),
            Self::Changed { file, why } => write!(
                f,
                "the model is damaged: {file} {why}; copy the model directory again from its source, \
                 or export the model again"
            ),
            Self::Head { why } => write!(
                f,
                "this head cannot be exported: {why}; save the head by itself, or train one \
                 that folds into dense layers"
            ),
            Self::Weight { weight } => write!(
                f,
                "the weight of keyword scores or document expansion must be a number from 0 to 4, \
                 not {weight}"
            ),
            Self::Prototype {
                prototype: Prototype { prior, sharpness },
            } => write!(
                f,
                "the prior and the sharpness of prototypes must be numbers from 0 to 100, not {prior} and {sharpness}"
            ),
            Self::NoAnswers => write!(f, "there are no answers to search"),
            Self::ModelOnly { dir } => write!(
                f,
                "this model was exported without answers; export it with its data, or open it in the app \
                 (nearsay DIR) and add a file of questions and answers: {}",
                dir.display()
            ),
            Self::Busy { dir } => write!(
                f,
                "another server is editing this model; stop that server, or start this one without \
                 editing: {}",
                dir.display()
            ),
            Self::Replaced { dir } => write!(
                f,
                "another process changed the model after it was opened, so the edit was not saved; \
                 restart the server: {}",
                dir.display()
            ),
            Self::Edit(error) => error.fmt(f),
            Self::Model(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServableError {}

impl From<ModelError> for ServableError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<EditError> for ServableError {
    fn from(error: EditError) -> Self {
        Self::Edit(error)
    }
}

impl From<EncodeError> for ServableError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<StoreError> for ServableError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
