//! Texts that say nearly the same as a query.

use super::{Bm25Index, terms::TermExtractor};

/// Weight of the query's terms that a text lacks.
const OF_QUERY: f32 = 0.7;
/// Weight of a text's terms that the query lacks. It is lower, because queries leave out more than they add.
const OF_TEXT: f32 = 0.3;
/// Similarity from which a text says nearly the same.
const NEAR: f32 = 0.6;

/// A text that says nearly the same as a query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearText {
    /// Number of the text.
    pub text: u32,
    /// Closeness in `(0, 1]`; 1 for the same words in any order.
    pub closeness: f32,
}

impl Bm25Index {
    /// Finds the texts that say nearly the same as a query, by ascending number.
    ///
    /// The similarity of a query and a text is Tversky's index of their distinct terms, each weighted by its idf:
    ///
    /// ```text
    /// s = |q ∩ t| / (|q ∩ t| + 0.7 · |q \ t| + 0.3 · |t \ q|)
    /// ```
    ///
    /// A text from 0.6 on is near; the closeness is `(s − 0.6) / 0.4`. Takes time linear in the number of texts plus the
    /// postings of the query's terms.
    ///
    /// Source: Tversky, "Features of Similarity", 1977. The constants were chosen on training questions of six FAQs; see
    /// the `NOTES.md` of nearsay-search.
    ///
    /// ```
    /// use nearsay_text::bm25::Bm25Index;
    ///
    /// let index = Bm25Index::new(&["I have lost my card. What now?", "Parking is free.", "Dogs?"]);
    /// let near = index.near_texts("i lost my card");
    /// assert_eq!(near.iter().map(|near| near.text).collect::<Vec<_>>(), [0]);
    /// assert_eq!(index.near_texts("dogs")[0].closeness, 1.0);
    /// ```
    #[must_use]
    pub fn near_texts(&self, query: &str) -> Vec<NearText> {
        let mut counts = Vec::new();
        TermExtractor::default().count_terms(query, &mut counts);
        let mut of_query = 0.0;
        let mut shared = vec![0.0f32; self.lengths.len()];
        for (hash, _) in counts {
            let term = self.terms.binary_search(&hash).ok();
            let idf = self.idf(term) as f32;
            of_query += idf;
            for posting in term.map_or(0..0, |term| self.postings(term)) {
                shared[self.texts[posting] as usize] += idf;
            }
        }
        let near = (0..).zip(&shared).zip(&self.text_weights);
        let near = near.filter(|((_, shared), _)| **shared > 0.0);
        let near = near.filter_map(|((text, &shared), &of_text)| {
            let missing = OF_QUERY * (of_query - shared) + OF_TEXT * (of_text - shared);
            // The terms of equal texts may be added in another order.
            let similarity = (shared / (shared + missing)).min(1.0);
            let closeness = (similarity - NEAR) / (1.0 - NEAR);
            (closeness > 0.0).then_some(NearText { text, closeness })
        });
        near.collect()
    }

    /// Computes the sum of the idfs of each text's distinct terms, `[texts]`.
    pub(super) fn sum_idfs(&self) -> Vec<f32> {
        let mut weights = vec![0.0; self.lengths.len()];
        for term in 0..self.terms.len() {
            let idf = self.idf(Some(term)) as f32;
            for posting in self.postings(term) {
                weights[self.texts[posting] as usize] += idf;
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_words_have_closeness_1() {
        let index = Bm25Index::new(&["Où est le parking ?", "Where is the parking?", ""]);
        for (query, text) in [("ou est LE  parking", 0), ("the parking: where is", 1)] {
            let near = index.near_texts(query);
            assert_eq!(near.len(), 1, "{query}");
            assert_eq!(near[0].text, text);
            assert!(near[0].closeness > 0.9999, "{query}: {}", near[0].closeness);
        }
        assert_eq!(index.near_texts(""), []);
        assert_eq!(index.near_texts("?"), []);
        assert_eq!(Bm25Index::default().near_texts("parking"), []);
    }

    #[test]
    fn similarity_follows_the_formula() {
        let index = Bm25Index::new(&["red blue", "red pink"]);
        // Two terms of "red" are in both texts, three of "blue" and three of "pink" in one each.
        let idf = |with: f64| (1.0 + (2.0 - with + 0.5) / (with + 0.5)).ln();
        let (red, blue) = (2.0 * idf(2.0), 3.0 * idf(1.0));
        let near = index.near_texts("blue");
        let similarity = blue / (blue + 0.3 * red);
        assert!((f64::from(near[0].closeness) - (similarity - 0.6) / 0.4).abs() < 1e-5);
        assert_eq!((near.len(), near[0].text), (1, 0));
        // Missing words of the query count more than those of the text.
        let near = index.near_texts("red blue pink");
        let similarity = (red + blue) / (red + blue + 0.7 * blue);
        assert!((f64::from(near[0].closeness) - (similarity - 0.6) / 0.4).abs() < 1e-5);
    }

    #[test]
    fn excluded_texts_are_not_near() {
        let index = Bm25Index::grouped(&["red", "blue", "red"], &[0, 0, 1]).unwrap();
        assert_eq!(index.near_texts("red").len(), 2);
        let near = index.without(&[0]).near_texts("red");
        assert_eq!((near.len(), near[0].text), (1, 2));
    }
}
