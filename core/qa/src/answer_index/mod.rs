//! The retrieval engine: answers with their paraphrases, searched by dense and keyword scores.
//!
//! [`AnswerIndex`] holds the texts of an FAQ, their vectors before and after
//! [document expansion](nearsay_search::expansion) and [prototype scoring](nearsay_search::prototype), a BM25 index,
//! and the rule that turns scores into a confidence.
//! Serving, training, the window and the exports all search and evaluate with it.
//!
//! - [`AnswerIndex::update`] indexes other answers and embeds only the texts that changed.
//! - [`AnswerIndex::search`] returns the best answers to a question with their scores and confidence.
//! - [`AnswerIndex::evaluate`] asks test questions and returns an [`Evaluation`]: accuracy, confidence rule, the outcome
//!   of each question, [`ConfusedPair`]s and [`OverRetrieved`] answers.
//!
//! The index doesn't embed texts. Callers pass a function that does ([`AnswerIndex::update_with`]), or fill an
//! [`Update`] in pieces of any size, so that long work can pause or stop between pieces.
//!
//! ```
//! use nearsay::{
//!     answer_index::{AnswerIndex, Scoring},
//!     nearsay_core::matrix::{Matrix, ShapeError},
//!     servable::{AnswerSet, KnownAnswer},
//! };
//!
//! let answer = |text: &str, question: &str| KnownAnswer {
//!     answer: text.into(),
//!     questions: vec![question.into()],
//!     row: 0,
//!     source: None,
//! };
//! let answers = [answer("At nine.", "When do you open?"), answer("Behind the house.", "Parking?")];
//! // Stands in for an encoder: separates texts about time from all others.
//! let mut embed = |texts: &[&str]| -> Result<Matrix, ShapeError> {
//!     let row = |text: &&str| match *text {
//!         "When do you open?" => [1.0f32, 0.0],
//!         "At nine." => [0.8, 0.6],
//!         _ => [0.0, 1.0],
//!     };
//!     Matrix::from_rows(&texts.iter().map(row).collect::<Vec<_>>())
//! };
//! let index = AnswerIndex::empty(2, Scoring::default());
//! let index = index.update_with(AnswerSet::from_known(answers.into()).into(), &mut embed)?;
//! let question = "When do you open?";
//! let hits = index.search(question, embed(&[question])?.row(0), 1);
//! assert_eq!(hits[0].answer.answer, "At nine.");
//! assert_eq!(hits[0].paraphrase, Some(question));
//! # Ok::<(), ShapeError>(())
//! ```

mod answers;
mod confidence;
mod difference;
mod evaluate;
mod evaluation;
mod findings;
mod hybrid;
#[cfg(test)]
mod prototype_tests;
mod rating;
mod scan;
mod spread;
#[cfg(test)]
mod tests;
mod tuning;
mod update;

pub use answers::{AnswerSet, KnownAnswer};
pub use confidence::{
    Calibrator, Confidence, FEATURES, Features, Languages, Level, Outcome, Spread, Threshold,
    UNANSWERABLE,
};
pub use difference::Difference;
pub use evaluate::{EvaluationRun, Pool, Query, TestQuery};
pub use evaluation::{Evaluation, PoolFigures, QuestionOutcome};
pub use findings::{ConfusedPair, OverRetrieved, TopicChange};
pub use hybrid::{By, Words};
pub use spread::{STATIC_SPREAD, TRANSFORMER_SPREAD};
pub(crate) use tuning::{is_gain, is_gain_by, mean};
pub use update::Update;
pub(crate) use update::place_vectors;

use confidence::{Ranked, Source};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq::normalize;
use nearsay_search::{
    expansion::{Expansion, Kind, Own, Rule, Texts},
    index::{Hit, Index},
    prototype::Prototype,
};
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// Scoring of answers: keyword scores, document expansion and prototypes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scoring {
    /// Keyword scoring; `None` for dense search.
    pub hybrid: Option<Words>,
    /// Document expansion; `None` for unexpanded answers.
    pub expansion: Option<Rule>,
    /// Prototype scoring; `None` to compare with the nearest paraphrase alone.
    pub prototype: Option<Prototype>,
}

