//! Text encodings: guessed from the first bytes, decoded while streaming.

use core::fmt;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{self, BufRead, Read};

/// How the characters of a file are written as bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// What JSON should be.
    #[default]
    Utf8,
    /// Two bytes a unit, the low one first ("Unicode" in Windows programs).
    Utf16Le,
    /// Two bytes a unit, the high one first.
    Utf16Be,
    /// Windows text of Western Europe (cp1252). Of JSON never guessed, only suggested: nearly every
    /// file could be it. Tables and texts that are no UTF-8 are read as such.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8 text",
            Self::Utf16Le | Self::Utf16Be => "UTF-16 text",
            Self::Windows1252 => "Windows text (cp1252)",
        })
    }
}

impl Encoding {
    /// By a byte order mark, else by the zeros that UTF-16 has around the ASCII characters every
    /// JSON file begins with.
    pub(super) fn guess(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            [a, 0, b, 0, ..] if is_plain(*a) && is_plain(*b) => Self::Utf16Le,
            [0, a, 0, b, ..] if is_plain(*a) && is_plain(*b) => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// What a file is that begins with these bytes and holds no text, if it is well known.
pub(super) fn binary(head: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 9] = [
        (b"PK\x03\x04", "a zip archive or an Office document"),
        (b"%PDF-", "a PDF document"),
        (b"\x1f\x8b", "a compressed file (gzip)"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"PAR1", "a Parquet table"),
        (b"SQLite format 3\0", "a database"),
        (b"\xff\xfe\0\0", "UTF-32 text"),
        (b"\0\0\xfe\xff", "UTF-32 text"),
    ];
    let kind = KINDS.iter().find(|(magic, _)| head.starts_with(magic));
    kind.map(|(_, name)| *name)
}

/// Whether bytes that are no UTF-8 could be Windows text: it leaves five bytes without a meaning.
pub(super) fn could_be_windows(line: &[u8]) -> bool {
    !line
        .iter()
        .any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d))
}

/// A byte of Windows text.
fn windows(byte: u8) -> char {
    #[rustfmt::skip]
    const TABLE: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => *TABLE
            .get(usize::from(byte - 0x80))
            .unwrap_or(&char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}

/// The text of bytes that should be UTF-8, but may be Windows text, and whether they are that.
/// `Err` is where the text ends when they are neither.
pub(super) fn text_of(bytes: &[u8], only_utf8: bool) -> Result<(Cow<'_, str>, bool), usize> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Ok((Cow::Borrowed(text), false)),
        Err(error) => {
            // With characters that only UTF-8 writes that way, it is UTF-8 that is broken.
            let mut parts = bytes.utf8_chunks();
            let mixed = parts.any(|part| !part.valid().is_ascii());
            match only_utf8 || mixed || !could_be_windows(bytes) {
                true => Err(error.valid_up_to()),
                false => Ok((bytes.iter().map(|b| windows(*b)).collect(), true)),
            }
        }
    }
}

/// Reads another encoding as UTF-8.
///
/// What cannot be decoded becomes bytes that are no UTF-8 either, so that the line it stands on is
/// reported like any other.
pub(super) struct Decoder<R> {
    inner: R,
    encoding: Encoding,
    /// The first half of a unit that the last chunk cut.
    odd: Option<u8>,
    /// The first half of a character of two units.
    high: Option<u16>,
    out: Vec<u8>,
    given: usize,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(inner: R, encoding: Encoding) -> Self {
        Self {
            inner,
            encoding,
            odd: None,
            high: None,
            out: Vec::new(),
            given: 0,
        }
    }

