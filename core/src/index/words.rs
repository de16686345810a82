//! Meaning and words together.
//!
//! The score of a text is `cosine + weight · words`, its words' part being that of
//! [`Lexical::scores`], the answer's that of its best text. What words add is known of all texts before vectors
//! are compared, so that search needs to guess nothing: it is as exact as without.

use super::{Hit, Index, unit};
use crate::{lexical::Lexical, matrix::ShapeError};

/// The words of all texts, and what they count for.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    lexical: Lexical,
    /// Above 0.
    weight: f32,
}

impl Words {
    pub(super) fn bytes(&self) -> usize {
        self.lexical.bytes()
    }

    /// What words add to the score of each text.
    pub(crate) fn scores(&self, question: &str) -> Vec<f32> {
        let mut scores = self.lexical.scores(question);
        scores.iter_mut().for_each(|score| *score *= self.weight);
        scores
    }
}

impl Index {
    /// The same index with the words of its texts, text `i` being that of vector `i`, and what they count
    /// for beside the cosine. By a weight that is not a number above 0 it has no words.
    ///
    /// # Errors
    /// When the texts are not one a vector.
    pub fn with_words(mut self, words: Lexical, weight: f32) -> Result<Self, ShapeError> {
        if words.len() != self.owners.len() {
            return Err(ShapeError {
                operation: "words",
                left: (self.vectors.rows(), self.vectors.columns()),
                right: (words.len(), 1),
            });
        }
        let counts = weight.is_finite() && weight > 0.0;
        self.words = counts.then_some(Words {
            lexical: words,
            weight,
        });
        Ok(self)
    }

    /// What words count for beside the cosine; 0 when there are none.
    #[must_use]
    pub fn words_weight(&self) -> f32 {
        self.words.as_ref().map_or(0.0, |words| words.weight)
    }

    /// The `k` answers nearest to a question by the words of its text and by its vector, nearest first.
    /// Without words it is [`search`](Self::search), to the last bit.
    #[must_use]
    pub fn ask(&self, question: &str, vector: &[f32], k: usize) -> Vec<Hit> {
        match &self.words {
            Some(words) => {
                let words = words.scores(question);
                self.best(&unit(vector), |text| words[text], k)
            }
            None => self.search(vector, k),
        }
    }

    /// As [`scores`](Self::scores), of what [`ask`](Self::ask) finds.
    #[must_use]
    pub fn ask_scores(&self, question: &str, vector: &[f32]) -> Vec<Hit> {
        match &self.words {
            Some(words) => {
                let words = words.scores(question);
                self.scores_of(&unit(vector), |text| words[text])
            }
            None => self.scores(vector),
        }
    }

    /// What words add to the score of one text for a question; 0 when there are none.
    #[must_use]
    pub fn words_of(&self, question: &str, vector: u32) -> f32 {
        let words = self.words.as_ref();
        words.map_or(0.0, |words| {
            words.weight * words.lexical.score(question, vector)
        })
    }

    /// The words as if some texts were not there; see [`Lexical::without`].
    #[cfg(feature = "candle")]
    pub(crate) fn words_without(&self, texts: &[u32]) -> Option<Words> {
        self.words.as_ref().map(|words| Words {
            lexical: words.lexical.without(texts),
            weight: words.weight,
        })
    }

    /// The words of a question that a text has, the rarest first, by which it is found; see
    /// [`Lexical::shared`]. None when there are no words.
    #[must_use]
    pub fn shared_words(&self, question: &str, vector: u32) -> Vec<String> {
        match &self.words {
            Some(words) => words.lexical.shared(question, vector),
            None => Vec::new(),
        }
    }
}