impl Scoring {
    /// Number of texts whose raw vectors an index of these answers keeps, because it compares with other vectors: `None`
    /// if it keeps none, the number of answers with document expansion alone, or that of all texts with prototypes.
    #[must_use]
    pub fn raw_rows(&self, answers: &AnswerSet) -> Option<usize> {
        match (self.prototype, self.expansion) {
            (Some(_), _) => Some(answers.texts_len()),
            (None, Some(_)) => Some(answers.len()),
            (None, None) => None,
        }
    }

    /// Whether the vectors of this scoring differ from the raw vectors.
    fn changes_vectors(&self) -> bool {
        self.expansion.is_some() || self.prototype.is_some()
    }
}

/// Answers and paraphrases, indexed for search and evaluation.
#[derive(Clone, Debug)]
pub struct AnswerIndex {
    answers: Arc<AnswerSet>,
    /// Vectors of all texts, after expansion of the answers and moves towards prototypes, and the BM25 index.
    index: Index,
    /// Unit vectors before expansion and moves, of the answers, `[answers, dim]`, or with prototypes of all texts,
    /// `[texts, dim]`. `None` if the scoring changes no vectors, or if they aren't loaded: the index can be searched
    /// then, but neither updated nor evaluated.
    unexpanded: Option<Matrix>,
    scoring: Scoring,
    confidence: Confidence,
    /// Spread of the cosines in `index`; computed when it is first needed.
    cosine_spread: OnceLock<Spread>,
}

/// An answer found for a question.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHit<'a> {
    /// The answer with its paraphrases.
    pub answer: &'a KnownAnswer,
    /// Number of the answer.
    pub number: u32,
    /// Hybrid score: `dense_score + keyword_score`.
    pub score: f32,
    /// Dense score: cosine similarity to the nearest of the answer's texts, in `[−1, 1]`.
    pub dense_score: f32,
    /// Weighted keyword score, from 0 to the keyword weight, or to twice the weight for a near-identical text.
    pub keyword_score: f32,
    /// Number of the text that matched.
    pub text: u32,
    /// The paraphrase that matched; `None` when the answer itself did.
    pub paraphrase: Option<&'a str>,
    /// Probability that the answer is right, in `(0, 1)`; `None` when it was not measured.
    pub probability: Option<f32>,
    /// How far the answer can be trusted.
    pub level: Level,
    /// Whether the level is at least [`Level::Sure`].
    pub sure: bool,
}

/// The confidence in an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rating {
    /// Probability that the answer is right, in `(0, 1)`; `None` when it was not measured.
    pub probability: Option<f32>,
    /// How far the answer can be trusted.
    pub level: Level,
    /// Whether the level is at least [`Level::Sure`].
    pub sure: bool,
}

impl AnswerIndex {
    /// Creates an index without answers for vectors of length `dim`.
    #[must_use]
    pub fn empty(dim: usize, scoring: Scoring) -> Self {
        Self {
            answers: Arc::default(),
            index: Index::new(Matrix::zeros(0, dim), Vec::new()).unwrap_or_default(),
            unexpanded: scoring.changes_vectors().then(|| Matrix::zeros(0, dim)),
            scoring,
            confidence: Confidence::USUAL,
            cosine_spread: OnceLock::new(),
        }
    }

    /// Builds an index from the unexpanded unit vectors of [`AnswerSet::texts`], `[n, dim]`.
    ///
    /// # Errors
    /// If `vectors` doesn't have one row for each text.
    pub fn build(
        answers: Arc<AnswerSet>,
        vectors: Matrix,
        scoring: Scoring,
    ) -> Result<Self, ShapeError> {
        let empty = Self::empty(vectors.columns(), scoring);
        let mut update = empty.update(answers)?;
        update.push(vectors)?;
        update.finish(&empty)
    }

