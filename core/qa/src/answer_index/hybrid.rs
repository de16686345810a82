//! Hybrid search: the weight of keyword scores beside dense scores.

use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_search::index::Index;
use nearsay_text::bm25::Bm25Index;
use serde::{Deserialize, Serialize};

/// Keyword scoring of a hybrid index.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Words {
    /// Weight of the keyword scores ([`Bm25Index::scores`]), which are added to cosine similarities; from 0 to 4.
    pub weight: f32,
    /// Unit that keyword scores are computed for. Default: [`By::Text`].
    #[serde(default)]
    pub by: By,
    /// Whether a text that says nearly the same as the question scores up to another weight
    /// ([`Bm25Index::near_texts`]), so that a known question finds its answer. Default when reading: false, because older
    /// models have no such field.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub near: bool,
}

/// Unit that BM25 treats as a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Each text by itself. The default when reading, because older models have no such field.
    #[default]
    Text,
    /// An answer together with all its paraphrases.
    Answer,
}

impl Words {
    /// Keyword scoring by answer with a weight, in which near texts score higher.
    #[must_use]
    pub fn by_answer(weight: f32) -> Self {
        Self {
            weight,
            by: By::Answer,
            near: true,
        }
    }

    /// Builds an index of texts from their vectors, `[n, d]`, and the number of each text's answer, `[n]`. The index is
    /// hybrid if `words` is given.
    ///
    /// # Errors
    /// If `vectors`, `owners` and `texts` differ in length.
    pub fn index<T: AsRef<str>>(
        words: Option<Self>,
        vectors: Matrix,
        owners: Vec<u32>,
        texts: &[T],
    ) -> Result<Index, ShapeError> {
        let index = Index::new(vectors, owners)?;
        match words {
            Some(words) => {
                let lexical = words.of(texts, index.owners())?;
                words.attach(lexical, index)
            }
            None => Ok(index),
        }
    }

    /// Adds a BM25 index of [`of`](Self::of) to an index.
    ///
    /// # Errors
    /// If the two differ in the number of texts.
    pub fn attach(self, lexical: Bm25Index, index: Index) -> Result<Index, ShapeError> {
        let index = index.with_words(lexical, self.weight)?;
        Ok(if self.near {
            index.with_near_texts()
        } else {
            index
        })
    }

    /// Builds a BM25 index of texts for [`Index::with_words`](nearsay_search::index::Index::with_words). `owners` has
    /// the number of each text's answer, `[n]`.
    ///
    /// # Errors
    /// If `owners` and `texts` differ in length.
    pub fn of<T: AsRef<str>>(self, texts: &[T], owners: &[u32]) -> Result<Bm25Index, ShapeError> {
        match self.by {
            By::Text => Ok(Bm25Index::new(texts)),
            By::Answer => Bm25Index::grouped(texts, owners),
        }
    }

    /// Whether the weight is in [0, 4].
    pub(crate) fn is_sound(self) -> bool {
        (0.0..=4.0).contains(&self.weight)
    }
}
