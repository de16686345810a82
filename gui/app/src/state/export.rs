//! The Export page.

use std::path::PathBuf;

use super::UserError;

/// A file of the exported folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportedFile {
    /// Path relative to the exported folder.
    pub name: String,
    /// Length; `None` before the file is written.
    pub bytes: Option<u64>,
}

/// A finished export.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    pub dir: PathBuf,
    pub files: Vec<ExportedFile>,
    /// Whether the questions and answers were exported, too.
    pub with_data: bool,
    /// Questions that the exported model was asked afterwards.
    pub asked: usize,
    /// How many of these got the same answer as in the window.
    pub same: usize,
}

#[derive(Debug, Clone, Default)]
pub struct Export {
    /// Text in the path box.
    pub typed_path: String,
    /// Whether to export the questions and answers, too.
    pub with_data: bool,
    /// An export is running.
    pub running: bool,
    /// The last successful export.
    pub done: Option<Exported>,
    /// Why the last export failed.
    pub error: Option<UserError>,
    /// An existing model at the target, which a second press replaces.
    pub replaces: Option<PathBuf>,
}
