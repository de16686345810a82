//! Text encodings: detection and decoding of single records.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
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
    /// as Windows-1252 record by record, unless their bytes look like another encoding.
    Windows1252,
    /// UTF-32, little endian.
    Utf32Le,
    /// UTF-32, big endian.
    Utf32Be,
    /// Windows text of Central Europe (cp1250).
    Windows1250,
    /// Windows text in Cyrillic (cp1251).
    Windows1251,
    /// Windows text in Greek (cp1253).
    Windows1253,
    /// Windows text in Turkish (cp1254).
    Windows1254,
    /// Windows text in Hebrew (cp1255).
    Windows1255,
    /// Windows text in Arabic (cp1256).
    Windows1256,
    /// Windows text of the Baltic countries (cp1257).
    Windows1257,
    /// Windows text in Vietnamese (cp1258).
    Windows1258,
    /// Windows text in Thai (cp874).
    Windows874,
    /// ISO 8859-2, Central Europe.
    Iso8859_2,
    /// ISO 8859-4, Baltic countries.
    Iso8859_4,
    /// ISO 8859-5, Cyrillic.
    Iso8859_5,
    /// ISO 8859-6, Arabic.
    Iso8859_6,
    /// ISO 8859-7, Greek.
    Iso8859_7,
    /// ISO 8859-8, Hebrew.
    Iso8859_8,
    /// KOI8-U, which includes KOI8-R: Cyrillic on Unix.
    Koi8,
    /// Code page 866, Cyrillic in DOS.
    Ibm866,
    /// Mac OS Roman, Western Europe on old Macs.
    MacRoman,
    /// Mac OS Cyrillic.
    MacCyrillic,
    /// GB 18030, which includes GBK: simplified Chinese.
    Gb18030,
    /// Big5, traditional Chinese.
    Big5,
    /// Shift JIS, Japanese on Windows.
    ShiftJis,
    /// EUC-JP, Japanese on Unix.
    EucJp,
    /// ISO-2022-JP, Japanese mail.
    Iso2022Jp,
    /// EUC-KR, Korean.
    EucKr,
}

/// Encodings decoded by `encoding_rs`, with their names for people.
const OLD_ENCODINGS: &[(Encoding, &encoding_rs::Encoding, &str)] = &[
    (
        Encoding::Windows1252,
        encoding_rs::WINDOWS_1252,
        "Windows text (cp1252)",
    ),
    (
        Encoding::Windows1250,
        encoding_rs::WINDOWS_1250,
        "Windows text of Central Europe (cp1250)",
    ),
    (
        Encoding::Windows1251,
        encoding_rs::WINDOWS_1251,
        "Windows text in Cyrillic (cp1251)",
    ),
    (
        Encoding::Windows1253,
        encoding_rs::WINDOWS_1253,
        "Windows text in Greek (cp1253)",
    ),
    (
        Encoding::Windows1254,
        encoding_rs::WINDOWS_1254,
        "Windows text in Turkish (cp1254)",
    ),
    (
        Encoding::Windows1255,
        encoding_rs::WINDOWS_1255,
        "Windows text in Hebrew (cp1255)",
    ),
    (
        Encoding::Windows1256,
        encoding_rs::WINDOWS_1256,
        "Windows text in Arabic (cp1256)",
    ),
    (
        Encoding::Windows1257,
        encoding_rs::WINDOWS_1257,
        "Windows text of the Baltic countries (cp1257)",
    ),
    (
        Encoding::Windows1258,
        encoding_rs::WINDOWS_1258,
        "Windows text in Vietnamese (cp1258)",
    ),
    (
        Encoding::Windows874,
        encoding_rs::WINDOWS_874,
        "Windows text in Thai (cp874)",
    ),
    (
        Encoding::Iso8859_2,
        encoding_rs::ISO_8859_2,
        "text of Central Europe (ISO 8859-2)",
    ),
    (
        Encoding::Iso8859_4,
        encoding_rs::ISO_8859_4,
        "text of the Baltic countries (ISO 8859-4)",
    ),
    (
        Encoding::Iso8859_5,
        encoding_rs::ISO_8859_5,
        "text in Cyrillic (ISO 8859-5)",
    ),
    (
        Encoding::Iso8859_6,
        encoding_rs::ISO_8859_6,
        "text in Arabic (ISO 8859-6)",
    ),
    (
        Encoding::Iso8859_7,
        encoding_rs::ISO_8859_7,
        "text in Greek (ISO 8859-7)",
    ),
    (
        Encoding::Iso8859_8,
        encoding_rs::ISO_8859_8,
        "text in Hebrew (ISO 8859-8)",
    ),
    (
        Encoding::Koi8,
        encoding_rs::KOI8_U,
        "text in Cyrillic (KOI8)",
    ),
    (
        Encoding::Ibm866,
        encoding_rs::IBM866,
        "DOS text in Cyrillic (cp866)",
    ),
    (
        Encoding::MacRoman,
        encoding_rs::MACINTOSH,
        "text of an old Mac (Mac Roman)",
    ),
    (
        Encoding::MacCyrillic,
        encoding_rs::X_MAC_CYRILLIC,
        "text of an old Mac in Cyrillic",
    ),
    (
        Encoding::Gb18030,
        encoding_rs::GB18030,
        "Chinese text (GB 18030)",
    ),
    (Encoding::Big5, encoding_rs::BIG5, "Chinese text (Big5)"),
    (
        Encoding::ShiftJis,
        encoding_rs::SHIFT_JIS,
        "Japanese text (Shift JIS)",
    ),
    (
        Encoding::EucJp,
        encoding_rs::EUC_JP,
        "Japanese text (EUC-JP)",
    ),
    (
        Encoding::Iso2022Jp,
        encoding_rs::ISO_2022_JP,
        "Japanese text (ISO-2022-JP)",
    ),
    (Encoding::EucKr, encoding_rs::EUC_KR, "Korean text (EUC-KR)"),
];

