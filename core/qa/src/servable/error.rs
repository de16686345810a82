use super::EditError;
use nearsay_bert::EncodeError;
use nearsay_model::ModelError;
use nearsay_search::prototype::Prototype;
use nearsay_store::StoreError;
use std::{fmt, path::PathBuf};

/// Error of writing, opening or using a model.
#[derive(Debug, thiserror::Error)]
pub enum ServableError {
    /// The directory isn't a model.
    #[error(
        "there is no exported model here (no nearsay.json); use a directory that “nearsay train … --out” wrote: {}",
        .dir.display()
    )]
    NotAModel {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory to write to has files, but isn't a model.
    #[error(
        "this directory is not empty and not a Nearsay model, so nothing was written to it (it contains {file:?}); \
         choose a new or empty directory, or a model to replace: {}",
        .dir.display()
    )]
    Occupied {
        /// The directory.
        dir: PathBuf,
        /// Name of the first file.
        file: String,
    },
    /// A newer version of Nearsay wrote the model.
    #[error(
        "this model was written by a newer version of Nearsay (format {format}, this one reads up to {}); update \
         Nearsay, or export the model again with this version",
        super::version::FORMAT
    )]
    Newer {
        /// Format version of the model.
        format: u32,
    },
    /// A file is missing, damaged or changed.
    #[error(
        "the model is damaged: {file} {why}; copy the model directory again from its source, or export the model again"
    )]
    Changed {
        /// Name of the file in the model directory.
        file: String,
        /// The problem, as a phrase whose subject is the file.
        why: String,
    },
    /// The head can't be folded into `Dense` modules.
    #[error(
        "this head cannot be exported: {why}; save the head by itself, or train one that folds into dense layers"
    )]
    Head {
        /// The reason.
        why: String,
    },
    /// The weight of keyword scores or document expansion is out of range.
    #[error(
        "the weight of keyword scores or document expansion must be a number from 0 to 4, not {weight}"
    )]
    Weight {
        /// The invalid weight.
        weight: f32,
    },
    /// The prior or the sharpness of prototypes is out of range.
    #[error(
        "the prior and the sharpness of prototypes must be numbers from 0 to 100, not {} and {}",
        .prototype.prior,
        .prototype.sharpness
    )]
    Prototype {
        /// The invalid settings.
        prototype: Prototype,
    },
    /// There are no answers to search.
    #[error("there are no answers to search")]
    NoAnswers,
    /// The model was exported without its answers.
    #[error(
        "this model was exported without answers; export it with its data, or open it in the app (nearsay DIR) and \
         add a file of questions and answers: {}",
        .dir.display()
    )]
    ModelOnly {
        /// The model directory.
        dir: PathBuf,
    },
    /// Another process is editing or training the model.
    #[error(
        "another process is editing or training this model; stop that process, or serve the model without editing: {}",
        .dir.display()
    )]
    Busy {
        /// The model directory.
        dir: PathBuf,
    },
    /// The model has edits that only its journal and its own files hold.
    #[error(
        "this model has edits that were made while it was served; a training would lose them. Write them to a file \
         with “nearsay export {0} --to jsonl FILE”, add them to your FAQ, and train to a new directory or remove \
         {0}/edits.jsonl",
        .dir.display()
    )]
    Edited {
        /// The model directory.
        dir: PathBuf,
    },
    /// Another process changed the model after it was opened.
    #[error(
        "another process changed the model after it was opened, so the edit was not saved; restart the server: {}",
        .dir.display()
    )]
    Replaced {
        /// The model directory.
        dir: PathBuf,
    },
    /// An edit was rejected.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The encoder's files can't be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Texts can't be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A file can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ServableError {
    pub(super) fn changed(file: &str, why: impl fmt::Display) -> Self {
        Self::Changed {
            file: file.to_owned(),
            why: why.to_string(),
        }
    }
}
