//! Splitting one JSON list, or objects spread over several lines, into their elements.
//!
//! A parser would have to stop at the first mistake. This scanner only looks for where elements
//! begin and end, and finds its way again after a mistake: a line break ends a text without closing
//! quote, a `{` where none can stand begins a new element. Each element is then parsed by itself.

use super::lines::{Next, Piece, Tick};
use super::quotes::Quotes;
use std::io::{self, BufRead};

/// What to do with the byte just looked at.
#[derive(PartialEq)]
enum Step {
    /// Not part of an element.
    Skip,
    /// Part of the element.
    Keep,
    /// It ended the element and is used up.
    EndAfter,
    /// The element ended before it.
    EndBefore,
}

/// Knows where elements begin and end.
struct Scan {
    /// Between `[` and `]` of the list.
    inside: bool,
    /// Within an element.
    begun: bool,
    /// Within something that stands outside the list: it ends with its line.
    stray: bool,
    in_text: bool,
    escaped: bool,
    depth: u32,
    /// Which of the innermost 64 levels are objects: bit 0 is the innermost.
    objects: u64,
    /// The last byte that is no white space.
    last: u8,
}

impl Scan {
    fn step(&mut self, byte: u8) -> Step {
        if !self.begun {
            return self.between(byte);
        }
        if self.stray {
            return match byte {
                b'\n' | b'\r' => Step::EndBefore,
                _ => Step::Keep,
            };
        }
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            if matches!(byte, b'\n' | b'\r') {
                self.in_text = false;
                self.escaped = false;
            }
            return Step::Keep;
        }
        self.structure(byte)
    }

    /// Outside of every element.
    fn between(&mut self, byte: u8) -> Step {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => Step::Skip,
            b',' if self.inside => Step::Skip,
            b']' if self.inside => {
                self.inside = false;
                Step::Skip
            }
            b'[' if !self.inside => {
                self.inside = true;
                Step::Skip
            }
            _ => {
                self.begun = true;
                self.stray = !self.inside;
                self.in_text = false;
                self.escaped = false;
                self.depth = 0;
                self.objects = 0;
                self.last = 0;
                match self.stray {
                    true => Step::Keep,
                    false => self.structure(byte),
                }
            }
        }
    }

    /// Within an element, outside of its texts.
    fn structure(&mut self, byte: u8) -> Step {
        let in_object = self.depth > 0 && self.objects & 1 == 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return Step::Keep,
            b'"' => self.in_text = true,
            // Here no object can begin: an element before it was not closed.
            b'{' if in_object && self.last != b':' => return Step::EndBefore,
            b'{' if self.depth == 0 && self.last == b'}' => return Step::EndBefore,
            b'{' | b'[' => {
                self.depth = self.depth.saturating_add(1);
                self.objects = self.objects << 1 | u64::from(byte == b'{');
            }
            b']' if self.depth == 0 || (self.depth == 1 && in_object) => return Step::EndBefore,
            b',' if self.depth == 0 => return Step::EndAfter,
            b'}' | b']' => {
                self.pop();
                // A `}` also closes the lists inside its object.
                while byte == b'}' && self.depth > 0 && !in_object && self.objects & 1 == 0 {
                    self.pop();
                }
                if byte == b'}' && !in_object {
                    self.pop();
                }
            }
            _ => {}
        }
        self.last = byte;
        Step::Keep
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }
}

/// Splits into elements, holding one at a time and never more than the limit of it.
pub(super) struct Items<R> {
    reader: R,
    limit: usize,
    buffer: Vec<u8>,
    scan: Scan,
    /// Line ends seen.
    breaks: u64,
    /// The last byte.
    previous: u8,
    /// Anything at all was read.
    any: bool,
}

impl<R: BufRead> Items<R> {
    /// `free` is whether elements stand free, without a list around them.
    pub(super) fn new(reader: R, limit: usize, free: bool) -> Self {
        Self {
            reader,
            limit,
            buffer: Vec::new(),
            scan: Scan {
                inside: free,
                begun: false,
                stray: false,
                in_text: false,
                escaped: false,
                depth: 0,
                objects: 0,
                last: 0,
            },
            breaks: 0,
            previous: 0,
            any: false,
        }
    }

    /// Lines begun so far.
    pub(super) fn lines(&self) -> u64 {
        self.breaks + u64::from(self.any && !matches!(self.previous, b'\n' | b'\r'))
    }

    /// Whether a list has begun that has not ended.
    pub(super) fn is_open(&self) -> bool {
        self.scan.inside
    }