/// Encodings whose letters beyond ASCII are those of Latin script.
const LATIN: &[Encoding] = &[
    Encoding::Windows1252,
    Encoding::Windows1250,
    Encoding::Windows1254,
    Encoding::Windows1257,
    Encoding::Windows1258,
    Encoding::Iso8859_2,
    Encoding::Iso8859_4,
];

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8 text",
            Self::Utf16Le | Self::Utf16Be => "UTF-16 text",
            Self::Utf32Le | Self::Utf32Be => "UTF-32 text",
            old => {
                let found = OLD_ENCODINGS.iter().find(|entry| entry.0 == *old);
                found.map_or("text", |entry| entry.2)
            }
        })
    }
}

impl Encoding {
    /// Guesses the encoding from a byte order mark, or from the zeros that UTF-16 puts between
    /// ASCII characters.
    pub(crate) fn guess(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, 0, 0, ..] => Self::Utf32Le,
            [0, 0, 0xfe, 0xff, ..] => Self::Utf32Be,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            [a, 0, b, 0, ..] if is_ascii_text(*a) && is_ascii_text(*b) => Self::Utf16Le,
            [0, a, 0, b, ..] if is_ascii_text(*a) && is_ascii_text(*b) => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// Guesses the encoding of a file from its beginning `head`, including the encodings before
    /// Unicode. Bytes that may be UTF-8 with a few mistakes are UTF-8.
    pub(crate) fn detect(head: &[u8]) -> Self {
        let encoding = Self::guess(head);
        if encoding != Self::Utf8 {
            return encoding;
        }
        let (mut invalid, mut multi_byte) = (0, 0);
        for chunk in head.utf8_chunks() {
            invalid += usize::from(!chunk.invalid().is_empty());
            multi_byte += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        }
        // The last character may continue after the head.
        let is_cut = head
            .utf8_chunks()
            .last()
            .is_some_and(|c| c.invalid().len() < 4);
        if invalid == 0
            || (invalid == 1 && is_cut && multi_byte > 0)
            || multi_byte * 2 > invalid
            || (invalid < 4 && multi_byte > 0)
        {
            return Self::Utf8;
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(head, true);
        let found = detector.guess(None, Utf8Detection::Deny);
        let found = if found == encoding_rs::GBK {
            encoding_rs::GB18030
        } else {
            found
        };
        let known = OLD_ENCODINGS.iter().find(|entry| entry.1 == found);
        let encoding = known.map_or(Self::Windows1252, |entry| entry.0);
        if LATIN.contains(&encoding) && looks_like_mac_roman(head) {
            return Self::MacRoman;
        }
        encoding
    }

    /// Finds an encoding by one of its usual names, such as `cp1251`, `latin1` or `utf-16le`.
    ///
    /// ```
    /// use nearsay_faq::Encoding;
    ///
    /// assert_eq!(Encoding::from_name("CP1251"), Some(Encoding::Windows1251));
    /// assert_eq!(Encoding::from_name("klingon"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        match name.as_str() {
            "utf-8" | "utf8" => return Some(Self::Utf8),
            "utf-16" | "utf-16le" | "utf16" => return Some(Self::Utf16Le),
            "utf-16be" => return Some(Self::Utf16Be),
            "utf-32" | "utf-32le" | "utf32" => return Some(Self::Utf32Le),
            "utf-32be" => return Some(Self::Utf32Be),
            "macroman" | "mac-roman" => return Some(Self::MacRoman),
            "gbk" | "gb2312" | "cp936" => return Some(Self::Gb18030),
            "koi8-r" | "koi8" => return Some(Self::Koi8),
            _ => {}
        }
        let label = match name.strip_prefix("cp") {
            Some(number) if number.starts_with("12") => format!("windows-{number}"),
            Some("932") => "shift_jis".to_owned(),
            Some("949") => "euc-kr".to_owned(),
            Some("950") => "big5".to_owned(),
            _ => name.clone(),
        };
        let found = encoding_rs::Encoding::for_label(label.as_bytes())
            .or_else(|| encoding_rs::Encoding::for_label(label.replace('-', "_").as_bytes()))?;
        let known = OLD_ENCODINGS.iter().find(|entry| entry.1 == found);
        known.map(|entry| entry.0)
    }

    /// Decoder of an encoding other than those of Unicode.
    pub(super) fn old_decoder(self) -> Option<encoding_rs::Decoder> {
        let entry = OLD_ENCODINGS.iter().find(|entry| entry.0 == self)?;
        Some(entry.1.new_decoder_without_bom_handling())
    }
}

/// Whether bytes that aren't UTF-8 are rather Mac Roman than a Windows encoding: between letters
/// stand bytes that are letters in Mac Roman and punctuation in Windows-1252, but none that are
/// letters in Windows-1252 only.
fn looks_like_mac_roman(head: &[u8]) -> bool {
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_lowercase);
    let (mut mac, mut windows) = (0, 0);
    for (i, byte) in head.iter().enumerate() {
        let before = is_letter(i.checked_sub(1).and_then(|at| head.get(at)));
        let after = is_letter(head.get(i + 1));
        match byte {
            // An apostrophe in Windows-1252, and dashes that stand between words without spaces.
            0x92 | 0x96 | 0x97 if before && after => mac += 1,
            0x80..=0x9f if before && after => mac += 3,
            0xe0..=0xff if before || after => windows += 3,
            _ => {}
        }
    }
    let has_apostrophes = head.contains(&0x92) && mac < 3;
    windows == 0 && mac > 1 && !has_apostrophes
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
