//! Splitting a stream into lines of bounded length.

use super::{Next, Quotes, RawRecord, Tick};
use std::io::{self, BufRead};

/// Splits a stream at LF, CRLF and lone CR.
pub(crate) struct LineSplitter<R> {
    reader: R,
    /// Maximum length of a record; the rest of a longer line is skipped.
    limit: usize,
    buffer: Vec<u8>,
    line: u64,
    /// Whether the current line has begun but not ended.
    in_line: bool,
    after_cr: bool,
}

impl<R: BufRead> LineSplitter<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader,
            limit,
            buffer: Vec::new(),
            line: 0,
            in_line: false,
            after_cr: false,
        }
    }

    /// Number of lines begun so far.
    pub(crate) fn lines(&self) -> u64 {
        self.line
    }

    pub(crate) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        self.buffer.clear();
        let mut cut = false;
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(&first) = chunk.first() else {
                if !self.in_line {
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
            if !self.in_line {
                self.in_line = true;
                self.line += 1;
            }
            if tick(self.line).is_break() {
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
        self.in_line = false;
        Ok(Next::Record(RawRecord {
            line: self.line,
            bytes: &self.buffer,
            cut,
            quotes: Quotes::Balanced,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ops::ControlFlow;
    use std::io::BufReader;

    fn lines(text: &[u8], chunk: usize, limit: usize) -> Vec<(u64, String, bool)> {
        let mut lines = LineSplitter::new(BufReader::with_capacity(chunk, text), limit);
        let mut all = Vec::new();
        while let Next::Record(piece) = lines.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(piece.bytes).into_owned();
            all.push((piece.line, text, piece.cut));
        }
        assert_eq!(lines.lines(), all.len() as u64);
        all
    }

    #[test]
    fn line_splitter_accepts_every_line_ending() {
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
    fn line_splitter_cuts_only_the_long_line() {
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
    fn line_splitter_halts_within_a_line() {
        let text = b"x".repeat(100);
        let mut lines = LineSplitter::new(BufReader::with_capacity(10, &text[..]), 10);
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
