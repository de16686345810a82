//! The Export step.

use std::path::PathBuf;

use super::UserError;

/// A file of the exported folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExportedFile {
    /// Its name, with the folder it is in.
    pub name: String,
    /// Its length; none before it is written.
    pub bytes: Option<u64>,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exported {
    /// Where.
    pub dir: PathBuf,
    /// What was written.
    pub files: Vec<ExportedFile>,
    /// With the answers and the questions known for them.
    pub with_data: bool,
    /// Questions asked again of the folder, and how many had the same answer as here.
    pub asked: usize,
    /// See `asked`.
    pub same: usize,
}

/// The Export step.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// What stands in the path box.
    pub typed_path: String,
    /// The answers go along.
    pub with_data: bool,
    /// An export is being written.
    pub running: bool,
    /// What was written last.
    pub done: Option<Exported>,
    /// Why nothing was.
    pub error: Option<UserError>,
    /// Something stands where the folder should go: it is replaced on a second press.
    pub replaces: Option<PathBuf>,
}
