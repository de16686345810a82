//! Hybrid search: dense score plus weighted keyword score.
//!
//! The score of a text is `cosine + weight · bm25`, where [`Bm25Index::scores`] scores the text's document. A document
//! is an answer with all its paraphrases, or a single text. The score of an answer is that of its best text. Keyword
//! scores of all texts are known before vectors are compared, so hybrid search is as exact as dense search.
//!
//! With [near texts](Index::with_near_texts), a text that says nearly the same as the question scores up to another
//! `weight · closeness` ([`Bm25Index::near_texts`]), so that the answer of a known question comes first.

use super::{Hit, Index, unit};
use nearsay_core::matrix::ShapeError;
use nearsay_text::bm25::{Bm25Index, Coverage, NearText};

/// Keyword index of all texts, with the weight of the keyword score.
#[derive(Clone, Debug)]
pub struct Words {
    lexical: Bm25Index,
    /// Positive and finite.
    weight: f32,
    /// Whether texts that say nearly the same as a question score higher.
    near: bool,
}

/// Weighted keyword scores for a question.
pub struct Scores<'a> {
    documents: &'a [u32],
    /// One score per document.
    scores: Vec<f32>,
    /// Near texts with their weighted scores, by ascending text.
    near: Vec<NearText>,
}

impl Scores<'_> {
    /// Returns the weighted keyword score of a text, or 0 for an unknown text.
    pub fn of(&self, text: usize) -> f32 {
        let document = self.documents.get(text);
        let score = document.and_then(|document| self.scores.get(*document as usize));
        score.copied().unwrap_or_default() + self.near_score(text)
    }

    fn near_score(&self, text: usize) -> f32 {
        let place = self
            .near
            .binary_search_by_key(&text, |near| near.text as usize);
        place.map_or(0.0, |place| self.near[place].closeness)
    }
}

impl Words {
    /// Returns the memory of the keyword index, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lexical.bytes()
    }

    /// Returns the document of a text.
    fn document(&self, text: u32) -> Option<u32> {
        self.lexical.documents().get(text as usize).copied()
    }

    /// Computes how much of a question the document of a text covers; see [`Bm25Index::coverage`].
    #[must_use]
    pub fn coverage(&self, question: &str, text: u32) -> Coverage {
        let document = self.document(text);
        // No document has the largest number.
        self.lexical
            .coverage(question, document.unwrap_or(u32::MAX))
    }

    /// Weight of the keyword score; positive.
    #[must_use]
    pub fn weight(&self) -> f32 {
        self.weight
    }

    /// Computes the weighted keyword score of each text.
    pub fn scores(&self, question: &str) -> Scores<'_> {
        let mut scores = self.lexical.scores(question);
        scores.iter_mut().for_each(|score| *score *= self.weight);
        Scores {
            documents: self.lexical.documents(),
            scores,
            near: self.near_texts(question),
        }
    }

    /// Near texts of a question, whose closeness is multiplied by the weight.
    fn near_texts(&self, question: &str) -> Vec<NearText> {
        if !self.near {
            return Vec::new();
        }
        let mut near = self.lexical.near_texts(question);
        for near in &mut near {
            near.closeness *= self.weight;
        }
        near
    }
}

impl Index {
    /// Adds a keyword index, whose text `i` belongs to vector `i`, with the weight of the keyword score.
    ///
    /// All texts of a document must belong to one answer. A weight that isn't positive and finite disables hybrid
    /// search.
    ///
    /// # Errors
    /// Returns [`ShapeError`] if there isn't one text per vector, or if a document has texts of several answers.
    pub fn with_words(mut self, words: Bm25Index, weight: f32) -> Result<Self, ShapeError> {
        let documents = words.documents();
        let last = documents.iter().max().map_or(0, |&last| last as usize + 1);
        let mut owner = vec![None; last];
        let mut texts = documents.iter().zip(&self.owners);
        let fits = texts.all(|(document, of)| {
            let owner = owner[*document as usize].get_or_insert(*of);
            owner == of
        });
        if documents.len() != self.owners.len() || !fits {
            return Err(ShapeError {
                operation: "words",
                left: (self.vectors.rows(), self.vectors.columns()),
                right: (documents.len(), 1),
            });
        }
        let counts = weight.is_finite() && weight > 0.0;
        self.words = counts.then_some(Words {
            lexical: words,
            weight,
            near: false,
        });
        Ok(self)
    }

    /// Makes texts that say nearly the same as a question score up to another keyword weight. Does nothing without a
    /// keyword index.
    #[must_use]
    pub fn with_near_texts(mut self) -> Self {
        if let Some(words) = &mut self.words {
            words.near = true;
        }
        self
    }

    /// Returns the weight of the keyword score; 0 without a keyword index.
    #[must_use]
    pub fn words_weight(&self) -> f32 {
        self.words.as_ref().map_or(0.0, |words| words.weight)
    }

    /// Returns the `k` best answers to a question by hybrid search, best first.
    ///
    /// `vector` is the embedding of `question`, `[d]`. Without a keyword index, the result equals that of
    /// [`search`](Self::search), bit for bit.
    #[must_use]
    pub fn ask(&self, question: &str, vector: &[f32], k: usize) -> Vec<Hit> {
        match &self.words {
            Some(words) => {
                let words = words.scores(question);
                self.best(&unit(vector), |text| words.of(text), k)
            }
            None => self.search(vector, k),
        }
    }

    /// Scores every answer by hybrid search, `[answers]`, in the order of [`scores`](Self::scores).
    #[must_use]
    pub fn ask_scores(&self, question: &str, vector: &[f32]) -> Vec<Hit> {
        match &self.words {
            Some(words) => {
                let words = words.scores(question);
                self.scores_of(&unit(vector), |text| words.of(text))
            }
            None => self.scores(vector),
        }
    }

    /// Returns the weighted keyword score of one text for a question; 0 without a keyword index.
    #[must_use]
    pub fn words_of(&self, question: &str, vector: u32) -> f32 {
        self.words.as_ref().map_or(0.0, |words| {
            let document = words.document(vector);
            let score = document.map_or(0.0, |document| words.lexical.score(question, document));
            let near = words.near_texts(question);
            let near = near.iter().find(|near| near.text == vector);
            words.weight * score + near.map_or(0.0, |near| near.closeness)
        })
    }

    /// Returns the keyword index of a hybrid index.
    #[must_use]
    pub fn words(&self) -> Option<&Words> {
        self.words.as_ref()
    }

    /// Returns the keyword index without the given texts; see [`Bm25Index::without`].
    pub fn words_without(&self, texts: &[u32]) -> Option<Words> {
        self.words.as_ref().map(|words| Words {
            lexical: words.lexical.without(texts),
            ..*words
        })
    }

    /// Returns the keywords that a question shares with the document of a text, rarest first.
    ///
    /// Empty without a keyword index. See [`Bm25Index::shared_words`].
    #[must_use]
    pub fn shared_words(&self, question: &str, vector: u32) -> Vec<String> {
        let words = self.words.as_ref();
        let shared = words.and_then(|words| {
            let document = words.document(vector)?;
            Some(words.lexical.shared_words(question, document))
        });
        shared.unwrap_or_default()
    }
}
