//! Recognizing the format of a document from its beginning.

use super::{BINARY_FORMATS, BinaryFormat, TEXT_FORMATS, TextFormat};

/// Beginning of a text, with facts that help to recognize its format.
pub(crate) struct Head<'a> {
    /// The decoded beginning, without a byte order mark.
    pub(crate) text: &'a str,
    /// Whether the text is complete.
    pub(crate) is_whole: bool,
    /// Name of the file in lower case, if it is known.
    name: Option<String>,
}

impl<'a> Head<'a> {
    pub(crate) fn new(text: &'a str, is_whole: bool, file_name: Option<&str>) -> Self {
        Self {
            text,
            is_whole,
            name: file_name.map(str::to_lowercase),
        }
    }

    /// Whether the name of the file ends with one of these extensions, written without a dot.
    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        let name = self.name.as_deref();
        let extension = name.and_then(|name| Some(name.rsplit_once('.')?.1));
        extension.is_some_and(|extension| extensions.contains(&extension))
    }
}

/// Result of recognizing bytes.
pub(crate) enum Recognized {
    Format(&'static BinaryFormat),
    /// Format that isn't read: its name with an article, and a remedy.
    Refused(&'static str, &'static str),
}

/// Recognizes a binary format from the first bytes of a file.
pub(crate) fn recognize_bytes(head: &[u8]) -> Option<Recognized> {
    let format = BINARY_FORMATS.iter().find(|f| (f.recognize)(head));
    if let Some(format) = format {
        return Some(Recognized::Format(format));
    }
    let refused = REFUSED.iter().find(|(magic, _, _)| head.starts_with(magic));
    refused.map(|(_, kind, remedy)| Recognized::Refused(kind, remedy))
}

/// Recognizes a text format that is read whole.
pub(crate) fn recognize_text(head: &Head<'_>) -> Option<&'static TextFormat> {
    find_format(TEXT_FORMATS, head)
}

/// Finds the first of several formats that a text has.
pub(crate) fn find_format(
    formats: &'static [TextFormat],
    head: &Head<'_>,
) -> Option<&'static TextFormat> {
    formats.iter().find(|format| (format.recognize)(head))
}

const AS_TABLE: &str =
    "Save the questions and answers as text (CSV or JSONL, UTF-8) and try again.";
const UNPACK: &str = "Unpack it, and choose the FAQ file inside.";
const NO_PICTURES: &str =
    "Text in pictures can't be read. Copy the questions and answers into a table or a text file.";

/// First bytes, names with articles, and remedies of formats that aren't read.
const REFUSED: &[(&[u8], &str, &str)] = &[
    (
        b"PK\x03\x04",
        "a zip archive or an Office document",
        AS_TABLE,
    ),
    (b"%PDF-", "a PDF document", AS_TABLE),
    (b"\x1f\x8b", "a compressed file (gzip)", UNPACK),
    (b"\x89PNG", "an image", NO_PICTURES),
    (b"\xff\xd8\xff", "an image", NO_PICTURES),
    (b"PAR1", "a Parquet file", AS_TABLE),
    (b"SQLite format 3\0", "an SQLite database", AS_TABLE),
];
