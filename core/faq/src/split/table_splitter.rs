//! Splitting a table into records of one line, or several if a quoted cell has line breaks.
//!
//! An unclosed quote must not swallow the rest of the file, which is why the `csv` crate's own
//! reader isn't used. Lines read ahead are kept; without a closing quote, the record is its first
//! line only, and the lines after it are scanned again.

use super::line_splitter::LineSplitter;
use super::quotes::{LineEnd, QuoteScanner, Quotes, quote_cells_literally};
use super::{Next, RawRecord, Tick};
use std::collections::VecDeque;
use std::io::{self, BufRead};

/// Memory overhead of a pending line, in bytes.
const LINE_OVERHEAD: usize = 32;

/// Maximum number of times each byte may be rescanned, on average. Keeps the run time linear in the
/// size of the file.
const RESCANS: usize = 8;

struct Line {
    number: u64,
    bytes: Vec<u8>,
    cut: bool,
    /// Whether the line was scanned before.
    seen: bool,
}

enum NextLine {
    Line(Line),
    End,
    Halted,
}

/// Splits a table into records; holds about twice the size limit of a record at most.
pub(crate) struct TableSplitter<R> {
    lines: LineSplitter<R>,
    delimiter: u8,
    limit: usize,
    /// Lines read ahead.
    pending: VecDeque<Line>,
    buffer: Vec<u8>,
    /// Number of bytes that may still be rescanned.
    rescan_budget: usize,
    halted_at: Option<u64>,
}

impl<R: BufRead> TableSplitter<R> {
    pub(crate) fn new(reader: R, limit: usize, delimiter: u8) -> Self {
        Self {
            lines: LineSplitter::new(reader, limit),
            delimiter,
            limit,
            pending: VecDeque::new(),
            buffer: Vec::new(),
            rescan_budget: 0,
            halted_at: None,
        }
    }

