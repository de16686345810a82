use super::{Table, TokenMismatch, table::quantize};
use crate::wordpiece::{Vocabulary, VocabularyError};
use alloc::vec::Vec;
use core::fmt;
use nearsay_core::matrix::Matrix;

/// The first bytes of a file; the last one is the version of the format.
const MAGIC: [u8; 8] = *b"nearsay\x01";

/// Bytes before the vocabulary.
const HEADER: usize = 8 + 3 * 4;

/// The compact encoder as one file, read in place.
///
/// ```text
/// offset  bytes            what (numbers are little-endian)
/// 0       8                "nearsay" and the version of the format, 1
/// 8       4                tokens, u32
/// 12      4                dim, u32
/// 16      4                v: bytes of the vocabulary, u32
/// 20      v                the vocabulary, UTF-8, one token a line in order of ids
/// 20 + v  4 · tokens       one scale a row, f32
/// …       tokens · dim     the rows, one signed byte a number
/// ```
///
/// A format of its own because the readers of safetensors need a JSON parser and memory for what
/// they read; this one is four slices.
#[derive(Clone, Copy, Debug)]
pub struct CompactFile<'a> {
    dim: usize,
    vocabulary: &'a str,
    scales: &'a [u8],
    values: &'a [u8],
}

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompactError {
    /// It does not start as a compact encoder does.
    NotOne,
    /// It is longer or shorter than it says.
    Length {
        /// Bytes it should have.
        expected: usize,
        /// Bytes it has.
        found: usize,
    },
    /// A scale is no number.
    Scale {
        /// The row.
        row: usize,
    },
    /// The vocabulary is not text.
    NotText,
    /// The vocabulary cannot be used.
    Vocabulary(VocabularyError),
    /// Vocabulary and table are not of one model.
    Tokens(TokenMismatch),
}

impl fmt::Display for CompactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOne => f.write_str(
                "this is not a compact encoder, or one of another version; make it again with \
                 “nearsay distill”",
            ),
            Self::Length { expected, found } => write!(
                f,
                "the compact encoder should have {expected} bytes but has {found}; copy it again"
            ),
            Self::Scale { row } => write!(
                f,
                "row {row} of the compact encoder has a scale that is no number; copy it again"
            ),
            Self::NotText => f.write_str("the compact encoder's vocabulary is not UTF-8 text"),
            Self::Vocabulary(error) => error.fmt(f),
            Self::Tokens(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CompactError {}

impl<'a> CompactFile<'a> {
    /// Finds the parts of a file; nothing is copied.
    ///
    /// # Errors
    /// When it is not such a file, its length is not what it says, or a scale is not finite.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CompactError> {
        let number = |at: usize| -> Option<usize> {
            let four = bytes.get(at..at + 4)?;
            usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
        };
        if !bytes.starts_with(&MAGIC) {
            return Err(CompactError::NotOne);
        }
        let (Some(tokens), Some(dim), Some(text)) = (number(8), number(12), number(16)) else {
            return Err(CompactError::NotOne);
        };
        let ends = || {
            let text = HEADER.checked_add(text)?;
            let scales = text.checked_add(tokens.checked_mul(4)?)?;
            Some((text, scales, scales.checked_add(tokens.checked_mul(dim)?)?))
        };
        let (text, scales, end) = ends().ok_or(CompactError::NotOne)?;
        if bytes.len() != end {
            return Err(CompactError::Length {
                expected: end,
                found: bytes.len(),
            });
        }
        let file = Self {
            dim,
            vocabulary: core::str::from_utf8(&bytes[HEADER..text])
                .map_err(|_| CompactError::NotText)?,
            scales: &bytes[text..scales],
            values: &bytes[scales..],
        };
        let bad = |scale: &[u8; 4]| !f32::from_le_bytes(*scale).is_finite();
        match file.scales.as_chunks::<4>().0.iter().position(bad) {
            Some(row) => Err(CompactError::Scale { row }),
            None => Ok(file),
        }
    }

    /// A file of this vocabulary (one token a line) and these rows, `[tokens, dim]`.
    ///
    /// # Errors
    /// When they do not go together, or are too many for the format.
    pub fn write(vocabulary: &str, rows: &Matrix) -> Result<Vec<u8>, CompactError> {
        let tokens = Vocabulary::parse(vocabulary)
            .map_err(CompactError::Vocabulary)?
            .len();
        if tokens != rows.rows() {
            let rows = rows.rows();
            return Err(CompactError::Tokens(TokenMismatch { rows, tokens }));
        }
        let mut bytes = Vec::from(MAGIC);
        for number in [rows.rows(), rows.columns(), vocabulary.len()] {
            let number = u32::try_from(number).map_err(|_| CompactError::NotOne)?;
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(vocabulary.as_bytes());
        let (scales, values) = quantize(rows);
        bytes.extend(scales);
        bytes.extend(values);
        CompactFile::parse(&bytes)?;
        Ok(bytes)
    }

    /// The vocabulary as text, one token a line.
    #[must_use]
    pub fn vocabulary_text(&self) -> &'a str {
        self.vocabulary
    }

    /// The vocabulary.
    ///
    /// # Errors
    /// When it cannot be used, for example when a token stands in it twice.
    pub fn vocabulary(&self) -> Result<Vocabulary, CompactError> {
        Vocabulary::parse(self.vocabulary).map_err(CompactError::Vocabulary)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> Table<'a> {
        Table::Int8 {
            dim: self.dim,
            scales: self.scales,
            values: self.values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compact::StaticEncoder;

    const VOCABULARY: &str = "[UNK]\na\nb";

    fn file() -> Vec<u8> {
        let rows = Matrix::from_rows(&[[0.0, 0.0], [1.0, -1.0], [0.5, 2.0]]).unwrap();
        CompactFile::write(VOCABULARY, &rows).unwrap()
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = file();
        let encoder = StaticEncoder::from_bytes(&bytes).unwrap();
        let x = encoder.encode_all(&["a", "b"]);
        for (found, expected) in x.data().iter().zip([1.0, -1.0, 0.5, 2.0]) {
            assert!((found - expected).abs() < 0.01);
        }
        assert_eq!(
            CompactFile::parse(&bytes).unwrap().vocabulary_text(),
            VOCABULARY
        );
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = file();
        for cut in 0..good.len() {
            assert!(CompactFile::parse(&good[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..HEADER {
            for flip in [1, 0x80] {
                let mut bytes = good.clone();
                bytes[at] ^= flip;
                let opened = StaticEncoder::from_bytes(&bytes);
                assert!(opened.is_err(), "byte {at}");
            }
        }
        let mut bytes = good.clone();
        let scale = HEADER + VOCABULARY.len() + 4;
        bytes[scale..scale + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        assert_eq!(
            CompactFile::parse(&bytes).unwrap_err(),
            CompactError::Scale { row: 1 }
        );
    }

    #[test]
    fn rows_and_tokens_must_be_as_many() {
        let rows = Matrix::from_rows(&[[0.0]]).unwrap();
        let error = CompactFile::write(VOCABULARY, &rows).unwrap_err();
        assert!(matches!(error, CompactError::Tokens(_)), "{error}");
    }
}
