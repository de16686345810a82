//! Exact BM25 over character n-grams.
//!
//! Embeddings capture meaning but represent names, numbers and product codes poorly; BM25 scores
//! literal matches. `Index::with_words` of nearsay-search combines both.
//!
//! # Terms
//!
//! Tokenization is language-independent. A word is a run of letters and digits, lowercased, with Latin,
//! Greek and Cyrillic diacritics removed. Its start and end are marked, and its terms are all character
//! 4-grams of the marked word, or the whole marked word if it has at most 4 characters. In scripts
//! without spaces between words (ideographs, kana, Thai, Lao, Khmer, Myanmar) the terms are the
//! 2-grams of a run, without marks. Inflections, compounds and typos change only some of the terms of
//! a word.
//!
//! # Scores
//!
//! ```text
//! score(q, d) = Σ n(i, q) · idf(i) · f(i, d) · (k₁ + 1) / (f(i, d) + k₁ · (1 − b + b · |d| / mean |d|))
//! idf(i)      = ln(1 + (N − N(i) + 0.5) / (N(i) + 0.5))
//! ```
//!
//! The sum is over the terms `i` of the query; `n` and `f` are the frequencies of a term in the query
//! and the document, `|d|` is the number of terms of a document, `N` the number of documents and `N(i)`
//! the number of documents with term `i`; `k₁ = 1.2`, `b = 0.75`. Scores are divided by their upper
//! bound `Σ n(i, q) · idf(i) · (k₁ + 1)`, which includes terms without documents, so they lie in
//! `[0, 1)` and are comparable between queries.
//!
//! A document is one text or several, for example an answer with the paraphrases of its question
//! ([`Bm25Index::grouped`]). Grouping lets a query match one word in the answer and another in a
//! paraphrase, and it keeps short paraphrases with common words from outranking their answers.
//!
//! Source: Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009. The
//! idf is the one of Lucene, which is never negative.
//!
//! ```
//! use nearsay_text::bm25::Bm25Index;
//!
//! let index = Bm25Index::new(&["Refunds take a week.", "Parking is free."]);
//! let scores = index.scores("When will I get my refund?");
//! assert!(scores[0] > 0.0 && scores[1] == 0.0);
//! assert_eq!(index.shared_words("When will I get my refund?", 0), ["refund"]);
//! ```

mod coverage;
mod near;
mod shared_words;
mod terms;
#[cfg(test)]
mod tests;

pub use coverage::Coverage;
pub use near::NearText;

use nearsay_core::matrix::ShapeError;
use std::{collections::HashMap, ops::Range};
use terms::TermExtractor;

/// Default BM25 weight in hybrid search with a transformer encoder.
pub const DEFAULT_WEIGHT_TRANSFORMER: f32 = 0.3;

/// Default BM25 weight in hybrid search with a static encoder.
pub const DEFAULT_WEIGHT_STATIC: f32 = 0.8;

/// Saturation of term frequency, `k₁`.
const K1: f64 = 1.2;
/// Strength of length normalisation, `b`.
const B: f64 = 0.75;

/// Immutable BM25 index.
///
/// Memory in bytes: 5 per distinct term of a text, 16 per distinct term, 16 per text and 4 per document.
#[derive(Clone, Debug, Default)]
pub struct Bm25Index {
    /// Hashes of all terms, ascending.
    terms: Vec<u64>,
    /// Start of the postings of each term, and the end of the last ones.
    starts: Vec<usize>,
    /// Postings: text numbers, ordered by document within a term.
    texts: Vec<u32>,
    /// Postings: frequency of the term in the text, at most 255.
    counts: Vec<u8>,
    /// Number of terms of each text; `None` for excluded texts.
    lengths: Vec<Option<u32>>,
    /// Document of each text.
    documents: Vec<u32>,
    /// Length normalisation of each document.
    norms: Vec<f32>,
    /// Number of documents with a text that isn't excluded.
    document_count: usize,
    /// Sum of the idfs of each text's distinct terms.
    text_weights: Vec<f32>,
}

/// A term of a query.
struct QueryTerm {
    /// Index of the term.
    term: usize,
    /// Upper bound of the term's contribution to a score.
    weight: f32,
}

/// Frequency of a term in a document.
struct DocumentCount {
    document: u32,
    count: u32,
}