    /// Decodes the next bytes into `out`; it stays empty at the end only.
    fn refill(&mut self) -> io::Result<()> {
        /// At most so many bytes at once, since a reader over memory hands out all it has.
        const CHUNK: usize = 1 << 16;
        self.out.clear();
        self.given = 0;
        while self.out.is_empty() {
            let chunk = match self.inner.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let chunk = chunk.get(..CHUNK).unwrap_or(chunk);
            let length = chunk.len();
            if length == 0 {
                if let Some(high) = self.high.take() {
                    push_half(&mut self.out, high);
                }
                if self.odd.take().is_some() {
                    self.out.push(0xff);
                }
                return Ok(());
            }
            for &byte in chunk {
                let unit = match (self.encoding, self.odd.take()) {
                    (Encoding::Utf8, _) => {
                        self.out.push(byte);
                        continue;
                    }
                    (Encoding::Windows1252, _) => {
                        push_char(&mut self.out, windows(byte));
                        continue;
                    }
                    (_, None) => {
                        self.odd = Some(byte);
                        continue;
                    }
                    (Encoding::Utf16Le, Some(first)) => u16::from_le_bytes([first, byte]),
                    (Encoding::Utf16Be, Some(first)) => u16::from_be_bytes([first, byte]),
                };
                push_unit(&mut self.out, &mut self.high, unit);
            }
            self.inner.consume(length);
        }
        Ok(())
    }
}

fn push_unit(out: &mut Vec<u8>, high: &mut Option<u16>, unit: u16) {
    if let Some(first) = high.take() {
        if let Some(Ok(c)) = char::decode_utf16([first, unit]).next() {
            push_char(out, c);
            return;
        }
        push_half(out, first);
    }
    match char::from_u32(u32::from(unit)) {
        Some(c) => push_char(out, c),
        None if unit < 0xdc00 => *high = Some(unit),
        None => push_half(out, unit),
    }
}

fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Half a character, written the way UTF-8 would write it if it were allowed to.
fn push_half(out: &mut Vec<u8>, unit: u16) {
    let [high, low] = unit.to_be_bytes();
    out.extend_from_slice(&[
        0xe0 | high >> 4,
        0x80 | (high & 0xf) << 2 | low >> 6,
        0x80 | low & 0x3f,
    ]);
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.out.len() {
            self.refill()?;
        }
        let mut rest = self.out.get(self.given..).unwrap_or_default();
        let length = rest.read(into)?;
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn decode(bytes: &[u8], encoding: Encoding, chunk: usize) -> Vec<u8> {
        let mut out = Vec::new();
        Decoder::new(BufReader::with_capacity(chunk, bytes), encoding)
            .read_to_end(&mut out)
            .unwrap();
        out
    }

    #[test]
    fn encodings_are_guessed_from_the_first_bytes() {
        for (head, encoding) in [
            (&b"\xff\xfe{\0"[..], Encoding::Utf16Le),
            (b"\xfe\xff\0{", Encoding::Utf16Be),
            (b"{\0\"\0", Encoding::Utf16Le),
            (b"\0{\0\"", Encoding::Utf16Be),
            (b"\xef\xbb\xbf{", Encoding::Utf8),
            (b"{\"a", Encoding::Utf8),
            (b"\0\0\0\0", Encoding::Utf8),
            (b"", Encoding::Utf8),
        ] {
            assert_eq!(Encoding::guess(head), encoding, "{head:?}");
        }
        assert_eq!(
            binary(b"PK\x03\x04..."),
            Some("a zip archive or an Office document")
        );
        assert_eq!(binary(b"{}"), None);
    }

    #[test]
    fn windows_text_has_its_own_quotes() {
        assert_eq!(
            decode(b"\x93caf\xe9\x94 5 \x80", Encoding::Windows1252, 3),
            "“café” 5 €".as_bytes()
        );
        assert!(could_be_windows(b"caf\xe9"));
        assert!(!could_be_windows(b"a\x81"));
    }

    #[test]
    fn half_characters_become_bytes_that_are_no_text() {
        for bytes in [
            &b"a\0\x3d\xd8b\0"[..],
            b"a\0\0\xdeb\0",
            b"a\0\x3d\xd8",
            b"a\0b",
        ] {
            let out = decode(bytes, Encoding::Utf16Le, 8);
            assert!(out.starts_with(b"a"));
            assert!(core::str::from_utf8(&out).is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn utf_16_reads_as_it_was(text in any::<String>(), chunk in 1usize..9) {
            let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(decode(&le, Encoding::Utf16Le, chunk), text.as_bytes());
            prop_assert_eq!(decode(&be, Encoding::Utf16Be, chunk), text.as_bytes());
        }
    }
}
