//! Parsing table records into cells with csv-core, which works on caller-provided buffers.

use super::{Record, Value};
use crate::{ColumnChoice, Columns, IssueKind, text};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// Structure of a table, as detected from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) delimiter: u8,
    /// Column names from the header, or column numbers from 1.
    pub(crate) names: Vec<String>,
    /// Whether the table has a header.
    pub(crate) has_names: bool,
    /// Whether other records, such as a title, precede the header.
    pub(crate) has_title: bool,
    /// Question and answer columns, if they aren't determined by their names.
    pub(crate) choice: Option<ColumnChoice>,
    /// Whether most answers hold unquoted delimiters, so that each row is cut into two cells.
    pub(crate) joins_cells: bool,
    /// Issue to report about the detection of the columns.
    pub(crate) note: Option<IssueKind>,
}

/// Names columns by their number, from 1 to `width`.
pub(crate) fn number_columns(width: usize) -> Vec<String> {
    (1..=width).map(|n| n.to_string()).collect()
}

/// Names columns by the cells of a header. Empty and duplicate names are replaced by the column
/// number.
pub(crate) fn name_columns(cells: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (i, cell) in cells.iter().enumerate() {
        let name = text::excerpt(cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}'));
        if name.is_empty() || names.contains(&name) {
            names.push((i + 1).to_string());
        } else {
            names.push(name);
        }
    }
    names
}

/// Parser for the cells of a record; reuses its buffers.
pub(crate) struct CellParser {
    reader: Reader,
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl CellParser {
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Parses the cells of one record, trimmed; none for the separator row of a Markdown table.
    pub(crate) fn parse(&mut self, record: &str) -> Vec<&str> {
        let record = if self.delimiter == b'|' {
            strip_outer_bars(record)
        } else {
            record
        };
        let mut input = record.as_bytes();
        let max_cells = 1 + input.iter().filter(|b| **b == self.delimiter).count();
        self.text.clear();
        self.text.resize(input.len() + 1, 0);
        self.ends.clear();
        self.ends.resize(max_cells + 1, 0);
        self.reader.reset();
        let (mut written, mut count) = (0, 0);
        loop {
            let (result, used, out, ends) = self.reader.read_record(
                input,
                self.text.get_mut(written..).unwrap_or_default(),
                self.ends.get_mut(count..).unwrap_or_default(),
            );
            input = input.get(used..).unwrap_or_default();
            written += out;
            count += ends;
            match result {
                // Passing empty input in the next iteration ends the record.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull
                | ReadRecordResult::OutputEndsFull
                | ReadRecordResult::Record
                | ReadRecordResult::End => break,
            }
        }
        let ends = self.ends.get(..count).unwrap_or_default();
        let mut from = 0;
        let cells = ends.iter().map(|end| {
            let cell = self.text.get(from..*end).unwrap_or_default();
            from = *end;
            core::str::from_utf8(cell).unwrap_or_default().trim()
        });
        let cells: Vec<&str> = cells.collect();
        if self.delimiter == b'|' && is_separator_row(&cells) {
            Vec::new()
        } else {
            cells
        }
    }
}

/// Removes the bars around a row of a Markdown table.
fn strip_outer_bars(record: &str) -> &str {
    match record.trim().strip_prefix('|') {
        Some(rest) => rest.strip_suffix('|').unwrap_or(rest),
        None => record,
    }
}

/// Whether a row is the line of dashes below the header of a Markdown table.
fn is_separator_row(cells: &[&str]) -> bool {
    !cells.is_empty()
        && cells.iter().all(|cell| {
            let dashes = cell.trim_matches(':');
            !dashes.is_empty() && dashes.bytes().all(|b| b == b'-')
        })
}

/// Cuts a row into question and answer at the delimiter behind its question mark, or else at the
/// first delimiter without a space behind it, or else at the first one.
pub(crate) fn cut_in_two(record: &str, delimiter: u8) -> Option<[&str; 2]> {
    let delimiter = char::from(delimiter);
    let behind_mark = record
        .match_indices(['?', '？', '؟'])
        .find_map(|(at, mark)| {
            let end = at + mark.len();
            let rest = record.get(end..)?;
            rest.starts_with(delimiter).then_some(end)
        });
    let at = behind_mark
        .or_else(|| {
            let mut all = record.match_indices(delimiter);
            all.find(|(at, _)| {
                let rest = record.get(at + 1..).unwrap_or_default();
                !rest.starts_with(' ')
            })
            .map(|(at, _)| at)
        })
        .or_else(|| record.find(delimiter))?;
    let question = record.get(..at)?.trim().trim_matches('"');
    let answer = record.get(at + 1..)?.trim().trim_matches('"');
    Some([question, answer])
}

/// Parses a line such as `sep=;`, with which Excel declares the delimiter.
pub(crate) fn parse_sep_line(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let (word, rest) = line.split_at_checked(4)?;
    if !word.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    match rest {
        [b'"', ..] | [] => None,
        [delimiter, rest @ ..] if rest.trim_ascii().is_empty() && delimiter.is_ascii() => {
            Some(*delimiter)
        }
        _ => None,
    }
}

/// Pairs cells with column names.
///
/// # Errors
/// [`IssueKind::ExtraCells`], when the record has more non-blank cells than there are names.
pub(crate) fn build_record<'a>(
    names: &[String],
    cells: &[&'a str],
) -> Result<Record<'a>, IssueKind> {
    let more = cells.get(names.len()..).unwrap_or_default();
    if let Some(last) = more.iter().rposition(|cell| !text::is_blank(cell)) {
        return Err(IssueKind::ExtraCells {
            found: (names.len() + last) as u64 + 1,
            expected: names.len() as u64,
        });
    }
    let fields = names.iter().cloned();
    Ok(Record {
        fields: fields
            .zip(cells.iter().map(|cell| Value::Text(cell)))
            .collect(),
        controls: 0,
    })
}

/// Columns of a table: all names in `names`, and the question and answer columns in `found`.
pub(crate) fn list_columns(names: &[String], found: &Columns) -> Columns {
    Columns {
        all: names.iter().take(Columns::MAX_NAMES).cloned().collect(),
        ..found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_parser_handles_quotes_blanks_and_markdown() {
        for (delimiter, record, expected) in [
            (
                b',',
                "a, b ,\"c \"\"d\"\",\ne\"",
                &["a", "b", "c \"d\",\ne"][..],
            ),
            (b';', "a;;", &["a", "", ""]),
            (b'\t', "\ta", &["", "a"]),
            (b',', "", &[]),
            (b'|', "| a | b |", &["a", "b"]),
            (b'|', "a|b", &["a", "b"]),
            (b'|', "|---|:-:|", &[]),
        ] {
            assert_eq!(
                CellParser::new(delimiter).parse(record),
                expected,
                "{record:?}"
            );
        }
        assert_eq!(parse_sep_line(b"sep=;"), Some(b';'));
        assert_eq!(parse_sep_line(b"SEP=\t\r"), Some(b'\t'));
        assert_eq!(parse_sep_line(b"sep=ab"), None);
    }

    #[test]
    fn name_columns_replaces_empty_and_duplicate_names() {
        assert_eq!(
            name_columns(&["\u{feff}Frage ", "", "a", "a"]),
            ["Frage", "2", "a", "4"]
        );
    }
}