impl Bm25Index {
    /// Indexes texts as documents numbered from 0. Takes time linear in the number of characters.
    #[must_use]
    pub fn new<T: AsRef<str>>(texts: &[T]) -> Self {
        let documents = (0..).take(texts.len()).collect();
        Self::build(texts, documents)
    }

    /// Indexes documents of several texts: text `i` belongs to document `documents[i]`, numbered from 0.
    ///
    /// # Errors
    /// If `documents` doesn't have one number per text.
    pub fn grouped<T: AsRef<str>>(texts: &[T], documents: &[u32]) -> Result<Self, ShapeError> {
        if texts.len() != documents.len() {
            return Err(ShapeError {
                operation: "documents",
                left: (texts.len(), 1),
                right: (documents.len(), 1),
            });
        }
        Ok(Self::build(texts, documents.to_vec()))
    }

    /// Reads the texts twice: to size the postings, then to fill them.
    fn build<T: AsRef<str>>(texts: &[T], documents: Vec<u32>) -> Self {
        let mut extractor = TermExtractor::default();
        let mut counts = Vec::new();
        let mut lengths = Vec::with_capacity(texts.len());
        let mut text_counts: HashMap<u64, usize> = HashMap::new();
        for text in texts {
            extractor.count_terms(text.as_ref(), &mut counts);
            lengths.push(Some(counts.iter().map(|(_, count)| count).sum()));
            for (term, _) in &counts {
                *text_counts.entry(*term).or_default() += 1;
            }
        }
        let mut terms: Vec<u64> = text_counts.keys().copied().collect();
        terms.sort_unstable();
        let mut starts = vec![0];
        let mut end = 0;
        // From here on the map holds the next free posting of each term.
        for term in &terms {
            if let Some(count) = text_counts.get_mut(term) {
                let start = end;
                end += *count;
                starts.push(end);
                *count = start;
            }
        }
        let mut next_posting = text_counts;
        let mut posting_texts = vec![0; end];
        let mut posting_counts = vec![0; end];
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&text| documents[text]);
        for text in order {
            extractor.count_terms(texts[text].as_ref(), &mut counts);
            for (term, count) in &counts {
                let Some(next) = next_posting.get_mut(term) else {
                    continue;
                };
                posting_texts[*next] = text as u32;
                posting_counts[*next] = u8::try_from(*count).unwrap_or(u8::MAX);
                *next += 1;
            }
        }
        Self {
            terms,
            starts,
            texts: posting_texts,
            counts: posting_counts,
            document_count: 0,
            text_weights: Vec::new(),
            norms: Vec::new(),
            lengths,
            documents,
        }
        .with_norms()
    }

    /// Computes the fields that depend on the number and the lengths of documents.
    fn with_norms(mut self) -> Self {
        let documents = self.documents.iter().max();
        let mut lengths = vec![None; documents.map_or(0, |&last| last as usize + 1)];
        for (document, length) in self.documents.iter().zip(&self.lengths) {
            if let Some(length) = length {
                *lengths[*document as usize].get_or_insert(0) += u64::from(*length);
            }
        }
        let total: u64 = lengths.iter().flatten().sum();
        self.document_count = lengths.iter().flatten().count();
        let mean = total as f64 / self.document_count.max(1) as f64;
        self.norms = lengths
            .iter()
            .map(|length| {
                length.map_or(f32::INFINITY, |length| {
                    (K1 * (1.0 - B + B * length as f64 / mean)) as f32
                })
            })
            .collect();
        self.text_weights = self.sum_idfs();
        self
    }

    /// Copies the index without some of its texts.
    ///
    /// Scores are those of an index that never had these texts. The other texts keep their numbers, a
    /// document without remaining texts scores 0, and text numbers out of range are ignored.
    #[must_use]
    pub fn without(&self, texts: &[u32]) -> Self {
        let mut lengths = self.lengths.clone();
        for text in texts {
            if let Some(length) = lengths.get_mut(*text as usize) {
                *length = None;
            }
        }
        let mut copy = Self {
            terms: self.terms.clone(),
            starts: vec![0],
            texts: Vec::with_capacity(self.texts.len()),
            counts: Vec::with_capacity(self.counts.len()),
            document_count: 0,
            text_weights: Vec::new(),
            norms: Vec::new(),
            lengths,
            documents: self.documents.clone(),
        };
        for term in 0..self.terms.len() {
            for posting in self.postings(term) {
                if copy.lengths[self.texts[posting] as usize].is_some() {
                    copy.texts.push(self.texts[posting]);
                    copy.counts.push(self.counts[posting]);
                }
            }
            copy.starts.push(copy.texts.len());
        }
        copy.with_norms()
    }

    /// Document of each text, including excluded texts.
    #[must_use]
    pub fn documents(&self) -> &[u32] {
        &self.documents
    }

    /// Scores of all documents, in `[0, 1)`; all 0 for a query without words.
    ///
    /// Takes time linear in the number of documents plus the postings of the query's terms.
    #[must_use]
    pub fn scores(&self, query: &str) -> Vec<f32> {
        let mut scores = vec![0.0; self.norms.len()];
        for QueryTerm { term, weight } in self.query_terms(query) {
            for count in self.document_counts(term) {
                scores[count.document as usize] += weight * self.saturation(&count);
            }
        }
        scores
    }

    /// Score of one document, equal to its value in [`scores`](Self::scores); 0 if `document` is out of
    /// range.
    #[must_use]
    pub fn score(&self, query: &str, document: u32) -> f32 {
        // Adds in the order of `scores`, so that the sums are equal to the last bit.
        let mut score = 0.0;
        for QueryTerm { term, weight } in self.query_terms(query) {
            if let Some(count) = self.count_in(term, document) {
                score += weight * self.saturation(&count);
            }
        }
        score
    }

    /// Memory of the index in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.terms)
            + size_of_val(&*self.starts)
            + size_of_val(&*self.texts)
            + size_of_val(&*self.counts)
            + size_of_val(&*self.lengths)
            + size_of_val(&*self.documents)
            + size_of_val(&*self.norms)
            + size_of_val(&*self.text_weights)
    }

    /// Indexed terms of a query, weighted by their fraction of the maximum score.
    fn query_terms(&self, query: &str) -> Vec<QueryTerm> {
        let mut counts = Vec::new();
        TermExtractor::default().count_terms(query, &mut counts);
        let weights: Vec<(Option<usize>, f64)> = counts
            .iter()
            .map(|(term, count)| {
                let term = self.terms.binary_search(term).ok();
                (term, f64::from(*count) * self.idf(term))
            })
            .collect();
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        weights
            .into_iter()
            .filter_map(|(term, weight)| {
                Some(QueryTerm {
                    term: term?,
                    weight: (weight / total) as f32,
                })
            })
            .collect()
    }

    /// Inverse document frequency; `None` is a term without documents.
    fn idf(&self, term: Option<usize>) -> f64 {
        let with = term.map_or(0, |term| self.document_counts(term).count());
        (1.0 + ((self.document_count - with) as f64 + 0.5) / (with as f64 + 0.5)).ln()
    }

    /// Saturated, length-normalised term frequency, `f / (f + norm)`.
    fn saturation(&self, count: &DocumentCount) -> f32 {
        let frequency = count.count as f32;
        frequency / (frequency + self.norms[count.document as usize])
    }

    /// Frequencies of a term in the documents that contain it, by ascending document.
    fn document_counts(&self, term: usize) -> impl Iterator<Item = DocumentCount> {
        let mut postings = self.postings(term);
        std::iter::from_fn(move || {
            let document = self.posting_document(postings.next()?);
            let mut count = u32::from(self.counts[postings.start - 1]);
            while postings.start < postings.end && self.posting_document(postings.start) == document
            {
                count += u32::from(self.counts[postings.start]);
                postings.start += 1;
            }
            Some(DocumentCount { document, count })
        })
    }

    /// Frequency of a term in a document, or `None` if the document doesn't contain it.
    fn count_in(&self, term: usize, document: u32) -> Option<DocumentCount> {
        let Range { start, end } = self.postings(term);
        let skipped = self.texts[start..end]
            .partition_point(|&text| self.documents[text as usize] < document);
        let count = (start + skipped..end)
            .take_while(|&posting| self.posting_document(posting) == document)
            .map(|posting| u32::from(self.counts[posting]))
            .sum();
        (count > 0).then_some(DocumentCount { document, count })
    }

    fn posting_document(&self, posting: usize) -> u32 {
        self.documents[self.texts[posting] as usize]
    }

    /// Range of the postings of a term.
    fn postings(&self, term: usize) -> Range<usize> {
        self.starts[term]..self.starts[term + 1]
    }
}