    pub(super) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        self.buffer.clear();
        self.scan.begun = false;
        let mut cut = false;
        let mut line = self.breaks + 1;
        'more: loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                if !self.scan.begun {
                    return Ok(Next::End);
                }
                break;
            }
            if tick(self.breaks + 1).is_break() {
                return Ok(Next::Halted);
            }
            self.any = true;
            // At most so much between two ticks.
            let chunk = chunk.get(..1 << 16).unwrap_or(chunk);
            let mut used = 0;
            for &byte in chunk {
                let begun = self.scan.begun;
                let step = self.scan.step(byte);
                if step == Step::EndBefore {
                    self.reader.consume(used);
                    break 'more;
                }
                used += 1;
                if !begun && self.scan.begun {
                    line = self.breaks + 1;
                }
                if byte == b'\r' || (byte == b'\n' && self.previous != b'\r') {
                    self.breaks += 1;
                }
                self.previous = byte;
                match step {
                    Step::EndAfter => {
                        self.reader.consume(used);
                        break 'more;
                    }
                    Step::Keep if self.buffer.len() < self.limit => self.buffer.push(byte),
                    Step::Keep => cut = true,
                    Step::Skip | Step::EndBefore => {}
                }
            }
            self.reader.consume(used);
        }
        self.scan.begun = false;
        Ok(Next::Piece(Piece {
            line,
            bytes: &self.buffer,
            cut,
            quotes: Quotes::Fine,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ops::ControlFlow;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn items(text: &[u8], chunk: usize, free: bool) -> Vec<(u64, String)> {
        let mut items = Items::new(BufReader::with_capacity(chunk, text), 50, free);
        let mut all = Vec::new();
        while let Next::Piece(piece) = items.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(piece.bytes);
            all.push((piece.line, text.trim_end().to_owned()));
        }
        all
    }

    #[test]
    fn elements_are_found_also_around_mistakes() {
        for (text, expected) in [
            (r#"[]"#, &[][..]),
            (
                r#" [ {"a":1} , {"a":[1,{}]} ] "#,
                &[(1, r#"{"a":1}"#), (1, r#"{"a":[1,{}]}"#)],
            ),
            (
                "[\n{\"a\":\n1},\r\n\r{\"a\":2}\n]\n",
                &[(2, "{\"a\":\n1}"), (5, r#"{"a":2}"#)],
            ),
            // brackets and quotes within texts
            (
                r#"[{"a":"]},{\""},{}]"#,
                &[(1, r#"{"a":"]},{\""}"#), (1, "{}")],
            ),
            // no comma
            ("[{}{}\n{}]", &[(1, "{}"), (1, "{}"), (2, "{}")]),
            // no closing brace, before another element and before the end
            (
                "[{\"a\":1,\n{\"a\":2},{\"a\":3]",
                &[(1, "{\"a\":1,"), (2, "{\"a\":2}"), (2, "{\"a\":3")],
            ),
            // no closing bracket within
            ("[{\"a\":[1},{}]", &[(1, "{\"a\":[1}"), (1, "{}")]),
            // no closing quote
            (
                "[{\"a\":\"x},\n{\"a\":2}]",
                &[(1, "{\"a\":\"x},"), (2, "{\"a\":2}")],
            ),
            // a brace too many
            ("[{}},{}]", &[(1, "{}}"), (1, "{}")]),
            // other values, other things outside, a second list
            (
                "[1,\"a\"] x\n[2]",
                &[(1, "1"), (1, "\"a\""), (1, "x"), (2, "2")],
            ),
            // no end
            ("[{},{\"a\"", &[(1, "{}"), (1, "{\"a\"")]),
        ] {
            for chunk in [1, 2, 100] {
                let found = items(text.as_bytes(), chunk, false);
                let found: Vec<_> = found.iter().map(|(n, s)| (*n, s.as_str())).collect();
                assert_eq!(found, expected, "{text}");
            }
        }
        assert_eq!(
            items(b"{\n\"a\":1\n}\n{\n}", 100, true),
            [(1, "{\n\"a\":1\n}".to_owned()), (4, "{\n}".to_owned())]
        );
    }

    proptest! {
        #[test]
        fn scanning_always_ends(bytes in proptest::collection::vec(
            prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b','),
                        Just(b':'), Just(b'\\'), Just(b'\n'), Just(b'\r'), Just(b'a')], 0..200),
            free in any::<bool>(), chunk in 1usize..20)
        {
            prop_assert_eq!(items(&bytes, chunk, free), items(&bytes, 1000, free));
        }
    }
}