    /// Wraps a prebuilt search index, whose vectors are already expanded and moved. `unexpanded` has the vectors before,
    /// `[answers, dim]` or with prototypes `[texts, dim]`; without them the index can be searched, but neither updated nor
    /// evaluated.
    ///
    /// # Errors
    /// If the parts differ in the number of texts, answers or columns.
    pub fn from_parts(
        answers: Arc<AnswerSet>,
        index: Index,
        unexpanded: Option<Matrix>,
        scoring: Scoring,
        confidence: Confidence,
    ) -> Result<Self, ShapeError> {
        let raw_rows = scoring.raw_rows(&answers).unwrap_or(answers.len());
        let is_whole = unexpanded
            .as_ref()
            .is_none_or(|matrix| (matrix.rows(), matrix.columns()) == (raw_rows, index.dim()));
        if index.owners().len() != answers.texts_len() || !is_whole {
            return Err(ShapeError {
                operation: "answer index",
                left: (index.owners().len(), index.dim()),
                right: (answers.texts_len(), answers.len()),
            });
        }
        Ok(Self {
            answers,
            index,
            unexpanded,
            scoring,
            confidence,
            cosine_spread: OnceLock::new(),
        })
    }

    /// Replaces the confidence rule and returns the index.
    #[must_use]
    pub fn with_confidence(self, confidence: Confidence) -> Self {
        Self { confidence, ..self }
    }

    /// Replaces the confidence rule.
    pub fn set_confidence(&mut self, confidence: Confidence) {
        self.confidence = confidence;
    }

    /// Sets the vectors before expansion and moves towards prototypes, `[Scoring::raw_rows, dim]`.
    pub(crate) fn set_unexpanded(&mut self, unexpanded: Option<Matrix>) {
        self.unexpanded = unexpanded;
    }

    /// The answers and their paraphrases.
    #[must_use]
    pub fn answers(&self) -> &Arc<AnswerSet> {
        &self.answers
    }

    /// The search index: vectors after expansion, and the BM25 index of a hybrid index.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Unit vectors before expansion and moves towards prototypes, of the answers, `[answers, dim]`, or with prototypes
    /// of all texts, `[texts, dim]`. `None` if the scoring changes no vectors, or if they aren't loaded.
    #[must_use]
    pub fn unexpanded(&self) -> Option<&Matrix> {
        self.unexpanded.as_ref()
    }

    /// Scoring of the answers.
    #[must_use]
    pub fn scoring(&self) -> Scoring {
        self.scoring
    }

    /// The rule that turns scores into a confidence.
    #[must_use]
    pub fn confidence(&self) -> &Confidence {
        &self.confidence
    }

