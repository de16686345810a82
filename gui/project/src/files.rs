//! Names of files and projects, and the kinds of files that can be opened.

use std::path::{Path, PathBuf};

/// Extensions of FAQ files that can be read.
pub const FAQ_EXTENSIONS: &[&str] = nearsay_faq::FILE_EXTENSIONS;

/// Effect of opening several paths together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenKind {
    /// Opens the only path as a project.
    Project,
    /// Makes a project from the only path, an exported model.
    Model,
    /// Imports the FAQ files among the paths.
    Faqs,
    /// None of the paths can be opened.
    Unreadable,
}

impl OpenKind {
    /// Determines the effect from the files on disk.
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

/// Whether a directory holds a project.
#[must_use]
pub fn is_project(dir: &Path) -> bool {
    ["project.json", "project.last.json"]
        .iter()
        .any(|name| dir.join(name).is_file())
}

/// Whether a directory holds an exported model.
#[must_use]
pub fn is_model(dir: &Path) -> bool {
    dir.join("nearsay.json").is_file()
}

/// Whether a file has an extension of FAQ files, or none.
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

/// Derives a project's name from its first file: `faq_2024.csv` gives `Faq 2024`. `None` if the file's
/// name has no visible characters.
#[must_use]
pub fn project_name(paths: &[PathBuf]) -> Option<String> {
    let stem = paths.first()?.file_stem()?;
    let name = stem.to_string_lossy().replace(['_', '-'], " ");
    let mut letters = name.trim().chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters).collect())
}

/// Parses a typed or pasted path, which may be quoted or a `file://` address. `None` if it is empty.
#[must_use]
pub fn typed_path(typed: &str) -> Option<PathBuf> {
    let typed = typed.trim().trim_matches(['"', '\'']);
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    (!typed.is_empty()).then(|| PathBuf::from(typed))
}
