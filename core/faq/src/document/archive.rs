//! Zip archives of FAQ files, each of which is read like a file of its own.

use super::Document;
use super::package::Package;
use crate::{FILE_EXTENSIONS, FileFormat, IssueKind, ReadError, text};

/// Files that pages and programs have beside their texts.
const PROGRAMS: &[&str] = &["js", "mjs", "ts"];

/// Maximum number of files that are named as left out.
const MAX_NAMED: usize = 100;

/// Unpacks the FAQ files of an archive.
///
/// # Errors
/// [`ReadError`], when the archive is damaged or too large, needs a password, or holds no FAQ files.
pub(super) fn read(mut package: Package) -> Result<Document, ReadError> {
    let mut document = Document {
        format: FileFormat::Archive,
        ..Document::default()
    };
    let names: Vec<String> = package.names().to_vec();
    for name in names {
        if name.ends_with('/') || is_hidden(&name) {
            continue;
        }
        let reason = match extension(&name).as_deref() {
            Some("zip") => "it is an archive inside of an archive",
            Some(ending) if PROGRAMS.contains(&ending) => "it belongs to a web page",
            Some(ending) if FILE_EXTENSIONS.contains(&ending) => {
                if let Some(bytes) = package.read(&name)? {
                    document.files.push((name, bytes));
                }
                continue;
            }
            _ => "it isn't an FAQ file",
        };
        if document.issues.len() < MAX_NAMED {
            let kind = IssueKind::FileLeftOut {
                name: text::excerpt(&name),
                reason: reason.to_owned(),
            };
            document.issues.push((0, kind, String::new()));
        }
    }
    if document.files.is_empty() {
        return Err(ReadError::Refused {
            kind: "a zip archive without FAQ files",
            remedy: "Unpack it, and choose the file with the questions and answers.",
        });
    }
    Ok(document)
}

/// Whether a file is one that systems add to archives.
fn is_hidden(name: &str) -> bool {
    name.split('/')
        .any(|part| part.starts_with('.') || part == "__MACOSX")
}

fn extension(name: &str) -> Option<String> {
    let file = name.rsplit('/').next()?;
    Some(file.rsplit_once('.')?.1.to_lowercase())
}
