//! Detecting the content of a stream from its beginning: JSON, a table, or a text.

mod header;
mod sample;

use self::sample::Sample;
use super::decode::decode_record;
use super::document::{Head, LOOSE_FORMATS, STRUCTURED_FORMATS, TextFormat, find_format};
use super::parse::labels::{Mark, TextStyle, classify_line, has_inline_answer};
use super::parse::table::Layout;
use super::{ColumnChoice, ReadError, text};

pub(crate) use self::sample::is_sep_line;

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

/// Finds the columns of a table given as rows of cells. A sample of the first rows is enough.
///
/// Returns `None` if the rows don't look like a table of questions and answers.
///
/// # Errors
/// [`ReadError`], when the rows are a table whose columns can't be determined.
pub(crate) fn detect_columns(
    rows: &[Vec<String>],
    choice: Option<&ColumnChoice>,
) -> Result<Option<Layout>, ReadError> {
    let sample = Sample::of_rows(rows);
    let layout = header::find_in_first_row(&sample, choice)
        .or_else(|| header::find_below_title(&sample, choice));
    if layout.is_some() {
        return Ok(layout);
    }
    if let Some(choice) = choice {
        return Err(header::no_such_column(&sample, choice));
    }
    match header::complete_half_known(&sample) {
        Some(layout) => layout.map(Some),
        None if sample.is_table() => header::guess_by_content(&sample),
        None => Ok(None),
    }
}

/// Whether `head` begins like JSON, or at least half of its lines do.
fn is_json(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let Some((first, rest)) = head.split_first() else {
        return true;
    };
    let next = rest.trim_ascii_start();
    match (first, next.first()) {
        (b'{', _) => return true,
        (b'[', None | Some(b'{' | b'[' | b']' | b'"')) => return true,
        _ => {}
    }
    let lines = head.split(|b| matches!(b, b'\n' | b'\r'));
    let lines = lines.map(<[u8]>::trim_ascii).filter(|l| !l.is_empty());
    let (mut all, mut rows) = (0, 0);
    for line in lines {
        all += 1;
        rows += usize::from(line.starts_with(b"{"));
    }
    rows * 2 >= all
}

/// Detects how a text marks its questions; `None` if it doesn't. Labels take precedence over
/// headings.
pub(crate) fn detect_text_style(head: &[u8]) -> Option<TextStyle> {
    let text = String::from_utf8_lossy(head);
    let (mut has_question, mut has_point, mut in_code_block) = (false, false, false);
    let (mut has_heading, mut points) = (false, 0);
    for line in text.split(['\n', '\r']) {
        match classify_line(line, TextStyle::PointLabels) {
            Mark::Question(0) => has_point = true,
            Mark::Answer if has_point => points += 1,
            _ => {}
        }
        match classify_line(line, TextStyle::Labels) {
            Mark::Question(_) if has_inline_answer(line) => return Some(TextStyle::Labels),
            Mark::Question(_) => has_question = true,
            Mark::Answer if has_question => return Some(TextStyle::Labels),
            Mark::Fence => in_code_block = !in_code_block,
            _ => {
                let mark = classify_line(line, TextStyle::Headings);
                has_heading |= !in_code_block && matches!(mark, Mark::Question(_));
            }
        }
    }
    if points > 1 {
        return Some(TextStyle::PointLabels);
    }
    has_heading.then_some(TextStyle::Headings)
}
