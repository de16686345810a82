//! Choices of the user that views, commands and texts share.

use nearsay_project::files::OpenKind;

use super::{Page, State};

/// Purpose of a file dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    Faqs,
    /// A file of questions to answer.
    Questions,
    /// The folder to export to.
    Folder,
    /// A project or an exported folder to open.
    Project,
}

/// How to settle a suggestion about two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fix {
    /// Use the first answer for both.
    First,
    /// Use the second answer for both.
    Second,
    /// Keep both and don't suggest this pair again.
    Apart,
}

/// What dropping files on the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropPlan {
    OpenProject,
    OpenModel,
    /// The file type is not supported.
    Reject,
    /// Ask the user whether to answer the file's questions or to import the file.
    AskPurpose,
    /// Start a project with the files, since the sample is open.
    NewProject,
    /// Add the files to the project.
    Import,
}

impl DropPlan {
    pub fn of(kind: OpenKind, files: usize, state: &State) -> Self {
        match kind {
            OpenKind::Project => Self::OpenProject,
            OpenKind::Model => Self::OpenModel,
            OpenKind::Unreadable => Self::Reject,
            OpenKind::Faqs if state.page == Page::Ask && files == 1 => Self::AskPurpose,
            OpenKind::Faqs if state.project.document.options.sample => Self::NewProject,
            OpenKind::Faqs => Self::Import,
        }
    }
}
