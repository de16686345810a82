//! Meaning and words together.
//!
//! The score of a text is `cosine + weight · words`, its words' part being what [`Bm25Index::scores`] has for the
//! text's document, the answer's that of its best text. A document is an answer with all its wordings, or each text
//! by itself. What words add is known of all before vectors are compared, so that search needs to guess nothing: it
//! is as exact as without.

use super::{Hit, Index, unit};
use nearsay_core::matrix::ShapeError;
use nearsay_text::bm25::Bm25Index;

/// The words of all texts, and what they count for.
#[derive(Clone, Debug)]
pub struct Words {
    lexical: Bm25Index,
    /// Above 0.
    weight: f32,
}

/// What words add for a question.
pub struct Scores<'a> {
    documents: &'a [u32],
    /// By document.
    scores: Vec<f32>,
}

impl Scores<'_> {
    /// To the score of a text; nothing where there is no such text.
    pub fn of(&self, text: usize) -> f32 {
        let document = self.documents.get(text);
        let score = document.and_then(|document| self.scores.get(*document as usize));
        score.copied().unwrap_or_default()
    }
}

impl Words {
    /// Size in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lexical.bytes()
    }

    /// The document that a text is of.
    fn document(&self, text: u32) -> Option<u32> {
        self.lexical.documents().get(text as usize).copied()
    }

    /// What words add to the score of each text.
    pub fn scores(&self, question: &str) -> Scores<'_> {
        let mut scores = self.lexical.scores(question);
        scores.iter_mut().for_each(|score| *score *= self.weight);
        Scores {
            documents: self.lexical.documents(),
            scores,
        }
    }
}

impl Index {
    /// The same index with the words of its texts, text `i` being that of vector `i`, and what they count
    /// for beside the cosine. Texts of one document must be of one answer. By a weight that is not a number above 0
    /// it has no words.
    ///
    /// # Errors
    /// When the texts are not one a vector, or a document is of several answers.
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
                self.best(&unit(vector), |text| words.of(text), k)
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
                self.scores_of(&unit(vector), |text| words.of(text))
            }
            None => self.scores(vector),
        }
    }

    /// What words add to the score of one text for a question; 0 when there are none.
    #[must_use]
    pub fn words_of(&self, question: &str, vector: u32) -> f32 {
        self.words.as_ref().map_or(0.0, |words| {
            let document = words.document(vector);
            words.weight * document.map_or(0.0, |document| words.lexical.score(question, document))
        })
    }

    /// The words as if some texts were not there; see [`Bm25Index::without`].
    pub fn words_without(&self, texts: &[u32]) -> Option<Words> {
        self.words.as_ref().map(|words| Words {
            lexical: words.lexical.without(texts),
            weight: words.weight,
        })
    }

    /// The words of a question that the document of a text has, the rarest first, by which it is found; see
    /// [`Bm25Index::shared_words`]. None when there are no words.
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
