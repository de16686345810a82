//! Text encodings: detection and decoding of single records.

use core::fmt;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Character encoding of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// UTF-8, the encoding of JSON.
    #[default]
    Utf8,
    /// UTF-16, little endian ("Unicode" in Windows programs).
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// Windows text of Western Europe (cp1252). Tables and texts that aren't valid UTF-8 are read
    /// as Windows-1252. For JSON it is only suggested in an issue, since nearly any bytes are valid
    /// in this encoding.
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
    /// Guesses the encoding from a byte order mark, or from the zeros that UTF-16 puts between
    /// ASCII characters.
    pub(crate) fn guess(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            [a, 0, b, 0, ..] if is_ascii_text(*a) && is_ascii_text(*b) => Self::Utf16Le,
            [0, a, 0, b, ..] if is_ascii_text(*a) && is_ascii_text(*b) => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }
}

fn is_ascii_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// Whether all bytes are defined in Windows-1252, which leaves five of them unassigned.
pub(crate) fn could_be_windows_1252(line: &[u8]) -> bool {
    !line
        .iter()
        .any(|byte| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d))
}

/// Decodes a byte of Windows-1252.
pub(crate) fn windows_1252_char(byte: u8) -> char {
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

/// Decodes a record that should be UTF-8; returns the text and whether it was Windows-1252.
///
/// Bytes that aren't valid UTF-8 are decoded as Windows-1252 unless `only_utf8` is set.
///
/// # Errors
/// Offset of the first invalid byte, when the bytes are neither.
pub(crate) fn decode_record(bytes: &[u8], only_utf8: bool) -> Result<(Cow<'_, str>, bool), usize> {
    match core::str::from_utf8(bytes) {
        Ok(text) => Ok((Cow::Borrowed(text), false)),
        Err(error) => {
            // Valid multi-byte sequences mean that the record is damaged UTF-8, not Windows-1252.
            let has_multi_byte = bytes.utf8_chunks().any(|chunk| !chunk.valid().is_ascii());
            if only_utf8 || has_multi_byte || !could_be_windows_1252(bytes) {
                Err(error.valid_up_to())
            } else {
                Ok((bytes.iter().map(|b| windows_1252_char(*b)).collect(), true))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guess_uses_byte_order_marks_and_zeros() {
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
    }

    #[test]
    fn could_be_windows_1252_rejects_unassigned_bytes() {
        assert!(could_be_windows_1252(b"caf\xe9"));
        assert!(!could_be_windows_1252(b"a\x81"));
    }
}
