//! Choices a user makes that views, commands and texts all name.

/// What to pick in a file dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picked {
    /// FAQ files.
    Faqs,
    /// A file of questions to answer.
    Questions,
    /// A folder to export to.
    Folder,
    /// The folder of a project.
    Project,
}

/// How to settle a suggestion about two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// The first answer holds for both.
    First,
    /// The second answer holds for both.
    Second,
    /// The rows are two different things.
    Apart,
}
