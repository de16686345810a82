//! Suggestions for the data: contradictions, near-duplicate questions, repeated answers.
//!
//! Two questions are near-duplicates if they have the same content words in any order, or if their
//! embeddings by the built-in encoder are very similar. Comparing embeddings takes one dot product per
//! pair of questions, so very large projects are compared by words only.

use std::collections::{BTreeMap, HashMap, HashSet};

use candle_core::Device;
use nearsay_core::{candle::to_tensor, matrix::Matrix};
use nearsay_faq::normalize;
use nearsay_search::index;

use super::ListRequest;
use crate::state::{Review, Suggestion, SuggestionKind};
use nearsay_project::{RowId, stop_words::is_content_word};

/// Cosine similarity from which two questions are near-duplicates.
const NEAR_DUPLICATE: f32 = 0.94;
/// Number of questions up to which embeddings are compared.
const MAX_EMBEDDED: usize = 12_000;
/// Maximum number of suggestions.
const MAX_SUGGESTIONS: usize = 500;
/// Number of questions per matrix product.
const BLOCK: usize = 256;

pub(super) fn review_entries(request: &ListRequest) -> Review {
    let mut sources: HashMap<&str, usize> = HashMap::new();
    let (mut single_paraphrase, mut questions) = (0, Vec::new());
    for (id, entry) in request.entries.iter() {
        single_paraphrase += usize::from(entry.paraphrases.len() == 1);
        let source = entry.source.as_deref().unwrap_or_default();
        *sources.entry(source).or_default() += entry.paraphrases.len();
        for (paraphrase, number) in entry.paraphrases.iter().zip(0..) {
            let row = RowId {
                entry: *id,
                paraphrase: number,
            };
            questions.push((row, paraphrase.text.as_str()));
        }
    }
    let mut sources: Vec<(String, usize)> = sources
        .into_iter()
        .map(|(source, count)| (source.to_owned(), count))
        .collect();
    sources.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut pairs = SimilarPairs {
        apart: request.apart.iter().copied().collect(),
        pairs: BTreeMap::new(),
    };
    pairs.add_equal(&questions, SuggestionKind::Contradiction, make_text_key);
    pairs.add_equal(&questions, SuggestionKind::NearDuplicate, make_word_key);
    let answers: Vec<(RowId, &str)> = request
        .entries
        .iter()
        .map(|(id, entry)| {
            let row = RowId {
                entry: *id,
                paraphrase: 0,
            };
            (row, entry.answer.as_str())
        })
        .collect();
    pairs.add_equal(&answers, SuggestionKind::SameAnswer, make_text_key);
    if questions.len() <= MAX_EMBEDDED {
        pairs.add_similar(&questions);
    }
    let mut suggestions: Vec<Suggestion> = pairs.pairs.into_values().collect();
    suggestions.sort_by_key(|suggestion| (suggestion.kind, suggestion.one, suggestion.other));
    suggestions.truncate(MAX_SUGGESTIONS);
    Review {
        suggestions,
        single_paraphrase,
        sources,
        revision: request.revision,
    }
}

/// The normalized text; `None` if it is empty.
fn make_text_key(text: &str) -> Option<String> {
    Some(normalize(text)).filter(|key| !key.is_empty())
}

/// Joins the content words of a question in alphabetical order; `None` for fewer than two.
fn make_word_key(question: &str) -> Option<String> {
    let mut words: Vec<String> = question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .filter(|word| is_content_word(word) || word.chars().any(char::is_numeric))
        .collect();
    words.sort();
    words.dedup();
    (words.len() >= 2).then(|| words.join(" "))
}

/// Whether at least 80 % of the letters are Latin. The built-in encoder has no words of other scripts, so
/// texts in them all look similar.
fn is_latin(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let known = letters().filter(|c| *c < '\u{250}').count();
    known > 0 && known * 5 >= letters().count() * 4
}

/// The numbers in a text. Questions with different numbers aren't near-duplicates.
fn find_numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_numeric())
        .filter(|part| !part.is_empty())
}

struct SimilarPairs {
    apart: HashSet<(u64, u64)>,
    /// One suggestion per pair of entries; the first one added is the most important.
    pairs: BTreeMap<(u64, u64), Suggestion>,
}

impl SimilarPairs {
    fn add(&mut self, kind: SuggestionKind, one: RowId, other: RowId) {
        let (one, other) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        let entries = (one.entry, other.entry);
        if one.entry != other.entry && !self.apart.contains(&entries) {
            self.pairs
                .entry(entries)
                .or_insert(Suggestion { kind, one, other });
        }
    }

    /// Adds pairs of rows with equal keys.
    fn add_equal(
        &mut self,
        rows: &[(RowId, &str)],
        kind: SuggestionKind,
        key: impl Fn(&str) -> Option<String>,
    ) {
        let mut first: HashMap<String, RowId> = HashMap::new();
        for (row, text) in rows {
            let Some(key) = key(text) else { continue };
            match first.get(&key) {
                Some(one) => self.add(kind, *one, *row),
                None => drop(first.insert(key, *row)),
            }
        }
    }

