//! A project: the questions and answers somebody is working on, and how they are kept.
//!
//! | module | holds |
//! | --- | --- |
//! | [`document`] | entries, files they came from, options: what undo can undo |
//! | [`history`] | edits that were done, to undo and redo |
//! | [`merge`] | how rows of a file become entries |
//! | [`roles`] | which questions are kept aside for checking |
//! | [`models`] | the models that were trained from it |
//! | [`journal`] | edits as lines of a file, each with a checksum |
//! | [`folder`] | a project on disk: lock, snapshot, journal |
//! | [`shelf`] | all projects, which were opened last, and what somebody prefers |
//! | [`adopt`] | an exported folder becomes a project |
//! | [`sample`] | the library's FAQ, to try things with |
//! | [`rows`] | rows of a file as the project stores them |
//! | [`files`] | names of files and projects, and which files can be opened |
//! | [`estimate`] | how long a training takes |
//! | [`stop_words`] | words that say little about a question |
//! | [`hash`] | the hash behind checksums and roles |
//! | [`error`] | what can fail |
//!
//! # How nothing is lost
//!
//! Every edit is appended to `journal.jsonl` and synced before two seconds have passed; now and then
//! all of it is written as `project.json` and the journal begins anew. Both go through
//! [`Store`](nearsay_store::Store). Whoever opens the project reads the snapshot and does the
//! edits after it again; a torn last line is dropped. A lock keeps a second window from writing.
#![allow(missing_docs)]

pub mod adopt;
pub mod document;
pub mod error;
pub mod estimate;
pub mod files;
pub mod folder;
pub mod hash;
pub mod history;
pub mod journal;
pub mod merge;
pub mod models;
pub mod roles;
pub mod rows;
pub mod sample;
pub mod shared;
pub mod shelf;
pub mod stop_words;

pub use adopt::Adopted;
pub use document::{
    Counts, Document, Edit, Effort, Entries, Entry, EntryId, Import, ImportId, Options, Patch,
    Problem, ProblemKind, RowId, Tuning, Wording,
};
pub use error::ProjectError;
pub use folder::{Folder, Opened};
pub use history::History;
pub use models::{Elsewhere, Model, Models, Pending, Tally};
pub use shared::Shared;
pub use shelf::{Appearance, Preferences, Recent};
