use super::{StaticEmbeddings, TokenMismatch, static_embeddings::quantize};
use crate::wordpiece::{Vocabulary, VocabularyError};
use alloc::vec::Vec;
use core::fmt;
use nearsay_core::matrix::Matrix;

/// First bytes of a file; the last one is the format version.
const MAGIC: [u8; 8] = *b"nearsay\x01";

/// Offset of the vocabulary.
const HEADER: usize = 8 + 3 * 4;

/// File format of a compact encoder, read in place.
///
/// ```text
/// offset  bytes            content (numbers are little-endian)
/// 0       8                "nearsay" and the format version, 1
/// 8       4                number of tokens, u32
/// 12      4                dim, u32
/// 16      4                length v of the vocabulary, u32
/// 20      v                vocabulary, UTF-8, one token per line in order of ids
/// 20 + v  4 · tokens       one scale per row, f32
/// …       tokens · dim     rows, one signed byte per number
/// ```
///
/// Unlike safetensors, the format can be read without a JSON parser and without allocating memory.
#[derive(Clone, Copy, Debug)]
pub struct CompactFile<'a> {
    dim: usize,
    vocabulary: &'a str,
    scales: &'a [u8],
    values: &'a [u8],
}

/// Error of reading or writing a [`CompactFile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompactError {
    /// The file isn't a compact encoder, or has another format version.
    Format,
    /// The length of the file differs from the length in its header.
    Length {
        /// Expected length in bytes.
        expected: usize,
        /// Actual length in bytes.
        found: usize,
    },
    /// A scale isn't finite.
    Scale {
        /// Row of the scale.
        row: usize,
    },
    /// The vocabulary isn't UTF-8.
    Utf8,
    /// The vocabulary is invalid.
    Vocabulary(VocabularyError),
    /// Vocabulary and embeddings have different sizes.
    Tokens(TokenMismatch),
}

impl fmt::Display for CompactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Format => f.write_str(
                "the file isn't a compact encoder of this version; create it with `nearsay distill`",
            ),
            Self::Length { expected, found } => write!(
                f,
                "the compact encoder has {found} bytes; expected {expected}; copy the file again"
            ),
            Self::Scale { row } => write!(
                f,
                "the scale of row {row} of the compact encoder isn't finite; copy the file again"
            ),
            Self::Utf8 => f.write_str("the vocabulary of the compact encoder isn't UTF-8"),
            Self::Vocabulary(error) => error.fmt(f),
            Self::Tokens(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CompactError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Vocabulary(error) => Some(error),
            Self::Tokens(error) => Some(error),
            _ => None,
        }
    }
}

/// Ends of the vocabulary, the scales and the values; `None` on overflow.
fn section_ends(tokens: usize, dim: usize, text: usize) -> Option<(usize, usize, usize)> {
    let text = HEADER.checked_add(text)?;
    let scales = text.checked_add(tokens.checked_mul(4)?)?;
    Some((text, scales, scales.checked_add(tokens.checked_mul(dim)?)?))
}

impl<'a> CompactFile<'a> {
    /// Locates the sections of a file, without copying.
    ///
    /// # Errors
    /// If the file has another format or length, or a scale isn't finite.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CompactError> {
        let read_u32 = |at: usize| -> Option<usize> {
            let four = bytes.get(at..at + 4)?;
            usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
        };
        if !bytes.starts_with(&MAGIC) {
            return Err(CompactError::Format);
        }
        let (Some(tokens), Some(dim), Some(text)) = (read_u32(8), read_u32(12), read_u32(16))
        else {
            return Err(CompactError::Format);
        };
        let (text, scales, end) = section_ends(tokens, dim, text).ok_or(CompactError::Format)?;
        if bytes.len() != end {
            return Err(CompactError::Length {
                expected: end,
                found: bytes.len(),
            });
        }
        let file = Self {
            dim,
            vocabulary: core::str::from_utf8(&bytes[HEADER..text])
                .map_err(|_| CompactError::Utf8)?,
            scales: &bytes[text..scales],
            values: &bytes[scales..],
        };
        let invalid = file
            .scales
            .as_chunks::<4>()
            .0
            .iter()
            .position(|scale| !f32::from_le_bytes(*scale).is_finite());
        match invalid {
            Some(row) => Err(CompactError::Scale { row }),
            None => Ok(file),
        }
    }

    /// Writes a file from a vocabulary (one token per line) and embeddings `[tokens, dim]`.
    ///
    /// # Errors
    /// If the vocabulary is invalid, its size differs from the number of rows, or a size exceeds the
    /// format.
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
            let number = u32::try_from(number).map_err(|_| CompactError::Format)?;
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(vocabulary.as_bytes());
        let (scales, values) = quantize(rows);
        bytes.extend(scales);
        bytes.extend(values);
        CompactFile::parse(&bytes)?;
        Ok(bytes)
    }

    /// Text of the vocabulary, one token per line.
    #[must_use]
    pub fn vocabulary_text(&self) -> &'a str {
        self.vocabulary
    }

    /// Parses the vocabulary.
    ///
    /// # Errors
    /// If the vocabulary is invalid, for example has a repeated token.
    pub fn vocabulary(&self) -> Result<Vocabulary, CompactError> {
        Vocabulary::parse(self.vocabulary).map_err(CompactError::Vocabulary)
    }

    /// Token embeddings, not copied.
    #[must_use]
    pub fn embeddings(&self) -> StaticEmbeddings<'a> {
        StaticEmbeddings::Int8 {
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
    fn compact_file_round_trips() {
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
    fn parse_rejects_damaged_files() {
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
    fn write_rejects_wrong_number_of_rows() {
        let rows = Matrix::from_rows(&[[0.0]]).unwrap();
        let error = CompactFile::write(VOCABULARY, &rows).unwrap_err();
        assert!(matches!(error, CompactError::Tokens(_)), "{error}");
    }
}
