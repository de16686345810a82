//! Names of files and projects, and which files can be opened.

use std::path::{Path, PathBuf};

/// Extensions of FAQ files that can be read.
pub const FAQ_EXTENSIONS: [&str; 9] = [
    "csv", "tsv", "tab", "jsonl", "ndjson", "json", "txt", "md", "markdown",
];

/// What opening some paths together would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenKind {
    /// Open the one folder as a project.
    Project,
    /// Make a project from the one exported model.
    Model,
    /// Read at least one of them as an FAQ file.
    Faqs,
    /// Nothing: none can be read.
    Unreadable,
}

impl OpenKind {
    /// Looks at the paths on disk.
    #[must_use]
    pub fn of(paths: &[&Path]) -> Self {
        match paths {
            [only] if is_project(only) => Self::Project,
            [only] if is_model(only) => Self::Model,
            paths if paths.iter().any(|path| has_faq_extension(path)) => Self::Faqs,
            _ => Self::Unreadable,
        }
    }
}

/// Whether this folder holds a project.
#[must_use]
pub fn is_project(dir: &Path) -> bool {
    ["project.json", "project.last.json"]
        .iter()
        .any(|name| dir.join(name).is_file())
}

/// Whether this folder holds an exported model.
#[must_use]
pub fn is_model(dir: &Path) -> bool {
    dir.join("nearsay.json").is_file()
}

/// Whether a file could be an FAQ by its extension; one without an extension could.
#[must_use]
pub fn has_faq_extension(path: &Path) -> bool {
    path.extension().is_none_or(|extension| {
        let extension = extension.to_string_lossy().to_lowercase();
        FAQ_EXTENSIONS.contains(&extension.as_str())
    })
}

/// The last component of a path, for display.
#[must_use]
pub fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// A name for a project that starts with these files, from the name of the first:
/// `faq_2024.csv` gives `Faq 2024`. `None` when that name has nothing to show.
#[must_use]
pub fn project_name(paths: &[PathBuf]) -> Option<String> {
    let stem = paths.first()?.file_stem()?;
    let name = stem.to_string_lossy().replace(['_', '-'], " ");
    let mut letters = name.trim().chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}

/// A path as a user types or pastes it: with quotes around it, or as a `file://` address. `None` when
/// nothing is left.
#[must_use]
pub fn typed_path(typed: &str) -> Option<PathBuf> {
    let typed = typed.trim().trim_matches(['"', '\'']);
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    (!typed.is_empty()).then(|| PathBuf::from(typed))
}
