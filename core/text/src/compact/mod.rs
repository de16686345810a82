//! Static embeddings: an encoder for programs without an operating system.
//!
//! The vector of a text is the mean of the embeddings of its tokens ([`StaticEncoder`], the
//! `StaticEmbedding` of sentence-transformers). Encoding takes one look-up and one vector addition per
//! token. Nearsay's *compact encoder* is distilled from MiniLM by
//! `nearsay::distill`
//! and stored with one byte per number and one scale per row ([`CompactFile`]): about 8 MB, read in
//! place, for example from flash memory. Trained embeddings are `f32`.
//!
//! ```text
//! e(text) = 1/n · Σ E[tᵢ]     t₁ … tₙ: token ids of the text, without [CLS] and [SEP]
//! ```
//!
//! The vector of a text without tokens is zero; its cosine with any vector is 0.
//!
//! Sources: Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence embeddings", 2017
//! (weighted means of word vectors); Tulkens and van Dongen, "Model2Vec", 2024 (distilling a
//! sentence encoder token by token).

#[cfg(feature = "english")]
pub mod built_in;
mod file;
mod static_embeddings;

pub use file::{CompactError, CompactFile};
pub use static_embeddings::StaticEmbeddings;

use crate::wordpiece::WordPiece;
use alloc::{vec, vec::Vec};
use core::{convert::Infallible, fmt};
use nearsay_core::{encoder::Encoder, matrix::Matrix};

/// Encoder of static embeddings: a tokenizer and one embedding per token.
///
/// # Example
///
/// ```
/// use nearsay_text::{compact::{StaticEmbeddings, StaticEncoder}, wordpiece::{Vocabulary, WordPiece}};
/// use nearsay_core::{encoder::Encoder, matrix::Matrix};
///
/// let tokenizer = WordPiece::new(Vocabulary::parse("[UNK]\nopen\nsunday\n?").unwrap());
/// let rows = Matrix::from_rows(&[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]).unwrap();
/// let encoder = StaticEncoder::new(tokenizer, StaticEmbeddings::Full(rows)).unwrap();
/// let x: Matrix = encoder.encode(&["Open Sunday", ""]).unwrap();
/// assert_eq!(x.data(), [0.5, 0.5, 0.0, 0.0]);
/// ```
pub struct StaticEncoder<'a> {
    tokenizer: WordPiece,
    embeddings: StaticEmbeddings<'a>,
}

/// Error of embeddings and a vocabulary of different size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMismatch {
    /// Number of embeddings.
    pub rows: usize,
    /// Number of tokens in the vocabulary.
    pub tokens: usize,
}

impl fmt::Display for TokenMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, tokens } = self;
        write!(
            f,
            "got {rows} token embeddings for a vocabulary of {tokens} tokens; use files of the same \
             model"
        )
    }
}

impl core::error::Error for TokenMismatch {}

impl<'a> StaticEncoder<'a> {
    /// Combines a tokenizer and embeddings.
    ///
    /// # Errors
    /// If the number of embeddings differs from the number of tokens.
    pub fn new(
        tokenizer: WordPiece,
        embeddings: StaticEmbeddings<'a>,
    ) -> Result<Self, TokenMismatch> {
        let (rows, tokens) = (embeddings.rows(), tokenizer.vocabulary().len());
        if rows != tokens {
            return Err(TokenMismatch { rows, tokens });
        }
        Ok(Self {
            tokenizer,
            embeddings,
        })
    }

    /// Opens a [`CompactFile`]; the embeddings are not copied.
    ///
    /// # Errors
    /// If the file is damaged or of another format.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, CompactError> {
        let file = CompactFile::parse(bytes)?;
        let tokenizer = WordPiece::new(file.vocabulary()?);
        Self::new(tokenizer, file.embeddings()).map_err(CompactError::Tokens)
    }

    /// Tokenizer of the encoder.
    #[must_use]
    pub fn tokenizer(&self) -> &WordPiece {
        &self.tokenizer
    }

    /// Token embeddings.
    #[must_use]
    pub fn embeddings(&self) -> &StaticEmbeddings<'a> {
        &self.embeddings
    }

    /// Embedding length.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.embeddings.dim()
    }

    /// Encodes any number of texts in order, without normalisation: `n` texts → `[n, dim]`.
    #[must_use]
    pub fn encode_all(&self, texts: &[&str]) -> Matrix {
        self.encode_with(&self.embeddings, texts)
    }

    /// Like [`encode_all`](Self::encode_all) with other embeddings of the same tokens, for example
    /// trained ones.
    #[must_use]
    pub fn encode_with(&self, embeddings: &StaticEmbeddings<'_>, texts: &[&str]) -> Matrix {
        let dim = embeddings.dim();
        let mut data = vec![0.0; texts.len() * dim];
        let mut ids = Vec::new();
        for (text, row) in texts.iter().zip(data.chunks_exact_mut(dim.max(1))) {
            ids.clear();
            self.tokenizer.ids_into(text, &mut ids);
            embeddings.mean_into(&ids, row);
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

    fn tokenizer() -> WordPiece {
        WordPiece::new(Vocabulary::parse("[UNK]\na\nb\n##b").unwrap())
    }

    #[test]
    fn static_encoder_averages_token_embeddings() {
        let rows = [[9.0, 9.0], [1.0, 2.0], [3.0, -4.0], [5.0, 0.0]];
        let embeddings = StaticEmbeddings::Full(Matrix::from_rows(&rows).unwrap());
        let encoder = StaticEncoder::new(tokenizer(), embeddings).unwrap();
        let found = encoder.encode_all(&["a b", "ab a", "", "A"]);
        assert_eq!(found.row(0), [2.0, -1.0]);
        for (found, expected) in found.row(1).iter().zip([7.0 / 3.0, 4.0 / 3.0]) {
            assert!((found - expected).abs() < 1e-6);
        }
        assert_eq!(found.row(2), [0.0, 0.0]);
        assert_eq!(found.row(3), [1.0, 2.0]);
    }

    #[test]
    fn static_encoder_rejects_embeddings_of_other_vocabulary() {
        let embeddings = StaticEmbeddings::Full(Matrix::from_rows(&[[1.0], [2.0]]).unwrap());
        let error = StaticEncoder::new(tokenizer(), embeddings).err().unwrap();
        assert_eq!(error, TokenMismatch { rows: 2, tokens: 4 });
    }
}
