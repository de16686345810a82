//! Layer 3: an encoder that is a table, and so runs without an operating system.
//!
//! A text is the mean of its tokens' rows ([`StaticEncoder`], sentence-transformers'
//! `StaticEmbedding`). There is no network: a text costs one look-up and one addition a token.
//! Nearsay's own table, the *compact encoder*, is distilled from MiniLM by
//! `nearsay::distill`
//! and kept as one byte a number, scaled by row ([`CompactFile`]): about 8 MB, which are read in
//! place, from flash memory if need be. Training gives a table of full numbers.
//!
//! ```text
//! e(text) = 1/n · Σ E[tᵢ]     t₁ … tₙ: the token ids of the text, without [CLS] and [SEP]
//! ```
//!
//! A text without tokens is the zero vector, which has cosine 0 with everything.
//!
//! Sources: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", 2017
//! (weighted means of word vectors); Tulkens and van Dongen, "Model2Vec", 2024 (distilling a
//! sentence encoder token by token).

#[cfg(feature = "english")]
pub mod built_in;
mod file;
mod table;

pub use file::{CompactError, CompactFile};
pub use table::Table;

use crate::wordpiece::WordPiece;
use alloc::{vec, vec::Vec};
use core::{convert::Infallible, fmt};
use nearsay_core::{encoder::Encoder, matrix::Matrix};

/// A tokenizer and a table with a row for each of its tokens.
///
/// # Example
///
/// ```
/// use crate::{compact::{StaticEncoder, Table}, wordpiece::{Vocabulary, WordPiece}};
/// use nearsay_core::{encoder::Encoder, matrix::Matrix};
///
/// let words = WordPiece::new(Vocabulary::parse("[UNK]\nopen\nsunday\n?").unwrap());
/// let rows = Matrix::from_rows(&[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).unwrap();
/// let encoder = StaticEncoder::new(words, Table::Full(rows)).unwrap();
/// let x: Matrix = encoder.encode(&["Open Sunday", ""]).unwrap();
/// assert_eq!(x.data(), [0.5, 0.5, 0.0, 0.0]);
/// ```
pub struct StaticEncoder<'a> {
    words: WordPiece,
    table: Table<'a>,
}

/// A table and a tokenizer that do not have the same number of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMismatch {
    /// Rows of the table.
    pub rows: usize,
    /// Tokens of the vocabulary.
    pub tokens: usize,
}

impl fmt::Display for TokenMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, tokens } = self;
        write!(
            f,
            "the table has {rows} rows, the vocabulary {tokens} tokens; they are not of one model"
        )
    }
}

impl core::error::Error for TokenMismatch {}

impl<'a> StaticEncoder<'a> {
    /// An encoder of these two.
    ///
    /// # Errors
    /// When the table does not have one row a token.
    pub fn new(words: WordPiece, table: Table<'a>) -> Result<Self, TokenMismatch> {
        let (rows, tokens) = (table.rows(), words.vocabulary().len());
        if rows != tokens {
            return Err(TokenMismatch { rows, tokens });
        }
        Ok(Self { words, table })
    }

    /// The compact encoder of a file, whose numbers are used where they lie.
    ///
    /// # Errors
    /// When the file is not one, or is damaged.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, CompactError> {
        let file = CompactFile::parse(bytes)?;
        let words = WordPiece::new(file.vocabulary()?);
        Self::new(words, file.table()).map_err(CompactError::Tokens)
    }

    /// The tokenizer.
    #[must_use]
    pub fn words(&self) -> &WordPiece {
        &self.words
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table<'a> {
        &self.table
    }

    /// Length of an embedding.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.table.dim()
    }

    /// Embeds any number of texts: `n` texts → `[n, dim]`, in the order given, not normalised.
    #[must_use]
    pub fn encode_all(&self, texts: &[&str]) -> Matrix {
        self.encode_by(&self.table, texts)
    }

    /// The same by another table of the same tokens, for example one that was learned.
    #[must_use]
    pub fn encode_by(&self, table: &Table<'_>, texts: &[&str]) -> Matrix {
        let dim = table.dim();
        let mut data = vec![0.0; texts.len() * dim];
        let mut ids = Vec::new();
        for (text, row) in texts.iter().zip(data.chunks_exact_mut(dim.max(1))) {
            ids.clear();
            self.words.ids_into(text, &mut ids);
            table.mean(&ids, row);
        }
        Matrix::new(texts.len(), dim, data).unwrap_or_default()
    }
}

impl Encoder<Matrix> for StaticEncoder<'_> {
    type Input = str;
    type Error = Infallible;

    fn dim(&self) -> usize {
        Self::dim(self)
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&str]) -> Result<Matrix, Infallible> {
        Ok(self.encode_all(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wordpiece::Vocabulary;

    fn words() -> WordPiece {
        WordPiece::new(Vocabulary::parse("[UNK]\na\nb\n##b").unwrap())
    }

    #[test]
    fn a_text_is_the_mean_of_its_tokens() {
        let rows = [[9.0, 9.0], [1.0, 2.0], [3.0, -4.0], [5.0, 0.0]];
        let table = Table::Full(Matrix::from_rows(&rows).unwrap());
        let encoder = StaticEncoder::new(words(), table).unwrap();
        let found = encoder.encode_all(&["a b", "ab a", "", "A"]);
        assert_eq!(found.row(0), [2.0, -1.0]);
        for (found, expected) in found.row(1).iter().zip([7.0 / 3.0, 4.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-6);
        }
        assert_eq!(found.row(2), [0.0, 0.0]);
        assert_eq!(found.row(3), [1.0, 2.0]);
    }

    #[test]
    fn a_table_of_another_vocabulary_is_refused() {
        let table = Table::Full(Matrix::from_rows(&[[1.0], [2.0]]).unwrap());
        let error = StaticEncoder::new(words(), table).err().unwrap();
        assert_eq!(error, TokenMismatch { rows: 2, tokens: 4 });
    }
}
