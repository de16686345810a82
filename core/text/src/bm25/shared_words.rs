//! Words that a query and a document share, to explain a keyword match.

use super::{
    Bm25Index,
    terms::{TermExtractor, split_words},
};

/// Maximum number of returned words.
const MAX_WORDS: usize = 4;
/// Minimum idf of a returned word, relative to the rarest one.
const MIN_RELATIVE_IDF: f64 = 0.5;

/// A shared word and the mean idf of its shared terms.
struct SharedWord {
    word: String,
    idf: f64,
}

impl Bm25Index {
    /// Returns up to four words of a query that a document contains, rarest first.
    ///
    /// A word is shared if the document contains more than half of its terms. Common words are omitted
    /// next to rare ones. Words are spelled as in the query; in scripts without spaces between words the
    /// result holds the shared parts of a run.
    #[must_use]
    pub fn shared_words(&self, query: &str, document: u32) -> Vec<String> {
        let mut found: Vec<SharedWord> = Vec::new();
        let mut extractor = TermExtractor::default();
        for word in split_words(query) {
            // Characters of each term, and its idf if the document contains it.
            let mut terms: Vec<(Vec<char>, Option<f64>)> = Vec::new();
            extractor.for_each_term(word, &mut |letters, term| {
                terms.push((letters.to_vec(), self.idf_in(term, document)));
            });
            if word.spaced {
                let shared: Vec<f64> = terms.iter().filter_map(|(_, idf)| *idf).collect();
                if 2 * shared.len() > terms.len() {
                    let idf = shared.iter().sum::<f64>() / shared.len() as f64;
                    found.push(SharedWord {
                        word: word.text.to_owned(),
                        idf,
                    });
                }
                continue;
            }
            for run in terms
                .split(|(_, idf)| idf.is_none())
                .filter(|run| !run.is_empty())
            {
                let first = run.iter().take(1).flat_map(|(letters, _)| letters);
                let others = run.iter().skip(1).filter_map(|(letters, _)| letters.last());
                let idf = run.iter().filter_map(|(_, idf)| *idf).sum::<f64>() / run.len() as f64;
                found.push(SharedWord {
                    word: first.chain(others).collect(),
                    idf,
                });
            }
        }
        found.sort_by(|a, b| b.idf.total_cmp(&a.idf));
        let min_idf = found
            .first()
            .map_or(0.0, |rarest| MIN_RELATIVE_IDF * rarest.idf);
        let mut words: Vec<String> = Vec::new();
        for SharedWord { word, .. } in found.into_iter().take_while(|word| word.idf >= min_idf) {
            let lowercase = word.to_lowercase();
            let repeated = words.iter().any(|other| other.to_lowercase() == lowercase);
            if words.len() < MAX_WORDS && !repeated {
                words.push(word);
            }
        }
        words
    }

    /// Inverse document frequency of a term if the document contains it.
    fn idf_in(&self, term: u64, document: u32) -> Option<f64> {
        let term = self.terms.binary_search(&term).ok()?;
        self.count_in(term, document)?;
        Some(self.idf(Some(term)))
    }
}