    /// Number of lines begun so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines.lines()
    }

    /// First line of the record within which reading was halted.
    pub(crate) fn halted_at(&self) -> u64 {
        self.halted_at.unwrap_or(self.lines.lines())
    }

    fn next_line(&mut self, tick: &mut Tick<'_>) -> io::Result<NextLine> {
        if let Some(line) = self.pending.pop_front() {
            return Ok(NextLine::Line(line));
        }
        Ok(match self.lines.next(tick)? {
            Next::End => NextLine::End,
            Next::Halted => NextLine::Halted,
            Next::Record(record) => {
                let allowed = RESCANS.saturating_mul(record.bytes.len() + 1);
                self.rescan_budget = self.rescan_budget.saturating_add(allowed);
                NextLine::Line(Line {
                    number: record.line,
                    bytes: record.bytes.to_vec(),
                    cut: record.cut,
                    seen: false,
                })
            }
        })
    }

    /// Charges a rescanned line to the budget; returns whether the line may be scanned.
    fn charge_rescan(&mut self, line: &Line) -> bool {
        if !line.seen {
            return true;
        }
        match self.rescan_budget.checked_sub(line.bytes.len() + 1) {
            Some(spare) => {
                self.rescan_budget = spare;
                true
            }
            None => false,
        }
    }

    pub(crate) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        let first = match self.next_line(tick)? {
            NextLine::Line(line) => line,
            NextLine::End => return Ok(Next::End),
            NextLine::Halted => return Ok(Next::Halted),
        };
        self.buffer.clear();
        if first.cut {
            self.buffer.extend_from_slice(&first.bytes);
            return Ok(self.buffered_record(first.number, true, Quotes::Balanced));
        }
        let mut scanner = QuoteScanner::new(self.delimiter);
        let mut end = scanner.scan_line(&first.bytes, &mut self.buffer);
        // A cell with unescaped quotes on its first line is unlikely to span several lines.
        if end == LineEnd::Open && scanner.has_unescaped {
            end = LineEnd::Broken;
        }
        let mut ahead = Vec::new();
        let mut size = first.bytes.len();
        while end == LineEnd::Open {
            match self.next_line(tick)? {
                NextLine::Line(line) => {
                    size = size.saturating_add(line.bytes.len() + LINE_OVERHEAD);
                    end = if !line.cut && size <= self.limit && self.charge_rescan(&line) {
                        self.buffer.push(b'\n');
                        scanner.scan_line(&line.bytes, &mut self.buffer)
                    } else {
                        LineEnd::Broken
                    };
                    ahead.push(line);
                }
                NextLine::End => end = LineEnd::Broken,
                NextLine::Halted => {
                    self.halted_at = Some(first.number);
                    return Ok(Next::Halted);
                }
            }
        }
        if end == LineEnd::Closed {
            let quotes = if scanner.has_unescaped {
                Quotes::Unescaped
            } else {
                Quotes::Balanced
            };
            return Ok(self.buffered_record(first.number, false, quotes));
        }
        for mut line in ahead.into_iter().rev() {
            line.seen = true;
            self.pending.push_front(line);
        }
        self.buffer.clear();
        let mut quotes = Quotes::Unescaped;
        if !quote_cells_literally(&first.bytes, self.delimiter, &mut self.buffer) {
            self.buffer.clear();
            if !self.close_last_cell(&first.bytes) {
                quotes = Quotes::Unclosed;
                self.buffer.clear();
                self.buffer.extend_from_slice(&first.bytes);
            }
        }
        Ok(self.buffered_record(first.number, false, quotes))
    }

    /// Adds the quote that a row lacks at its end, if all its cells begin with one.
    fn close_last_cell(&mut self, line: &[u8]) -> bool {
        let between = [b'"', self.delimiter, b'"'];
        if !line.starts_with(b"\"") || !line.windows(3).any(|bytes| bytes == between) {
            return false;
        }
        let inside = line.get(1..).unwrap_or_default();
        let mut from = 0;
        self.buffer.push(b'"');
        while from < inside.len() {
            let rest = inside.get(from..).unwrap_or_default();
            if rest.starts_with(&between) {
                self.buffer.extend_from_slice(&between);
                from += between.len();
                continue;
            }
            let byte = rest.first().copied().unwrap_or(b' ');
            self.buffer.push(byte);
            if byte == b'"' && rest.get(1) != Some(&b'"') {
                self.buffer.push(byte);
            } else if byte == b'"' {
                self.buffer.push(byte);
                from += 1;
            }
            from += 1;
        }
        self.buffer.push(b'"');
        true
    }

    fn buffered_record(&self, line: u64, cut: bool, quotes: Quotes) -> Next<'_> {
        Next::Record(RawRecord {
            line,
            bytes: &self.buffer,
            cut,
            quotes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ops::ControlFlow;
    use std::io::BufReader;

    fn records(text: &[u8], limit: usize) -> Vec<(u64, String, Quotes)> {
        let mut records = TableSplitter::new(BufReader::with_capacity(3, text), limit, b',');
        let mut all = Vec::new();
        while let Next::Record(record) = records.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(record.bytes).into_owned();
            all.push((record.line, text, record.quotes));
        }
        all
    }

    #[test]
    fn table_splitter_loses_one_line_per_unclosed_quote() {
        let file = b"q,a\n\"a\r\nb\",c\n\"d,e\nf,g\n\"h\",i\n\"j,k\nl,m";
        let found = records(file, 1000);
        let expected = [
            (1, "q,a", Quotes::Balanced),
            (2, "\"a\nb\",c", Quotes::Balanced),
            (4, "\"d,e", Quotes::Unclosed),
            (5, "f,g", Quotes::Balanced),
            (6, "\"h\",i", Quotes::Balanced),
            (7, "\"j,k", Quotes::Unclosed),
            (8, "l,m", Quotes::Balanced),
        ];
        let expected = expected.map(|(line, text, quotes)| (line, text.to_owned(), quotes));
        assert_eq!(found, expected);
    }

    #[test]
    fn table_splitter_limits_the_size_of_a_cell() {
        let file = format!("\"a{}\",b\nc,d", "\n".repeat(100));
        assert_eq!(records(file.as_bytes(), 10_000).len(), 2);
        let found = records(file.as_bytes(), 200);
        assert_eq!(found.len(), 102);
        assert_eq!(found[0].2, Quotes::Unclosed);
    }

    #[test]
    fn table_splitter_is_linear_in_unclosed_quotes() {
        let file = "a\",b,\"c\n".repeat(50_000);
        assert_eq!(records(file.as_bytes(), 1_000_000).len(), 50_000);
    }
}
