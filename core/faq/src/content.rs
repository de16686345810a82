//! Detecting the content of a stream: JSON, a table, a text, or a format that is read whole.

use crate::decode::decode_record;
use crate::detect::sample::{self, Sample};
use crate::detect::{detect_text_style, header, is_json};
use crate::document::{Head, LOOSE_FORMATS, STRUCTURED_FORMATS, TextFormat, find_format};
use crate::parse::labels::TextStyle;
use crate::parse::table::Layout;
use crate::{ColumnChoice, ReadError, text};

/// Content of a stream.
#[derive(Debug)]
pub(crate) enum Content {
    Json,
    Table(Layout),
    Text(TextStyle),
    /// Text of a format that is read whole.
    Document(&'static TextFormat),
}

/// Detects the content of a stream from its beginning `head`. `is_whole` tells whether `head` is
/// the whole stream. Formats that are read whole are found only with `documents`.
///
/// The checks run from the most to the least certain one: JSON, a table with known or chosen column
/// names, a text with labels or headings, a table with text above its names, a table with one known
/// name, a table without names.
///
/// # Errors
/// [`ReadError`], when the content is none of these or the columns can't be determined.
pub(crate) fn detect_content(
    head: &[u8],
    is_whole: bool,
    choice: Option<&ColumnChoice>,
    documents: Option<&Head<'_>>,
) -> Result<Content, ReadError> {
    let head = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    if head.trim_ascii().is_empty() || is_json(head) {
        return Ok(Content::Json);
    }
    let samples = sample::sample_delimiters(head, is_whole);
    if let Some(layout) = samples
        .iter()
        .find_map(|s| header::find_in_first_row(s, choice))
    {
        return Ok(Content::Table(layout));
    }
    let style = detect_text_style(head);
    if let Some(style) = style.filter(|style| *style != TextStyle::Headings || documents.is_none())
    {
        return Ok(Content::Text(style));
    }
    let find_document = |formats| documents.and_then(|head| find_format(formats, head));
    if let Some(format) = find_document(STRUCTURED_FORMATS) {
        return Ok(Content::Document(format));
    }
    if let Some(layout) = samples
        .iter()
        .find_map(|s| header::find_below_title(s, choice))
    {
        return Ok(Content::Table(layout));
    }
    if let Some(format) = find_document(LOOSE_FORMATS) {
        return Ok(Content::Document(format));
    }
    if choice.is_none()
        && let Some(layout) = samples.iter().find_map(header::complete_half_known)
    {
        return layout.map(Content::Table);
    }
    // Earlier delimiters win unless a later one fits clearly better.
    let mut best: Option<&Sample> = None;
    for sample in &samples {
        if sample.is_table() && best.is_none_or(|b| sample.agreement() > b.agreement() + 0.05) {
            best = Some(sample);
        }
    }
    let layout = match (best, choice) {
        (None, _) => None,
        (Some(sample), Some(choice)) => return Err(header::no_such_column(sample, choice)),
        (Some(sample), None) => header::guess_by_content(sample)?,
    };
    layout.map(Content::Table).ok_or_else(|| {
        let head = head.get(..400).unwrap_or(head);
        let text =
            decode_record(head, false).map_or_else(|_| String::from_utf8_lossy(head), |t| t.0);
        ReadError::NotUnderstood {
            beginning: text::excerpt(&text),
        }
    })
}
