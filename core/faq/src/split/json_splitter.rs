//! Splitting a JSON list, or JSON objects that span several lines, into elements.
//!
//! A JSON parser stops at the first mistake. This scanner only finds where elements begin and end,
//! and recovers from mistakes: a line break ends an unclosed string, and a `{` where no object can
//! begin starts a new element. Each element is parsed separately afterwards.

use super::{Next, Quotes, RawRecord, Tick};
use std::io::{self, BufRead};

/// How a splitter handles one byte.
#[derive(PartialEq)]
enum Action {
    /// The byte is outside of every element.
    Skip,
    /// The byte belongs to the element.
    Keep,
    /// The byte ends the element and isn't part of it.
    EndAfter,
    /// The element ends before the byte, which must be classified again.
    EndBefore,
}

/// State machine that finds where elements begin and end.
struct JsonScanner {
    /// Between the brackets of the list.
    in_list: bool,
    /// Within an element.
    in_element: bool,
    /// Within text outside of the list, which ends at the line break.
    stray: bool,
    in_string: bool,
    escaped: bool,
    depth: u32,
    /// Bit set of the innermost 64 levels that are objects; bit 0 is the innermost.
    objects: u64,
    /// Last byte other than white space.
    last: u8,
}

impl JsonScanner {
    fn classify(&mut self, byte: u8) -> Action {
        if !self.in_element {
            return self.classify_between(byte);
        }
        if self.stray {
            return match byte {
                b'\n' | b'\r' => Action::EndBefore,
                _ => Action::Keep,
            };
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            if matches!(byte, b'\n' | b'\r') {
                self.in_string = false;
                self.escaped = false;
            }
            return Action::Keep;
        }
        self.classify_structure(byte)
    }

    /// Handles a byte outside of every element.
    fn classify_between(&mut self, byte: u8) -> Action {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => Action::Skip,
            b',' if self.in_list => Action::Skip,
            b']' if self.in_list => {
                self.in_list = false;
                Action::Skip
            }
            b'[' if !self.in_list => {
                self.in_list = true;
                Action::Skip
            }
            _ => {
                self.in_element = true;
                self.stray = !self.in_list;
                self.in_string = false;
                self.escaped = false;
                self.depth = 0;
                self.objects = 0;
                self.last = 0;
                if self.stray {
                    Action::Keep
                } else {
                    self.classify_structure(byte)
                }
            }
        }
    }

    /// Handles a byte within an element, outside of its strings.
    fn classify_structure(&mut self, byte: u8) -> Action {
        let in_object = self.depth > 0 && self.objects & 1 == 1;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => return Action::Keep,
            b'"' => self.in_string = true,
            // No object can begin here, so the element before it wasn't closed.
            b'{' if in_object && self.last != b':' => return Action::EndBefore,
            b'{' if self.depth == 0 && self.last == b'}' => return Action::EndBefore,
            b'{' | b'[' => {
                self.depth = self.depth.saturating_add(1);
                self.objects = self.objects << 1 | u64::from(byte == b'{');
            }
            b']' if self.depth == 0 || (self.depth == 1 && in_object) => return Action::EndBefore,
            b',' if self.depth == 0 => return Action::EndAfter,
            b'}' | b']' => {
                self.close_level();
                // A `}` also closes the lists inside its object.
                while byte == b'}' && self.depth > 0 && !in_object && self.objects & 1 == 0 {
                    self.close_level();
                }
                if byte == b'}' && !in_object {
                    self.close_level();
                }
            }
            _ => {}
        }
        self.last = byte;
        Action::Keep
    }

    fn close_level(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.objects >>= 1;
    }
}

/// Splits a stream into JSON elements; holds one element up to the size limit.
pub(crate) struct JsonSplitter<R> {
    reader: R,
    limit: usize,
    buffer: Vec<u8>,
    scanner: JsonScanner,
    /// Number of line breaks seen.
    breaks: u64,
    /// Last byte read.
    previous: u8,
    /// Whether any byte was read.
    any: bool,
}

impl<R: BufRead> JsonSplitter<R> {
    /// Creates a splitter. `without_list` expects the objects one after another instead of in a
    /// list.
    pub(crate) fn new(reader: R, limit: usize, without_list: bool) -> Self {
        Self {
            reader,
            limit,
            buffer: Vec::new(),
            scanner: JsonScanner {
                in_list: without_list,
                in_element: false,
                stray: false,
                in_string: false,
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

    /// Number of lines begun so far.
    pub(crate) fn lines(&self) -> u64 {
        self.breaks + u64::from(self.any && !matches!(self.previous, b'\n' | b'\r'))
    }

    /// Whether a list has begun but not ended.
    pub(crate) fn is_list_unclosed(&self) -> bool {
        self.scanner.in_list
    }

    pub(crate) fn next(&mut self, tick: &mut Tick<'_>) -> io::Result<Next<'_>> {
        self.buffer.clear();
        self.scanner.in_element = false;
        let mut cut = false;
        let mut line = self.breaks + 1;
        'chunks: loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                if !self.scanner.in_element {
                    return Ok(Next::End);
                }
                break;
            }
            if tick(self.breaks + 1).is_break() {
                return Ok(Next::Halted);
            }
            self.any = true;
            // Limit the number of bytes between two ticks.
            let chunk = chunk.get(..1 << 16).unwrap_or(chunk);
            let mut used = 0;
            for &byte in chunk {
                let in_element = self.scanner.in_element;
                let action = self.scanner.classify(byte);
                if action == Action::EndBefore {
                    self.reader.consume(used);
                    break 'chunks;
                }
                used += 1;
                if !in_element && self.scanner.in_element {
                    line = self.breaks + 1;
                }
                if byte == b'\r' || (byte == b'\n' && self.previous != b'\r') {
                    self.breaks += 1;
                }
                self.previous = byte;
                match action {
                    Action::EndAfter => {
                        self.reader.consume(used);
                        break 'chunks;
                    }
                    Action::Keep if self.buffer.len() < self.limit => self.buffer.push(byte),
                    Action::Keep => cut = true,
                    Action::Skip | Action::EndBefore => {}
                }
            }
            self.reader.consume(used);
        }
        self.scanner.in_element = false;
        Ok(Next::Record(RawRecord {
            line,
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
    use proptest::prelude::*;
    use std::io::BufReader;

    fn items(text: &[u8], chunk: usize, without_list: bool) -> Vec<(u64, String)> {
        let mut items = JsonSplitter::new(BufReader::with_capacity(chunk, text), 50, without_list);
        let mut all = Vec::new();
        while let Next::Record(piece) = items.next(&mut |_| ControlFlow::Continue(())).unwrap() {
            let text = String::from_utf8_lossy(piece.bytes);
            all.push((piece.line, text.trim_end().to_owned()));
        }
        all
    }

    #[test]
    fn json_splitter_recovers_from_mistakes() {
        for (text, expected) in [
            ("[]", &[][..]),
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
        fn json_splitter_is_independent_of_chunk_size(bytes in proptest::collection::vec(
            prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b','),
                        Just(b':'), Just(b'\\'), Just(b'\n'), Just(b'\r'), Just(b'a')], 0..200),
            without_list in any::<bool>(), chunk in 1usize..20)
        {
            prop_assert_eq!(items(&bytes, chunk, without_list), items(&bytes, 1000, without_list));
        }
    }
}
