//! Splitting a table into records: lines, and more than one where a quoted cell has line breaks.
//!
//! A quote that is never closed must not swallow the rest of the file. Lines read ahead are kept;
//! when no closing quote comes, the record is its first line only, and they are read anew.

use super::lines::{Lines, Next, Piece, Tick};
use super::quotes::{LineEnd, Quotes, Scan, literally};
use std::collections::VecDeque;
use std::io::{self, BufRead};

/// What a line in memory costs besides its bytes.
const COST: usize = 32;

/// How many times the bytes of a file may be looked at again, so that no file takes for ever.
const AGAIN: usize = 8;

struct Line {
    number: u64,
    bytes: Vec<u8>,
    cut: bool,
    /// Looked at before.
    seen: bool,
}

enum Got {
    Line(Line),
    End,
    Halted,
}

/// Splits into records, holding at most about twice the limit.
pub(super) struct Records<R> {
    lines: Lines<R>,
    delimiter: u8,
    limit: usize,
    /// Lines that were read ahead.
    held: VecDeque<Line>,
    buffer: Vec<u8>,
    /// Bytes that may be looked at again.
    spare: usize,
    halted_at: Option<u64>,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(reader: R, limit: usize, delimiter: u8) -> Self {
        Self {
            lines: Lines::new(reader, limit),
            delimiter,
            limit,
            held: VecDeque::new(),
            buffer: Vec::new(),
            spare: 0,
            halted_at: None,
        }
    }

    /// Lines begun so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines.lines()
    }

    /// The line of the record that was halted.
    pub(super) fn halted_at(&self) -> u64 {
        self.halted_at.unwrap_or(self.lines.lines())
    }

    fn line(&mut self, tick: &mut Tick<'_>) -> io::Result<Got> {
        if let Some(line) = self.held.pop_front() {
            return Ok(Got::Line(line));
        }
        Ok(match self.lines.next(tick)? {
            Next::End => Got::End,
            Next::Halted => Got::Halted,
            Next::Piece(piece) => {
                let allowed = AGAIN.saturating_mul(piece.bytes.len() + 1);
                self.spare = self.spare.saturating_add(allowed);
                Got::Line(Line {
                    number: piece.line,
                    bytes: piece.bytes.to_vec(),
                    cut: piece.cut,
                    seen: false,
                })
            }
        })
    }

    /// Whether a line may be looked at.
    fn may(&mut self, line: &Line) -> bool {
        if !line.seen {
            return true;
        }
        match self.spare.checked_sub(line.bytes.len() + 1) {
            Some(spare) => {
                self.spare = spare;
                true
            }
            None => false,
        }
    }

    pub(super) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        let first = match self.line(tick)? {
            Got::Line(line) => line,
            Got::End => return Ok(Next::End),
            Got::Halted => return Ok(Next::Halted),
        };
        self.buffer.clear();
        if first.cut {
            self.buffer.extend_from_slice(&first.bytes);
            return Ok(self.piece(first.number, true, Quotes::Fine));
        }
        let mut scan = Scan::new(self.delimiter);
        let mut end = scan.line(&first.bytes, &mut self.buffer);
        // With loose quotes on its first line a cell is hardly meant to go on.
        if end == LineEnd::Open && scan.loose {
            end = LineEnd::Broken;
        }
        let mut ahead = Vec::new();
        let mut size = first.bytes.len();
        while end == LineEnd::Open {
            match self.line(tick)? {
                Got::Line(line) => {
                    size = size.saturating_add(line.bytes.len() + COST);
                    end = match !line.cut && size <= self.limit && self.may(&line) {
                        true => {
                            self.buffer.push(b'\n');
                            scan.line(&line.bytes, &mut self.buffer)
                        }
                        false => LineEnd::Broken,
                    };
                    ahead.push(line);
                }
                Got::End => end = LineEnd::Broken,
                Got::Halted => {
                    self.halted_at = Some(first.number);
                    return Ok(Next::Halted);
                }
            }
        }
        if end == LineEnd::Closed {
            let quotes = match scan.loose {
                true => Quotes::Loose,
                false => Quotes::Fine,
            };
            return Ok(self.piece(first.number, false, quotes));
        }
        for mut line in ahead.into_iter().rev() {
            line.seen = true;
            self.held.push_front(line);
        }
        self.buffer.clear();
        let mut quotes = Quotes::Loose;
        if !literally(&first.bytes, self.delimiter, &mut self.buffer) {
            quotes = Quotes::Open;
            self.buffer.clear();
            self.buffer.extend_from_slice(&first.bytes);
        }
        Ok(self.piece(first.number, false, quotes))
    }

    fn piece(&self, line: u64, cut: bool, quotes: Quotes) -> Next<'_> {
        Next::Piece(Piece {
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
        let mut records = Records::new(BufReader::with_capacity(3, text), limit, b',');
        let mut all = Vec::new();
        while let Next::Piece(piece) = records.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(piece.bytes).into_owned();
            all.push((piece.line, text, piece.quotes));
        }
        all
    }

    #[test]
    fn an_open_quote_costs_one_line() {
        let file = b"q,a\n\"a\r\nb\",c\n\"d,e\nf,g\n\"h\",i\n\"j,k\nl,m";
        let found = records(file, 1000);
        let expected = [
            (1, "q,a", Quotes::Fine),
            (2, "\"a\nb\",c", Quotes::Fine),
            (4, "\"d,e", Quotes::Open),
            (5, "f,g", Quotes::Fine),
            (6, "\"h\",i", Quotes::Fine),
            (7, "\"j,k", Quotes::Open),
            (8, "l,m", Quotes::Fine),
        ];
        let expected = expected.map(|(line, text, quotes)| (line, text.to_owned(), quotes));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_cell_over_many_lines_is_held_up_to_the_limit() {
        let file = format!("\"a{}\",b\nc,d", "\n".repeat(100));
        assert_eq!(records(file.as_bytes(), 10_000).len(), 2);
        let found = records(file.as_bytes(), 200);
        assert_eq!(found.len(), 102);
        assert_eq!(found[0].2, Quotes::Open);
    }

    #[test]
    fn quotes_that_never_close_do_not_take_for_ever() {
        let file = "a\",b,\"c\n".repeat(50_000);
        assert_eq!(records(file.as_bytes(), 1_000_000).len(), 50_000);
    }
}
