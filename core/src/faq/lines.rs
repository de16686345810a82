//! Splitting a stream into lines without ever holding a long one.

use super::quotes::Quotes;
use core::ops::ControlFlow;
use std::io::{self, BufRead};

/// One line, or one element of a list: what should become a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The line it begins on, counted from 1.
    pub(super) line: u64,
    /// Its bytes, or as many as the limit allows.
    pub(super) bytes: &'a [u8],
    /// Whether there were more.
    pub(super) cut: bool,
    /// How the quotes of a table were.
    pub(super) quotes: Quotes,
}

/// What a splitter found next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    Piece(Piece<'a>),
    End,
    /// The caller's tick said stop, before or within a piece.
    Halted,
}

/// Called with the number of lines before each chunk of bytes is looked at.
pub(super) type Tick<'t> = dyn FnMut(u64) -> ControlFlow<()> + 't;

/// Splits at LF, CRLF and lone CR.
pub(super) struct Lines<R> {
    reader: R,
    limit: usize,
    buffer: Vec<u8>,
    number: u64,
    begun: bool,
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader,
            limit,
            buffer: Vec::new(),
            number: 0,
            begun: false,
            after_cr: false,
        }
    }

    /// Lines begun so far.
    pub(super) fn lines(&self) -> u64 {
        self.number
    }

    pub(super) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        self.buffer.clear();
        let mut cut = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(&first) = chunk.first() else {
                if !self.begun {
                    return Ok(Next::End);
                }
                break;
            };
            if self.after_cr {
                self.after_cr = false;
                if first == b'\n' {
                    self.reader.consume(1);
                    continue;
                }
            }
            if !self.begun {
                self.begun = true;
                self.number += 1;
            }
            if tick(self.number).is_break() {
                return Ok(Next::Halted);
            }
            let end = chunk.iter().position(|b| matches!(b, b'\n' | b'\r'));
            let text = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or(chunk);
            let room = self.limit.saturating_sub(self.buffer.len());
            cut |= text.len() > room;
            self.buffer
                .extend_from_slice(text.get(..room).unwrap_or(text));
            let used = text.len();
            match end {
                None => self.reader.consume(used),
                Some(end) => {
                    self.after_cr = chunk.get(end) == Some(&b'\r');
                    self.reader.consume(used + 1);
                    break;
                }
            }
        }
        self.begun = false;
        Ok(Next::Piece(Piece {
            line: self.number,
            bytes: &self.buffer,
            cut,
            quotes: Quotes::Fine,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(text: &[u8], chunk: usize, limit: usize) -> Vec<(u64, String, bool)> {
        let mut lines = Lines::new(BufReader::with_capacity(chunk, text), limit);
        let mut all = Vec::new();
        while let Next::Piece(piece) = lines.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(piece.bytes).into_owned();
            all.push((piece.line, text, piece.cut));
        }
        assert_eq!(lines.lines(), all.len() as u64);
        all
    }

    #[test]
    fn every_kind_of_line_end_ends_a_line() {
        for chunk in [1, 2, 3, 100] {
            for (text, expected) in [
                (&b""[..], &[][..]),
                (b"a", &["a"]),
                (b"a\n", &["a"]),
                (b"a\r", &["a"]),
                (b"a\r\n", &["a"]),
                (b"a\nb\r\nc\rd", &["a", "b", "c", "d"]),
                (b"\n\n\r\n\r\r", &["", "", "", "", ""]),
                (b"a\n\rb", &["a", "", "b"]),
            ] {
                let found: Vec<String> = lines(text, chunk, 10).into_iter().map(|l| l.1).collect();
                assert_eq!(found, expected, "{text:?} in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_whole() {
        let text = [b"x".repeat(1000), b"\nabcd\nabcde".to_vec()].concat();
        for chunk in [1, 7, 5000] {
            assert_eq!(
                lines(&text, chunk, 4),
                [
                    (1, "xxxx".to_owned(), true),
                    (2, "abcd".to_owned(), false),
                    (3, "abcd".to_owned(), true)
                ]
            );
        }
    }

    #[test]
    fn a_tick_can_halt_within_a_line() {
        let text = b"x".repeat(100);
        let mut lines = Lines::new(BufReader::with_capacity(10, &text[..]), 10);
        let mut ticks = 0;
        let next = lines.next(&mut |_| {
            ticks += 1;
            if ticks == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert_eq!(next.unwrap(), Next::Halted);
    }
}
