//! Layer 3: how many words two texts share, weighed by how rare these are: exact BM25.
//!
//! Vectors say what means the same. Names, numbers and product codes mean little to an encoder; that a
//! question has the very word of an answer is seen here. [`Index::with_words`](crate::index::Index::with_words)
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
//! score(q, t) = Σ n(i, q) · idf(i) · f(i, t) · (k₁ + 1) / (f(i, t) + k₁ · (1 − b + b · |t| / mean |t|))
//! idf(i)      = ln(1 + (N − N(i) + 0.5) / (N(i) + 0.5))
//! ```
//!
//! over the terms `i` of the query, `n` and `f` being how often they occur in it and in the text, `|t|` the
//! terms of a text, `N` the number of texts, `N(i)` of those with the term; `k₁ = 1.2`, `b = 0.75`. Scores
//! are divided by the most that any text could reach, `Σ n(i, q) · idf(i) · (k₁ + 1)`, terms that no text
//! has included, so that they lie in `[0, 1)` and of two questions mean the same.
//!
//! Source: Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009; the
//! idf, which is never negative, is Lucene's.
//!
//! No crate does this: `bm25` and `tantivy` cut texts into words of a language that must be known, with
//! stemmers for some, and give the best texts of a query; wanted here are terms without a language and the
//! score of every text.
//!
//! ```
//! use nearsay_core::lexical::Lexical;
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

use std::{collections::HashMap, ops::Range};
use terms::Cutter;

/// How soon more of the same term counts no more.
const K1: f64 = 1.2;
/// How much long texts are held back.
const B: f64 = 0.75;

/// The terms of some texts, to be compared with queries. What is in it does not change.
///
/// Memory, in bytes: 5 for each distinct term of each text, 16 for each distinct term, 12 a text. The texts
/// of the cloud FAQ take 285 each.
#[derive(Clone, Debug, Default)]
pub struct Lexical {
    /// Hashes of all terms, ascending.
    terms: Vec<u64>,
    /// Where the postings of each term begin; one more, where those of the last end.
    starts: Vec<usize>,
    /// Postings: the text, ascending within a term.
    texts: Vec<u32>,
    /// Postings: how often the text has the term, 255 at most.
    counts: Vec<u8>,
    /// Terms of each text; none for those left out.
    lengths: Vec<Option<u32>>,
    /// What each text's length holds it back by.
    norms: Vec<f32>,
    /// Texts that count: those that are not left out.
    counted: usize,
}

/// What a term of a query adds to the score of a text where it abounds.
struct Gain {
    /// The term's number.
    term: usize,
    most: f32,
}

impl Lexical {
    /// Reads texts, twice; they are numbered from 0.
    ///
    /// Takes time in their characters, 8 µs for each text of the cloud FAQ.
    #[must_use]
    pub fn new<T: AsRef<str>>(texts: &[T]) -> Self {
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
        for (text, number) in texts.iter().zip(0..) {
            cutter.count(text.as_ref(), &mut counts);
            for (term, count) in &counts {
                let Some(term) = known.get(term) else {
                    continue;
                };
                let place = &mut next[*term as usize];
                postings.0[*place] = number;
                postings.1[*place] = u8::try_from(*count).unwrap_or(u8::MAX);
                *place += 1;
            }
        }
        Self {
            terms,
            starts,
            texts: postings.0,
            counts: postings.1,
            counted: lengths.len(),
            norms: norms(&lengths),
            lengths,
        }
    }

    /// As if some of the texts were not there: they score 0 and change nothing for the others, which keep
    /// their numbers. Numbers that no text has are passed over.
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
            counted: lengths.iter().flatten().count(),
            norms: norms(&lengths),
            lengths,
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
        rest
    }

    /// Number of texts, those left out among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// The score of every text, `[texts]`, in `[0, 1)`; all 0 for a query without any word.
    ///
    /// Takes time in the number of texts, and in those that have a term, for each of the query's.
    #[must_use]
    pub fn scores(&self, query: &str) -> Vec<f32> {
        let mut scores = vec![0.0; self.len()];
        for gain in self.gains(query) {
            for place in self.postings(gain.term) {
                scores[self.texts[place] as usize] += gain.most * self.reached(place);
            }
        }
        scores
    }

    /// The score of one text, as [`scores`](Self::scores) has it; 0 where there is no such text.
    #[must_use]
    pub fn score(&self, query: &str, text: u32) -> f32 {
        let gain = |gain: Gain| {
            let postings = self.postings(gain.term);
            let place = self.texts[postings.clone()].binary_search(&text).ok()?;
            Some(gain.most * self.reached(postings.start + place))
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

    /// How rare a term is; the rarest are those that no text has.
    fn idf(&self, term: Option<usize>) -> f64 {
        let texts = term.map_or(0, |term| self.postings(term).len());
        (1.0 + ((self.counted - texts) as f64 + 0.5) / (texts as f64 + 0.5)).ln()
    }

    /// How much of a term's gain a text gets.
    fn reached(&self, place: usize) -> f32 {
        let count = f32::from(self.counts[place]);
        count / (count + self.norms[self.texts[place] as usize])
    }

    /// Where the postings of a term are.
    fn postings(&self, term: usize) -> Range<usize> {
        self.starts[term]..self.starts[term + 1]
    }
}

/// What lengths hold texts back by; nothing for those left out, which no term finds.
fn norms(lengths: &[Option<u32>]) -> Vec<f32> {
    let total: u64 = lengths.iter().flatten().copied().map(u64::from).sum();
    let mean = total as f64 / lengths.iter().flatten().count().max(1) as f64;
    let norm = |length: u32| (K1 * (1.0 - B + B * f64::from(length) / mean)) as f32;
    lengths
        .iter()
        .map(|length| length.map_or(0.0, norm))
        .collect()
}