    /// Unit vectors of [`AnswerSet::texts`] before expansion and moves towards prototypes, `[n, dim]`.
    #[must_use]
    pub fn raw_vectors(&self) -> Cow<'_, Matrix> {
        let Some(unexpanded) = &self.unexpanded else {
            return Cow::Borrowed(self.index.vectors());
        };
        if self.scoring.prototype.is_some() {
            return Cow::Borrowed(unexpanded);
        }
        let mut vectors = self.index.vectors().clone();
        for (text, vector) in self
            .answers
            .starts()
            .into_iter()
            .zip(unexpanded.iter_rows())
        {
            vectors.row_mut(text).copy_from_slice(vector);
        }
        Cow::Owned(vectors)
    }

    /// Document expansion by the questions of this index, except those for which `without` returns true. Exclude test
    /// questions, so that they don't expand their own answers. `None` without document expansion.
    ///
    /// # Errors
    /// If the vectors before expansion aren't loaded.
    pub fn expansion(
        &self,
        without: &dyn Fn(&str) -> bool,
    ) -> Result<Option<Expansion>, ShapeError> {
        let Some(rule) = self.scoring.expansion else {
            return Ok(None);
        };
        self.need_unexpanded()?;
        let texts = self.answers.texts();
        let kinds = self.answers.kinds().into_iter().zip(texts);
        let kinds: Vec<Kind> = kinds
            .map(|(kind, text)| match kind {
                Kind::Question if without(text) => Kind::KeptAside,
                kind => kind,
            })
            .collect();
        let texts = Texts {
            vectors: &self.raw_vectors(),
            owners: self.index.owners(),
            kinds: &kinds,
        };
        Expansion::of(rule, &texts).map(Some)
    }

    /// Builds an index of other answers, without paraphrases, from their unexpanded unit vectors, `[n, dim]`. It keeps the
    /// keyword scoring and confidence rule of this index. The questions of this index expand the answers, except each
    /// answer's own questions and those for which `without` returns true.
    ///
    /// # Errors
    /// If `vectors` doesn't have one row for each answer, or if the vectors before expansion aren't loaded.
    pub fn pool(
        &self,
        answers: Vec<KnownAnswer>,
        mut vectors: Matrix,
        without: &dyn Fn(&str) -> bool,
    ) -> Result<Self, ShapeError> {
        if let Some(expansion) = self.expansion(without)? {
            let known = self.answers.iter().map(|known| normalize(&known.answer));
            let known: HashMap<String, u64> = known.zip(0..).collect();
            let group = |known_as: &KnownAnswer| known.get(&normalize(&known_as.answer)).copied();
            let groups: Vec<u64> = answers
                .iter()
                .map(|a| group(a).unwrap_or(u64::MAX))
                .collect();
            expansion.apply(&mut vectors, &groups, Own::LeftOut)?;
        }
        let scoring = Scoring {
            hybrid: self.scoring.hybrid,
            ..Scoring::default()
        };
        let index = Self::build(Arc::new(AnswerSet::from_known(answers)), vectors, scoring)?;
        Ok(index.with_confidence(self.confidence.clone()))
    }

    /// Returns an error if the vectors before expansion are needed but not loaded.
    fn need_unexpanded(&self) -> Result<(), ShapeError> {
        if self.unexpanded.is_some() {
            return Ok(());
        }
        let Some(rows) = self.scoring.raw_rows(&self.answers) else {
            return Ok(());
        };
        Err(ShapeError {
            operation: "vectors before expansion",
            left: (0, 0),
            right: (rows, self.index.dim()),
        })
    }

    /// Returns the best `k` answers to a question with this vector, best first, by dense and keyword scores.
    #[must_use]
    pub fn search(&self, question: &str, vector: &[f32], k: usize) -> Vec<AnswerHit<'_>> {
        let hits = self.index.ask(question, vector, self.confidence.needs(k));
        self.found(question, vector, &hits, k)
    }

    /// Returns the `k` answers nearest to a vector, nearest first, by dense scores alone. In a hybrid index their
    /// confidence is lower than in [`search`](Self::search).
    #[must_use]
    pub fn search_dense(&self, vector: &[f32], k: usize) -> Vec<AnswerHit<'_>> {
        let hits = self.index.search(vector, self.confidence.needs(k));
        self.found("", vector, &hits, k)
    }

    /// Computes the confidence in each hit for a question with this vector, `[hits]`. Hits are in order of decreasing
    /// score and may come from another search engine. Pass as many as the confidence rule [needs](Confidence::needs).
    #[must_use]
    pub fn rate(&self, question: &str, vector: &[f32], hits: &[Hit]) -> Vec<Rating> {
        rating::rate(self, question, vector, hits)
    }

    /// Languages that the encoder knows, as far as the confidence rule says.
    fn languages(&self) -> Languages {
        let calibrator = self.confidence.calibrator.as_ref();
        calibrator
            .map(|calibrator| calibrator.languages)
            .unwrap_or_default()
    }

    /// Distribution of the cosines between texts of different answers, from a sample.
    #[must_use]
    pub fn cosine_spread(&self) -> Spread {
        *self.cosine_spread.get_or_init(|| Spread::of(&self.index))
    }

    fn found(&self, question: &str, vector: &[f32], hits: &[Hit], k: usize) -> Vec<AnswerHit<'_>> {
        let found = |(hit, rating): (&Hit, Rating)| {
            Some(AnswerHit {
                answer: self.answers.get(hit.answer)?,
                number: hit.answer,
                score: hit.score,
                dense_score: hit.meaning,
                keyword_score: hit.words,
                text: hit.vector,
                paraphrase: self.answers.wording(hit.vector),
                probability: rating.probability,
                level: rating.level,
                sure: rating.sure,
            })
        };
        hits.iter()
            .zip(self.rate(question, vector, hits))
            .take(k)
            .filter_map(found)
            .collect()
    }
}
