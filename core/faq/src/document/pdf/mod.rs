//! PDF documents with a text layer.
//!
//! `lopdf` parses objects, streams and fonts' encodings, with limits on what it unpacks. Where texts
//! stand is worked out here: pieces of text become lines, lines become paragraphs, and larger or bold
//! ones become headings.

mod fonts;
mod layout;
mod page;

use super::Document;
use super::outline::read_outline;
use crate::{FileFormat, ReadError, ReadOptions};
use lopdf::LoadOptions;

const FORMAT: FileFormat = FileFormat::Pdf;

const HOW_TO: &str = "Questions are recognized as headings, bold lines or lines that end in a \
                      question mark. Export the document as Word or text if it has others.";

/// Maximum number of pages.
const MAX_PAGES: usize = 5000;

/// Whether the bytes begin like a PDF document, before which a few other bytes may stand.
pub(super) fn recognize(head: &[u8]) -> bool {
    let head = head.get(..1024).unwrap_or(head);
    let is_pdf = head.starts_with(b"%PDF-");
    let is_later = || {
        head.windows(5).any(|bytes| bytes == b"%PDF-")
            && !head.is_ascii()
            && !head.starts_with(b"PK")
    };
    is_pdf || is_later()
}

/// Reads a PDF document.
///
/// # Errors
/// [`ReadError`], when the document is damaged, has a password, has no text, or has no questions.
pub(super) fn read(bytes: Vec<u8>, options: &ReadOptions) -> Result<Document, ReadError> {
    let limit = options.limits.document_bytes;
    let load = LoadOptions {
        max_decompressed_size: Some(limit / 4),
        ..LoadOptions::default()
    };
    let document = lopdf::Document::load_mem_with_options(&bytes, load);
    drop(bytes);
    let document = document.map_err(|error| match error {
        lopdf::Error::InvalidPassword => has_password(),
        error => ReadError::Damaged {
            format: FORMAT,
            reason: crate::text::excerpt(&error.to_string()),
        },
    })?;
    if document.is_encrypted() {
        return Err(has_password());
    }
    let mut budget = limit;
    let mut pages = Vec::new();
    for id in document.get_pages().into_values().take(MAX_PAGES) {
        pages.push(page::read_lines(&document, id, &mut budget));
    }
    let letters: usize = pages.iter().flatten().map(|line| line.letters()).sum();
    if letters < 10 {
        return Err(ReadError::Refused {
            kind: "a PDF document without text, such as a scan",
            remedy: "Run text recognition (OCR) on it, or copy the questions and answers into a \
                     document or a table.",
        });
    }
    let blocks = layout::read_blocks(pages);
    let document = read_outline(FORMAT, blocks, options.columns.as_ref());
    document.or_nothing_found(HOW_TO)
}

fn has_password() -> ReadError {
    ReadError::Refused {
        kind: "a PDF document with a password",
        remedy: "Save a copy without a password, and choose the copy.",
    }
}
