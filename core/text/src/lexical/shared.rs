//! Which words of a query a document has.

use super::{
    Lexical,
    terms::{self, Cutter},
};

/// So many words are named at most.
const MOST: usize = 4;
/// Words not even so rare, by the rarest, say nothing beside it.
const LEAST: f64 = 0.5;

/// A word and how rare it is.
struct Rare {
    word: String,
    idf: f64,
}

impl Lexical {
    /// The words of a query that a document has, the rarest first, at most four: those more than half of whose
    /// terms are in it, by which they are found. Words that are in many documents are not named beside rare
    /// ones. Each is as it is written in the query; where words are not parted by spaces, what is shared of a
    /// run.
    #[must_use]
    pub fn shared(&self, query: &str, document: u32) -> Vec<String> {
        let mut found: Vec<Rare> = Vec::new();
        let mut cutter = Cutter::default();
        for word in terms::words(query) {
            // Of the terms: their characters, and how rare those are that the document has.
            let mut cut: Vec<(Vec<char>, Option<f64>)> = Vec::new();
            cutter.cut(word, &mut |letters, term| {
                cut.push((letters.to_vec(), self.rarity_in(term, document)));
            });
            if word.spaced {
                let rare: Vec<f64> = cut.iter().filter_map(|(_, idf)| *idf).collect();
                if 2 * rare.len() > cut.len() {
                    let idf = rare.iter().sum::<f64>() / rare.len() as f64;
                    found.push(Rare {
                        word: word.text.to_owned(),
                        idf,
                    });
                }
                continue;
            }
            for run in cut
                .split(|(_, idf)| idf.is_none())
                .filter(|run| !run.is_empty())
            {
                let first = run.iter().take(1).flat_map(|(letters, _)| letters);
                let others = run.iter().skip(1).filter_map(|(letters, _)| letters.last());
                let idf = run.iter().filter_map(|(_, idf)| *idf).sum::<f64>() / run.len() as f64;
                found.push(Rare {
                    word: first.chain(others).collect(),
                    idf,
                });
            }
        }
        found.sort_by(|a, b| b.idf.total_cmp(&a.idf));
        let least = found.first().map_or(0.0, |rarest| LEAST * rarest.idf);
        let mut words: Vec<String> = Vec::new();
        for rare in found.into_iter().take_while(|rare| rare.idf >= least) {
            let same = |word: &String| word.to_lowercase() == rare.word.to_lowercase();
            if words.len() < MOST && !words.iter().any(same) {
                words.push(rare.word);
            }
        }
        words
    }

    /// How rare a term is that a document has.
    fn rarity_in(&self, term: u64, document: u32) -> Option<f64> {
        let term = self.terms.binary_search(&term).ok()?;
        self.found_in(term, document)?;
        Some(self.idf(Some(term)))
    }
}
