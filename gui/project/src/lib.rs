//! A project: the questions and answers a user works on, their history, and the files they are stored in.
//!
//! | module | content |
//! | --- | --- |
//! | [`document`] | entries, imports and options: everything undo covers |
//! | [`edit`] | edits and their inverses |
//! | [`history`] | undo and redo |
//! | [`merge`] | turning rows of a file into entries |
//! | [`held_out`] | which questions are held out for testing |
//! | [`models`] | models trained from the project |
//! | [`journal`] | edits as checksummed lines of a file |
//! | [`folder`] | a project on disk: lock, snapshot, journal |
//! | [`library`] | the directory of all projects |
//! | [`preferences`] | recent projects and settings of the app |
//! | [`adopt`] | making a project from an exported model |
//! | [`sample`] | the sample project |
//! | [`rows`] | rows of FAQ files as the project stores them |
//! | [`files`] | file names and the kinds of files that can be opened |
//! | [`estimate`] | how long a training takes |
//! | [`stop_words`] | words that rarely distinguish questions |
//! | [`hash`] | a hash that is stable across versions |
//! | [`shared`] | reference-counted values that serde writes as plain ones |
//! | [`error`] | errors of projects on disk |
//!
//! Design decisions, the guarantees against data loss among them, are in `NOTES.md`.
#![allow(missing_docs)]

pub mod adopt;
pub mod document;
pub mod edit;
pub mod error;
pub mod estimate;
pub mod files;
pub mod folder;
pub mod hash;
pub mod held_out;
pub mod history;
pub mod journal;
pub mod library;
pub mod merge;
pub mod models;
pub mod preferences;
pub mod rows;
pub mod sample;
pub mod shared;
pub mod stop_words;

pub use adopt::Adopted;
pub use document::{
    Counts, Document, Effort, Entries, Entry, EntryId, Import, ImportId, Options, Paraphrase,
    Problem, ProblemKind, RowId, Tuning,
};
pub use edit::{Edit, Patch};
pub use error::ProjectError;
pub use folder::{Folder, Opened};
pub use history::History;
pub use models::{ImportedModel, Model, Models, Pending, Results, Tally};
pub use preferences::{Appearance, Preferences, Recent};
pub use shared::Shared;