    /// Adds pairs of questions with similar embeddings.
    fn add_similar(&mut self, rows: &[(RowId, &str)]) {
        let rows: Vec<(RowId, &str)> = rows
            .iter()
            .filter(|(_, text)| is_latin(text))
            .copied()
            .collect();
        let encoder = match nearsay_text::compact::built_in::encoder() {
            Ok(encoder) => encoder,
            Err(error) => {
                tracing::warn!(%error, "cannot load the built-in encoder");
                return;
            }
        };
        let texts: Vec<&str> = rows.iter().map(|(_, text)| *text).collect();
        let vectors = encoder.encode_all(&texts);
        let (count, dim) = (vectors.rows(), vectors.columns());
        let mut data = vectors.into_data();
        data.chunks_exact_mut(dim.max(1)).for_each(index::normalize);
        let similar = find_similar(count, dim, data).unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot compare the embeddings of questions");
            Vec::new()
        });
        for (one, other) in similar {
            if let (Some((one, a)), Some((other, b))) = (rows.get(one), rows.get(other))
                && find_numbers(a).eq(find_numbers(b))
            {
                self.add(SuggestionKind::NearDuplicate, *one, *other);
            }
        }
    }
}

/// Finds pairs of rows of a matrix with a dot product of at least [`NEAR_DUPLICATE`].
fn find_similar(
    count: usize,
    dim: usize,
    data: Vec<f32>,
) -> candle_core::Result<Vec<(usize, usize)>> {
    let all = to_tensor(
        &Matrix::new(count, dim, data).unwrap_or_default(),
        &Device::Cpu,
    )?;
    let transposed = all.t()?;
    let mut similar = Vec::new();
    for start in (0..count).step_by(BLOCK) {
        let rows = BLOCK.min(count - start);
        // Each row is compared with later rows only, so that each pair occurs once.
        let after = transposed.narrow(1, start, count - start)?.contiguous()?;
        let product = all.narrow(0, start, rows)?.matmul(&after)?.flatten_all()?;
        let product = product.to_vec1::<f32>()?;
        for (at, scores) in product.chunks_exact(count - start).enumerate() {
            let later = scores.iter().enumerate().skip(at + 1);
            similar.extend(
                later
                    .filter(|(_, score)| **score >= NEAR_DUPLICATE)
                    .map(|(to, _)| (start + at, start + to)),
            );
        }
    }
    Ok(similar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entry, Paraphrase, Shared};

    fn entries(rows: &[(&str, &str)]) -> ListRequest {
        let entry = |(question, answer): &(&str, &str)| {
            Shared::new(Entry {
                paraphrases: vec![Paraphrase {
                    text: (*question).to_owned(),
                    ..Paraphrase::default()
                }],
                answer: (*answer).to_owned(),
                source: None,
            })
        };
        ListRequest {
            revision: 1,
            entries: Shared::new((0..).zip(rows.iter().map(entry)).collect()),
            ..ListRequest::default()
        }
    }

    #[test]
    fn review_entries_finds_each_pair_once() {
        let mut request = entries(&[
            ("Are you open on Sunday?", "Yes"),
            ("are you open on sunday", "No"),
            ("On Sunday, are you open?", "Maybe"),
            ("How much is a new library card?", "Three euros"),
            ("Can I bring my dog?", "Three euros "),
        ]);
        let found = review_entries(&request);
        let pairs: Vec<(SuggestionKind, u64, u64)> = found
            .suggestions
            .iter()
            .map(|s| (s.kind, s.one.entry, s.other.entry))
            .collect();
        assert!(
            pairs
                .iter()
                .any(|(kind, one, other)| *kind != SuggestionKind::SameAnswer
                    && (*one, *other) == (0, 1)),
            "{pairs:?}"
        );
        assert!(pairs.contains(&(SuggestionKind::NearDuplicate, 0, 2)));
        assert!(pairs.contains(&(SuggestionKind::SameAnswer, 3, 4)));
        assert_eq!(found.single_paraphrase, 5);
        let numbered = entries(&[
            ("What does room number 1 cost?", "Ten euros"),
            ("What does room number 2 cost?", "Twelve euros"),
        ]);
        assert!(review_entries(&numbered).suggestions.is_empty());
        let other_script = entries(&[
            ("身份证实方法", "一"),
            ("备用代码", "二"),
            ("安全密钥", "三"),
        ]);
        assert!(review_entries(&other_script).suggestions.is_empty());
        request.apart = vec![(0, 2)];
        assert!(
            review_entries(&request)
                .suggestions
                .iter()
                .all(|s| (s.one.entry, s.other.entry) != (0, 2))
        );
    }
}
