//! Zip packages and compound files: both hold documents of many programs, told apart by their
//! parts.

use super::Document;
#[cfg(feature = "archive")]
use super::archive;
use super::package::Package;
#[cfg(feature = "office")]
use super::{opendocument, word};
#[cfg(feature = "workbook")]
use super::{opendocument_sheet, workbook};
use crate::{ReadError, ReadOptions};

/// Whether the bytes begin like a zip package.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Whether the bytes begin like a compound file, the container of older Office documents.
pub(super) fn is_compound(head: &[u8]) -> bool {
    head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

#[cfg(not(feature = "workbook"))]
const REFUSED_WORKBOOK: (&str, &str) = ("a workbook", "Save it as CSV, and try again.");
#[cfg(not(feature = "office"))]
const REFUSED_TEXT: (&str, &str) = ("a text document", "Save it as plain text, and try again.");

/// Beginnings of entry names, and name and remedy of the format that has such an entry.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "ppt/",
        "a PowerPoint presentation",
        "Copy the questions and answers into a document or a table, and choose that.",
    ),
    (
        "visio/",
        "a Visio drawing",
        "Copy the questions and answers into a document or a table, and choose that.",
    ),
    (
        "Index/",
        "a document of Apple Pages, Numbers or Keynote",
        "Export it as Word, Excel or CSV, and choose the exported file.",
    ),
    (
        "collection.anki2",
        "an Anki package",
        "In Anki, export the notes as plain text, and choose that file.",
    ),
    (
        "META-INF/container.xml",
        "an e-book (EPUB)",
        "Unpack it with a zip program, and choose the web pages inside.",
    ),
];

/// Media types of OpenDocument files that aren't read, with name and remedy.
const REFUSED_TYPES: &[(&str, &str, &str)] = &[
    (
        "opendocument.presentation",
        "a presentation (ODP)",
        "Copy the questions and answers into a document or a table, and choose that.",
    ),
    (
        "opendocument.graphics",
        "a drawing (ODG)",
        "Copy the questions and answers into a document or a table, and choose that.",
    ),
    (
        "epub",
        "an e-book (EPUB)",
        "Unpack it with a zip program, and choose the web pages inside.",
    ),
];

fn refuse((kind, remedy): (&'static str, &'static str)) -> Result<Document, ReadError> {
    Err(ReadError::Refused { kind, remedy })
}

/// Reads the document in a zip package.
///
/// # Errors
/// [`ReadError`], when the package is damaged, or holds a document that isn't read.
pub(super) fn read_zip(bytes: Vec<u8>, options: &ReadOptions) -> Result<Document, ReadError> {
    let mut package = Package::open(bytes, options.limits.document_bytes)?;
    if package.has("xl/workbook.bin") {
        #[cfg(feature = "workbook")]
        return workbook::read_xlsb(package, options);
        #[cfg(not(feature = "workbook"))]
        return refuse(REFUSED_WORKBOOK);
    }
    if package.has("xl/workbook") {
        #[cfg(feature = "workbook")]
        return workbook::read_xlsx(package, options);
        #[cfg(not(feature = "workbook"))]
        return refuse(REFUSED_WORKBOOK);
    }
    if package.has("word/") {
        #[cfg(feature = "office")]
        return word::read(package, options);
        #[cfg(not(feature = "office"))]
        return refuse(REFUSED_TEXT);
    }
    let media_type = package.read("mimetype")?.unwrap_or_default();
    let media_type = String::from_utf8_lossy(&media_type);
    if media_type.contains("opendocument.spreadsheet") {
        #[cfg(feature = "workbook")]
        return opendocument_sheet::read(package, options);
        #[cfg(not(feature = "workbook"))]
        return refuse(REFUSED_WORKBOOK);
    }
    if media_type.contains("opendocument.text") {
        #[cfg(feature = "office")]
        return opendocument::read(package, options);
        #[cfg(not(feature = "office"))]
        return refuse(REFUSED_TEXT);
    }
    for (part, kind, remedy) in REFUSED_TYPES {
        if media_type.contains(part) {
            return refuse((kind, remedy));
        }
    }
    for (beginning, kind, remedy) in REFUSED {
        if package.has(beginning) {
            return refuse((kind, remedy));
        }
    }
    #[cfg(feature = "archive")]
    return archive::read(package);
    #[cfg(not(feature = "archive"))]
    refuse((
        "a zip archive",
        "Unpack it, and choose the FAQ files inside.",
    ))
}

/// Reads the document in a compound file: an XLS workbook, or nothing else.
///
/// # Errors
/// [`ReadError`], when the file is damaged, or holds a document that isn't read.
pub(super) fn read_compound(bytes: Vec<u8>, options: &ReadOptions) -> Result<Document, ReadError> {
    if has_stream(&bytes, "EncryptedPackage") {
        return refuse((
            "an Office document with a password",
            "Open it in its program, save a copy without a password, and choose the copy.",
        ));
    }
    if has_stream(&bytes, "WordDocument") {
        return refuse((
            "a document of an old Word version (DOC)",
            "Open it in Word or LibreOffice, save it as DOCX, and choose that file.",
        ));
    }
    if has_stream(&bytes, "PowerPoint Document") {
        return refuse((
            "a PowerPoint presentation",
            "Copy the questions and answers into a document or a table, and choose that.",
        ));
    }
    if has_stream(&bytes, "Workbook") || has_stream(&bytes, "Book") {
        #[cfg(feature = "workbook")]
        return workbook::read_xls(bytes, options);
        #[cfg(not(feature = "workbook"))]
        return refuse(REFUSED_WORKBOOK);
    }
    refuse((
        "a file of an unknown program",
        "Save the questions and answers as a table (CSV or XLSX), and choose that file.",
    ))
}

/// Whether the directory of a compound file has an entry of this name: UTF-16, ended by a zero.
fn has_stream(bytes: &[u8], name: &str) -> bool {
    let wanted: Vec<u8> = name
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect();
    // Entries are 128 bytes long, and sectors 512 or 4096.
    bytes.chunks(128).any(|entry| entry.starts_with(&wanted))
}
