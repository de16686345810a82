//! A table: its layout, and the cells of a record.
//!
//! Cells are taken apart by csv-core, the heart of the `csv` crate, into buffers of our own.

use super::fields::REMEMBERED;
use super::json::{Record, Value};
use super::problem::ProblemKind;
use super::text;
use super::{ColumnChoice, Columns};
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// What was found out about a table from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) delimiter: u8,
    /// The names of the columns: those of a record, or numbers from 1.
    pub(super) names: Vec<String>,
    /// Whether a record holds the names.
    pub(super) has_names: bool,
    /// Whether others, such as a title, stand above it.
    pub(super) has_title: bool,
    /// The columns to take, when their names do not say it.
    pub(super) choice: Option<ColumnChoice>,
    /// How the columns were found, if that is to be told.
    pub(super) note: Option<ProblemKind>,
}

/// The names of columns by their place.
pub(super) fn numbers(width: usize) -> Vec<String> {
    (1..=width).map(|n| n.to_string()).collect()
}

/// The names in a record. One that is missing, or stands before, becomes a number.
pub(super) fn names(cells: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (i, cell) in cells.iter().enumerate() {
        let name = text::excerpt(cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}'));
        match name.is_empty() || names.contains(&name) {
            true => names.push((i + 1).to_string()),
            false => names.push(name),
        }
    }
    names
}

/// Takes records apart.
pub(super) struct Cells {
    reader: Reader,
    delimiter: u8,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    pub(super) fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            text: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The cells of one record, without the blanks around them; none for a record to pass over.
    pub(super) fn read(&mut self, record: &str) -> Vec<&str> {
        let record = match self.delimiter {
            b'|' => without_frame(record),
            _ => record,
        };
        let mut input = record.as_bytes();
        let most = 1 + input.iter().filter(|b| **b == self.delimiter).count();
        self.text.clear();
        self.text.resize(input.len() + 1, 0);
        self.ends.clear();
        self.ends.resize(most + 1, 0);
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
                // An empty input says that there is no more.
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
        match self.delimiter == b'|' && is_rule(&cells) {
            true => Vec::new(),
            false => cells,
        }
    }
}

/// A line of a Markdown table without the bars around it.
fn without_frame(record: &str) -> &str {
    match record.trim().strip_prefix('|') {
        Some(rest) => rest.strip_suffix('|').unwrap_or(rest),
        None => record,
    }
}

/// The line below the names of a Markdown table.
fn is_rule(cells: &[&str]) -> bool {
    let is = |cell: &&str| {
        let dashes = cell.trim_matches(':');
        !dashes.is_empty() && dashes.bytes().all(|b| b == b'-')
    };
    !cells.is_empty() && cells.iter().all(is)
}

/// The delimiter that a first line `sep=;` announces, as Excel writes it.
pub(super) fn announced(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_start();
    let (word, rest) = line.split_at_checked(4)?;
    if !word.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    match rest {
        [b'"', ..] | [] => None,
        [delimiter, behind @ ..] if behind.trim_ascii().is_empty() && delimiter.is_ascii() => {
            Some(*delimiter)
        }
        _ => None,
    }
}

/// The fields of a record. `Err` when it has more cells than there are names.
pub(super) fn record<'a>(names: &[String], cells: &[&'a str]) -> Result<Record<'a>, ProblemKind> {
    let more = cells.get(names.len()..).unwrap_or_default();
    if let Some(last) = more.iter().rposition(|cell| !text::is_blank(cell)) {
        return Err(ProblemKind::ExtraCells {
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

/// The columns of a table: all it has, and those that were found in its rows.
pub(super) fn columns(names: &[String], found: &Columns) -> Columns {
    Columns {
        all: names.iter().take(REMEMBERED).cloned().collect(),
        ..found.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_taken_apart() {
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
            assert_eq!(Cells::new(delimiter).read(record), expected, "{record:?}");
        }
        assert_eq!(announced(b"sep=;"), Some(b';'));
        assert_eq!(announced(b"SEP=\t\r"), Some(b'\t'));
        assert_eq!(announced(b"sep=ab"), None);
    }

    #[test]
    fn every_column_has_a_name_of_its_own() {
        assert_eq!(
            names(&["\u{feff}Frage ", "", "a", "a"]),
            ["Frage", "2", "a", "4"]
        );
    }
}
