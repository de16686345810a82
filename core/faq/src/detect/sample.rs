//! Trial parse of the beginning of a file with one delimiter.

use crate::decode::decode_record;
use crate::parse::table::{CellParser, Layout, parse_sep_line};
use crate::split::{Next, Quotes, TableSplitter};
use crate::text;
use core::ops::ControlFlow;

/// Candidate delimiters, in order of precedence.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// Maximum number of records in a sample.
const SAMPLE_RECORDS: usize = 60;

/// The beginning of a file, parsed as a table with one delimiter.
pub(crate) struct Sample {
    delimiter: u8,
    pub(crate) rows: Vec<Vec<String>>,
    /// Most frequent number of cells in a row.
    pub(crate) width: usize,
    /// Number of rows with `width` cells.
    agreeing: usize,
    /// Number of records that couldn't be parsed.
    broken: usize,
    /// Whether a `sep=` line declares the delimiter.
    pub(crate) is_declared: bool,
}

impl Sample {
    fn new(head: &[u8], is_whole: bool, delimiter: u8, is_declared: bool) -> Self {
        let mut records = TableSplitter::new(head, head.len(), delimiter);
        let mut cells = CellParser::new(delimiter);
        let (mut rows, mut broken) = (Vec::new(), 0);
        let mut reached_end = false;
        while rows.len() + broken < SAMPLE_RECORDS {
            let record = match records.next(&mut |_| ControlFlow::Continue(())) {
                Ok(Next::Record(record)) => record,
                _ => {
                    reached_end = true;
                    break;
                }
            };
            if is_sep_line(record.bytes, record.line) {
                continue;
            }
            let Ok((text, _)) = decode_record(record.bytes, false) else {
                broken += 1;
                continue;
            };
            let row = cells.parse(&text);
            if row.iter().all(|cell| text::is_blank(cell)) {
                continue;
            }
            match record.quotes {
                // The quote may be closed after the end of `head`.
                Quotes::Unclosed if !is_whole && !rows.is_empty() => break,
                Quotes::Unclosed => broken += 1,
                _ => rows.push(row.into_iter().map(str::to_owned).collect::<Vec<_>>()),
            }
        }
        // The last record may continue after the end of `head`.
        if reached_end && !is_whole && rows.len() > 1 {
            rows.pop();
        }
        Self::measure(rows, broken, delimiter, is_declared)
    }

    /// Creates a sample of the first rows of a table that is already divided into cells.
    pub(crate) fn of_rows(rows: &[Vec<String>]) -> Self {
        let rows = rows
            .iter()
            .filter(|row| row.iter().any(|cell| !text::is_blank(cell)));
        Self::measure(
            rows.take(SAMPLE_RECORDS).cloned().collect(),
            0,
            b'\t',
            false,
        )
    }

    fn measure(rows: Vec<Vec<String>>, broken: usize, delimiter: u8, is_declared: bool) -> Self {
        let count = |width| rows.iter().filter(|r| r.len() == width).count();
        let widths = rows.iter().map(Vec::len);
        let width = widths.max_by_key(|w| (count(*w), *w)).unwrap_or(0);
        let agreeing = count(width);
        Self {
            delimiter,
            rows,
            width,
            agreeing,
            broken,
            is_declared,
        }
    }

    /// Fraction of records with `width` cells, from 0 to 1.
    pub(crate) fn agreement(&self) -> f64 {
        let rows = (self.rows.len() + self.broken).max(1);
        self.agreeing as f64 / rows as f64
    }

    /// Whether the sample looks like a table: several columns, and the same number of cells in at
    /// least 60 % of the records.
    pub(crate) fn is_table(&self) -> bool {
        self.width > 1 && (self.is_declared || self.agreement() >= 0.6)
    }

    pub(crate) fn first_row(&self) -> Vec<&str> {
        let first = self.rows.first().map_or(&[][..], Vec::as_slice);
        first.iter().map(String::as_str).collect()
    }

    /// Number of cells with a question mark in a column.
    pub(crate) fn count_question_marks(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.filter(|cell| has_question_mark(cell)).count()
    }

    /// Total length of the texts in a column, in characters.
    pub(crate) fn text_length(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).sum()
    }

    pub(crate) fn layout(&self, names: Vec<String>, has_names: bool) -> Layout {
        Layout {
            delimiter: self.delimiter,
            has_names,
            has_title: false,
            choice: None,
            joins_cells: self.has_unquoted_delimiters(names.len()),
            names,
            note: None,
        }
    }

    /// Whether most rows below a header of two columns have more cells than that.
    fn has_unquoted_delimiters(&self, columns: usize) -> bool {
        let below = self.rows.get(1..).unwrap_or_default();
        let wider = below.iter().filter(|row| row.len() > 2).count();
        columns == 2 && self.delimiter != b'|' && below.len() > 2 && wider * 2 > below.len()
    }
}

pub(crate) fn has_question_mark(cell: &str) -> bool {
    cell.contains(['?', '？', '؟', '¿'])
}

/// Whether a record is a `sep=` line, which declares the delimiter.
pub(crate) fn is_sep_line(record: &[u8], line: u64) -> bool {
    line == 1 && parse_sep_line(record).is_some()
}

/// Parses `head` with the declared delimiter, or with each candidate delimiter.
pub(crate) fn sample_delimiters(head: &[u8], is_whole: bool) -> Vec<Sample> {
    let first = head.split(|b| matches!(b, b'\n' | b'\r')).next();
    if let Some(delimiter) = first.and_then(parse_sep_line) {
        return vec![Sample::new(head, is_whole, delimiter, true)];
    }
    let all = DELIMITERS.iter();
    all.map(|d| Sample::new(head, is_whole, *d, false))
        .collect()
}
