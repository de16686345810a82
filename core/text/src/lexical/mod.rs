//! Layer 3: how many words two texts share, weighed by how rare these are: exact BM25.
//!
//! Vectors say what means the same. Names, numbers and product codes mean little to an encoder; that a
//! question has the very word of an answer is seen here. [`Index::with_words`](nearsay_search::index::Index::with_words)
//! puts both together.
//!
//! A text is cut into terms without knowing its language. A word is a run of letters and digits, made
//! small, the accents of Latin, Greek and Cyrillic taken off. With its ends marked it is cut into all windows
//! of 4 characters; one that has no more than 4, marks included, is a term by itself. Runs in scripts that do
//! not part words by spaces (ideographs, kana, Thai, Lao, Khmer, Myanmar) are cut into windows of 2,
//! unmarked. Of 636 questions of the cloud FAQ such terms find the answer first, among the 636 of these
//! questions, for 0.670, words cut to their stems for 0.643, whole words for 0.624: endings, compounds and
//! slips of the pen cost a word a few of its terms, not all.
//!
//! ```text
//! score(q, d) = Σ n(i, q) · idf(i) · f(i, d) · (k₁ + 1) / (f(i, d) + k₁ · (1 − b + b · |d| / mean |d|))
//! idf(i)      = ln(1 + (N − N(i) + 0.5) / (N(i) + 0.5))
//! ```
//!
//! over the terms `i` of the query, `n` and `f` being how often they occur in it and in the document, `|d|` the
//! terms of a document, `N` the number of documents, `N(i)` of those with the term; `k₁ = 1.2`, `b = 0.75`.
//! Scores are divided by the most that any document could reach, `Σ n(i, q) · idf(i) · (k₁ + 1)`, terms that none
//! has included, so that they lie in `[0, 1)` and of two questions mean the same.
//!
//! A document is one text, or several: an answer with the known wordings of its question
//! ([`Lexical::grouped`]). A question may share one word with the answer and another with a wording. Each text by
//! itself would also be found the easier the shorter it is, and a wording that shares little more than “how do I”
//! with a question would outdo its answer: at a weight of 0.4 beside MiniLM as it is, 749 questions in other words
//! find the right one of 317 answers for 0.486 by texts, for 0.509 by documents, and 241 others one of 128 answers for
//! 0.784 and 0.817.
//!
//! Source: Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009; the
//! idf, which is never negative, is Lucene's.
//!
//! No crate does this: `bm25` and `tantivy` cut texts into words of a language that must be known, with
//! stemmers for some, and give the best texts of a query; wanted here are terms without a language and the
//! score of every document.
//!
//! ```
//! use crate::lexical::Lexical;
//!
//! let texts = ["Refunds take a week.", "Parking is free."];
//! let words = Lexical::new(&texts);
//! let scores = words.scores("When will I get my refund?");
//! assert!(scores[0] > 0.0 && scores[1] == 0.0);
//! assert_eq!(words.shared("When will I get my refund?", 0), ["refund"]);
//! ```

mod shared;
mod terms;
#[cfg(test)]
mod tests;

use nearsay_core::matrix::ShapeError;
use std::{collections::HashMap, ops::Range};
use terms::Cutter;

/// What words usually count for beside the vectors of a network: what is best, on the mean, for the questions of seven
/// FAQs of 30 to 503 pairs, asked of their answers as the network is (mrr@10 0.706 without, 0.732 by this weight).
pub const BESIDE_NETWORK: f32 = 0.3;

/// The same beside those of a static encoder, which tell less by themselves (0.469 without, 0.564 by this weight).
pub const BESIDE_STATIC: f32 = 0.8;

/// How soon more of the same term counts no more.
const K1: f64 = 1.2;
/// How much long texts are held back.
const B: f64 = 0.75;

/// The terms of some texts, to be compared with queries. What is in it does not change.
///
/// Memory, in bytes: 5 for each distinct term of each text, 16 for each distinct term, 12 a text and 4 a document.
/// The texts of the cloud FAQ take some 290 each.
#[derive(Clone, Debug, Default)]
pub struct Lexical {
    /// Hashes of all terms, ascending.
    terms: Vec<u64>,
    /// Where the postings of each term begin; one more, where those of the last end.
    starts: Vec<usize>,
    /// Postings: the text, within a term by its document.
    texts: Vec<u32>,
    /// Postings: how often the text has the term, 255 at most.
    counts: Vec<u8>,
    /// Terms of each text; none for those left out.
    lengths: Vec<Option<u32>>,
    /// The document of each text.
    documents: Vec<u32>,
    /// What each document's length holds it back by.
    norms: Vec<f32>,
    /// Documents that count: those with a text that is not left out.
    counted: usize,
}

