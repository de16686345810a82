use super::EditError;
use nearsay_bert::EncodeError;
use nearsay_model::ModelError;
use nearsay_store::StoreError;
use std::{fmt, path::PathBuf};

/// Why a folder cannot be written, loaded or used.
#[derive(Debug)]
pub enum ServableError {
    /// The folder holds no exported model.
    NotAModel {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder to write to holds files and no exported model.
    Occupied {
        /// The folder.
        dir: PathBuf,
        /// The first of them.
        file: String,
    },
    /// It was written by a newer version.
    Newer {
        /// The format found.
        format: u32,
    },
    /// A file is missing, or not the one that was written.
    Changed {
        /// The file's name in the folder.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The head cannot be said by dense layers, of which the folder is made.
    Head {
        /// Why not.
        why: String,
    },
    /// Words cannot count for so much.
    Weight {
        /// The weight asked for.
        weight: f32,
    },
    /// There is nothing to search.
    NoAnswers,
    /// The folder holds a model that was exported without its data.
    ModelOnly {
        /// The folder.
        dir: PathBuf,
    },
    /// Somebody else is editing the folder.
    Busy {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder has been written anew since it was opened.
    Replaced {
        /// The folder.
        dir: PathBuf,
    },
    /// An edit cannot be made.
    Edit(EditError),
    /// The encoder's files cannot be used.
    Model(ModelError),
    /// Texts cannot be encoded.
    Encode(EncodeError),
    /// Something could not be read or written.
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
                 give the folder that “nearsay train … --out” wrote: {}",
                dir.display()
            ),
            Self::Occupied { dir, file } => write!(
                f,
                "this folder is not empty and not a Nearsay model, so nothing was written to it (it holds \
                 {file:?}); choose a new or an empty folder, or one with a model to replace: {}",
                dir.display()
            ),
            Self::Newer { format } => write!(
                f,
                "this model was written by a newer version of Nearsay (format {format}, this one \
                 reads up to {}); install the newest Nearsay, or have the model exported again with this version",
                super::version::FORMAT
            ),
            Self::Changed { file, why } => write!(
                f,
                "the model is damaged: {file} {why}; copy the folder again from where it was \
                 exported, or export it again"
            ),
            Self::Head { why } => write!(
                f,
                "this head cannot be exported: {why}; save it as a head of its own, or train one \
                 that folds into dense layers"
            ),
            Self::Weight { weight } => write!(
                f,
                "what words count for beside meaning must be a number from 0 to 4, not {weight}"
            ),
            Self::NoAnswers => write!(f, "there are no answers to search"),
            Self::ModelOnly { dir } => write!(
                f,
                "this folder holds a model without answers; to ask it, export it with its data, or open it \
                 in the app (nearsay DIR) and give it a file of questions and answers: {}",
                dir.display()
            ),
            Self::Busy { dir } => write!(
                f,
                "another server is editing this folder; stop that one, or start this one without \
                 editing: {}",
                dir.display()
            ),
            Self::Replaced { dir } => write!(
                f,
                "the folder was changed by somebody else since it was opened, so the edit was not kept; \
                 start the server again: {}",
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
