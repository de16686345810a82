//! Detecting the content of a stream from its beginning: JSON, a table, or a text.

pub(crate) mod header;
pub(crate) mod sample;

use self::sample::Sample;
use super::parse::labels::{Mark, TextStyle, classify_line, has_inline_answer};
use super::parse::table::Layout;
use super::{ColumnChoice, ReadError};

pub(crate) use self::sample::is_sep_line;

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
pub(crate) fn is_json(head: &[u8]) -> bool {
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