/// What a term of a query adds to the score of a document where it abounds.
struct Gain {
    /// The term's number.
    term: usize,
    most: f32,
}

/// A document that has a term.
struct Found {
    document: u32,
    /// How often.
    count: u32,
}

impl Lexical {
    /// Reads texts, twice; they are numbered from 0, and each is a document.
    ///
    /// Takes time in their characters, 8 µs for each text of the cloud FAQ.
    #[must_use]
    pub fn new<T: AsRef<str>>(texts: &[T]) -> Self {
        let documents = (0..).take(texts.len()).collect();
        Self::read(texts, documents)
    }

    /// The same, text `i` being part of document `documents[i]`; these are numbered from 0.
    ///
    /// # Errors
    /// When there is not one number a text.
    pub fn grouped<T: AsRef<str>>(texts: &[T], documents: &[u32]) -> Result<Self, ShapeError> {
        if texts.len() != documents.len() {
            return Err(ShapeError {
                operation: "documents",
                left: (texts.len(), 1),
                right: (documents.len(), 1),
            });
        }
        Ok(Self::read(texts, documents.to_vec()))
    }

    fn read<T: AsRef<str>>(texts: &[T], documents: Vec<u32>) -> Self {
        let mut cutter = Cutter::default();
        let mut counts = Vec::new();
        let mut lengths = Vec::with_capacity(texts.len());
        // First how many texts have a term, then its number.
        let mut known: HashMap<u64, u32> = HashMap::new();
        for text in texts {
            cutter.count(text.as_ref(), &mut counts);
            lengths.push(Some(counts.iter().map(|(_, count)| count).sum()));
            for (term, _) in &counts {
                *known.entry(*term).or_default() += 1;
            }
        }
        let mut terms: Vec<u64> = known.keys().copied().collect();
        terms.sort_unstable();
        let mut starts = vec![0];
        let mut end = 0;
        for (term, number) in terms.iter().zip(0..) {
            if let Some(texts) = known.get_mut(term) {
                end += *texts as usize;
                starts.push(end);
                *texts = number;
            }
        }
        let mut next = starts.clone();
        let mut postings = (vec![0; end], vec![0; end]);
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|&text| documents[text]);
        for text in order {
            cutter.count(texts[text].as_ref(), &mut counts);
            for (term, count) in &counts {
                let Some(term) = known.get(term) else {
                    continue;
                };
                let place = &mut next[*term as usize];
                postings.0[*place] = text as u32;
                postings.1[*place] = u8::try_from(*count).unwrap_or(u8::MAX);
                *place += 1;
            }
        }
        Self {
            terms,
            starts,
            texts: postings.0,
            counts: postings.1,
            counted: 0,
            norms: Vec::new(),
            lengths,
            documents,
        }
        .measured()
    }

    /// With what follows from the lengths of its texts.
    fn measured(mut self) -> Self {
        let documents = self.documents.iter().max();
        let mut lengths = vec![None; documents.map_or(0, |&last| last as usize + 1)];
        for (document, length) in self.documents.iter().zip(&self.lengths) {
            if let Some(length) = length {
                *lengths[*document as usize].get_or_insert(0) += u64::from(*length);
            }
        }
        let total: u64 = lengths.iter().flatten().sum();
        self.counted = lengths.iter().flatten().count();
        let mean = total as f64 / self.counted.max(1) as f64;
        let norm = |length: u64| (K1 * (1.0 - B + B * length as f64 / mean)) as f32;
        let norms = lengths
            .iter()
            .map(|length| length.map_or(f32::INFINITY, norm));
        self.norms = norms.collect();
        self
    }

    /// As if some of the texts were not there: they change nothing for the others, and all keep their numbers; a
    /// document that has no other scores 0. Numbers that no text has are passed over.
    ///
    /// Takes time and memory of a copy.
    #[must_use]
    pub fn without(&self, texts: &[u32]) -> Self {
        let mut lengths = self.lengths.clone();
        for text in texts {
            if let Some(length) = lengths.get_mut(*text as usize) {
                *length = None;
            }
        }
        let mut rest = Self {
            terms: self.terms.clone(),
            starts: vec![0],
            texts: Vec::with_capacity(self.texts.len()),
            counts: Vec::with_capacity(self.counts.len()),
            counted: 0,
            norms: Vec::new(),
            lengths,
            documents: self.documents.clone(),
        };
        for term in 0..self.terms.len() {
            for place in self.postings(term) {
                if rest.lengths[self.texts[place] as usize].is_some() {
                    rest.texts.push(self.texts[place]);
                    rest.counts.push(self.counts[place]);
                }
            }
            rest.starts.push(rest.texts.len());
        }
        rest.measured()
    }

    /// The document of each text, those left out among them.
    #[must_use]
    pub fn documents(&self) -> &[u32] {
        &self.documents
    }

    /// The score of every document, `[documents]`, in `[0, 1)`; all 0 for a query without any word.
    ///
    /// Takes time in the number of documents, and in the texts that have a term, for each of the query's.
    #[must_use]
    pub fn scores(&self, query: &str) -> Vec<f32> {
        let mut scores = vec![0.0; self.norms.len()];
        for gain in self.gains(query) {
            for found in self.found(gain.term) {
                scores[found.document as usize] += gain.most * self.reached(&found);
            }
        }
        scores
    }

    /// The score of one document, as [`scores`](Self::scores) has it; 0 where there is no such document.
    #[must_use]
    pub fn score(&self, query: &str, document: u32) -> f32 {
        let gain = |gain: Gain| {
            let found = self.found_in(gain.term, document)?;
            Some(gain.most * self.reached(&found))
        };
        // In the same order, so that the sums round alike.
        let gains = self.gains(query).into_iter().filter_map(gain);
        gains.fold(0.0, |sum, gain| sum + gain)
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.terms)
            + size_of_val(&*self.starts)
            + size_of_val(&*self.texts)
            + size_of_val(&*self.counts)
            + size_of_val(&*self.lengths)
            + size_of_val(&*self.documents)
            + size_of_val(&*self.norms)
    }

    /// What the terms of a query can add, by their share of the most.
    fn gains(&self, query: &str) -> Vec<Gain> {
        let mut counts = Vec::new();
        Cutter::default().count(query, &mut counts);
        let known = counts.iter().map(|(term, count)| {
            let term = self.terms.binary_search(term).ok();
            (term, f64::from(*count) * self.idf(term))
        });
        let known: Vec<(Option<usize>, f64)> = known.collect();
        let most: f64 = known.iter().map(|(_, most)| most).sum();
        let gain = |(term, gain): (Option<usize>, f64)| {
            Some(Gain {
                term: term?,
                most: (gain / most) as f32,
            })
        };
        known.into_iter().filter_map(gain).collect()
    }

    /// How rare a term is; the rarest are those that no document has.
    fn idf(&self, term: Option<usize>) -> f64 {
        let with = term.map_or(0, |term| self.found(term).count());
        (1.0 + ((self.counted - with) as f64 + 0.5) / (with as f64 + 0.5)).ln()
    }

    /// How much of a term's gain a document gets.
    fn reached(&self, found: &Found) -> f32 {
        let count = found.count as f32;
        count / (count + self.norms[found.document as usize])
    }

    /// The documents that have a term, ascending.
    fn found(&self, term: usize) -> impl Iterator<Item = Found> {
        let mut places = self.postings(term);
        std::iter::from_fn(move || {
            let document = self.document(places.next()?);
            let mut count = u32::from(self.counts[places.start - 1]);
            while places.start < places.end && self.document(places.start) == document {
                count += u32::from(self.counts[places.start]);
                places.start += 1;
            }
            Some(Found { document, count })
        })
    }

    /// The same for one of them.
    fn found_in(&self, term: usize, document: u32) -> Option<Found> {
        let postings = self.postings(term);
        let before = |text: &u32| self.documents[*text as usize] < document;
        let first = self.texts[postings.clone()].partition_point(before);
        let places = postings.start + first..postings.end;
        let own = places.take_while(|&place| self.document(place) == document);
        let count = own.map(|place| u32::from(self.counts[place])).sum();
        (count > 0).then_some(Found { document, count })
    }

    /// The document of a posting.
    fn document(&self, place: usize) -> u32 {
        self.documents[self.texts[place] as usize]
    }

    /// Where the postings of a term are.
    fn postings(&self, term: usize) -> Range<usize> {
        self.starts[term]..self.starts[term + 1]
    }
}
