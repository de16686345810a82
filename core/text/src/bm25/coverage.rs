//! Fractions of a query's terms that a document and the whole index contain.

use super::{Bm25Index, terms::TermExtractor};

/// Fractions of a query's terms, each weighted by its frequency in the query and its idf.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// Fraction found in a document, in `[0, 1]`.
    pub in_document: f32,
    /// Fraction found in no document, in `[0, 1]`.
    pub unknown: f32,
}

impl Bm25Index {
    /// Computes how much of a query a document covers. Unlike a score, a coverage depends neither on the length of
    /// the document nor on repetitions in the document.
    ///
    /// Both fractions are 0 for a query without words; nothing is found in a document out of range.
    ///
    /// ```
    /// use nearsay_text::bm25::Bm25Index;
    ///
    /// let index = Bm25Index::new(&["Parking is free.", "Lunch is at noon."]);
    /// let coverage = index.coverage("free zeppelin", 0);
    /// assert!(coverage.in_document < 0.5 && coverage.unknown > 0.5);
    /// ```
    #[must_use]
    pub fn coverage(&self, query: &str, document: u32) -> Coverage {
        let mut counts = Vec::new();
        TermExtractor::default().count_terms(query, &mut counts);
        let (mut all, mut found, mut unknown) = (0.0, 0.0, 0.0);
        for (hash, count) in counts {
            let term = self.terms.binary_search(&hash).ok();
            let term = term.filter(|&term| !self.postings(term).is_empty());
            let weight = f64::from(count) * self.idf(term);
            all += weight;
            match term {
                Some(term) if self.count_in(term, document).is_some() => found += weight,
                Some(_) => {}
                None => unknown += weight,
            }
        }
        if all > 0.0 {
            Coverage {
                in_document: (found / all) as f32,
                unknown: (unknown / all) as f32,
            }
        } else {
            Coverage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_weights_terms_by_idf() {
        let index = Bm25Index::new(&["red", "red blue", "red green"]);
        let idf = |with: f64| (1.0 + (3.0 - with + 0.5) / (with + 0.5)).ln();
        let coverage = index.coverage("red blue pink", 1);
        // "red" and "pink" have 3 to 4 letters and are split into 4-grams of the marked word.
        let all = 2.0 * idf(3.0) + 3.0 * idf(1.0) + 3.0 * idf(0.0);
        let found = (2.0 * idf(3.0) + 3.0 * idf(1.0)) / all;
        assert!((f64::from(coverage.in_document) - found).abs() < 1e-6);
        assert!((f64::from(coverage.unknown) - 3.0 * idf(0.0) / all).abs() < 1e-6);
        assert_eq!(index.coverage("red", 0).in_document, 1.0);
        assert_eq!(index.coverage("red", 9).in_document, 0.0);
        assert_eq!(index.coverage("?", 0), Coverage::default());
    }

    #[test]
    fn coverage_ignores_excluded_texts() {
        let index = Bm25Index::new(&["red", "blue"]).without(&[1]);
        assert_eq!(index.coverage("blue", 1).unknown, 1.0);
    }
}
