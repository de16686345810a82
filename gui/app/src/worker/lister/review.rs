//! What could be mended: one question with two answers, questions that are nearly the same, the same
//! answer twice.
//!
//! Nearly the same are questions of the same words, whatever their order and the little words
//! between them, and questions that the built-in encoder puts very near each other. The second costs
//! one product a pair of questions, so it is left out of very large projects.

use std::collections::{BTreeMap, HashMap, HashSet};

use candle_core::Device;
use nearsay_core::{candle::to_tensor, matrix::Matrix};
use nearsay_faq::normalize;
use nearsay_search::index;

use super::ListWanted;
use crate::state::{Review, Suggestion, SuggestionKind};
use nearsay_project::{RowId, stop_words::is_content_word};

/// Questions nearer than this cosine are nearly the same.
const NEAR: f32 = 0.94;
/// In larger projects only words are compared.
const MOST: usize = 12_000;
/// More suggestions than this nobody looks through.
const SHOWN: usize = 500;
/// Questions compared in one product.
const BLOCK: usize = 256;

pub(super) fn review(wanted: &ListWanted) -> Review {
    let mut sources: HashMap<&str, usize> = HashMap::new();
    let (mut single_paraphrase, mut questions) = (0, Vec::new());
    for (id, entry) in wanted.entries.iter() {
        single_paraphrase += usize::from(entry.wordings.len() == 1);
        let source = entry.source.as_deref().unwrap_or_default();
        *sources.entry(source).or_default() += entry.wordings.len();
        for (wording, number) in entry.wordings.iter().zip(0..) {
            let row = RowId {
                entry: *id,
                wording: number,
            };
            questions.push((row, wording.text.as_str()));
        }
    }
    let mut sources: Vec<(String, usize)> = sources
        .into_iter()
        .map(|(source, count)| (source.to_owned(), count))
        .collect();
    sources.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut found = Found {
        apart: wanted.apart.iter().copied().collect(),
        pairs: BTreeMap::new(),
    };
    let key = |text: &str| Some(normalize(text)).filter(|key| !key.is_empty());
    found.same(&questions, SuggestionKind::Contradiction, key);
    found.same(&questions, SuggestionKind::NearDuplicate, word_key);
    let answers: Vec<(RowId, &str)> = wanted
        .entries
        .iter()
        .map(|(id, entry)| {
            let row = RowId {
                entry: *id,
                wording: 0,
            };
            (row, entry.answer.as_str())
        })
        .collect();
    found.same(&answers, SuggestionKind::SameAnswer, key);
    if questions.len() <= MOST {
        found.near(&questions);
    }
    let mut suggestions: Vec<Suggestion> = found.pairs.into_values().collect();
    suggestions.sort_by_key(|suggestion| (suggestion.kind, suggestion.one, suggestion.other));
    suggestions.truncate(SHOWN);
    Review {
        suggestions,
        single_paraphrase,
        sources,
        revision: wanted.revision,
    }
}

/// The words of a question that say something, in order of the alphabet.
fn word_key(question: &str) -> Option<String> {
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

/// The built-in encoder knows the letters: to it all texts of another script are alike.
fn is_known_script(text: &str) -> bool {
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    let known = letters().filter(|c| *c < '\u{250}').count();
    known > 0 && known * 5 >= letters().count() * 4
}

/// The numbers in a text: questions that differ in them are two questions, however alike.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_numeric())
        .filter(|part| !part.is_empty())
}

struct Found {
    apart: HashSet<(u64, u64)>,
    /// By the two entries: they are told about once, for the gravest reason.
    pairs: BTreeMap<(u64, u64), Suggestion>,
}

impl Found {
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

    /// Rows of one key.
    fn same(
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

    /// Rows whose questions the built-in encoder puts very near each other.
    fn near(&mut self, rows: &[(RowId, &str)]) {
        let rows: Vec<(RowId, &str)> = rows
            .iter()
            .filter(|(_, text)| is_known_script(text))
            .copied()
            .collect();
        let Ok(encoder) = nearsay_text::compact::built_in::encoder() else {
            return;
        };
        let texts: Vec<&str> = rows.iter().map(|(_, text)| *text).collect();
        let vectors = encoder.encode_all(&texts);
        let (count, dim) = (vectors.rows(), vectors.columns());
        let mut data = vectors.into_data();
        data.chunks_exact_mut(dim.max(1)).for_each(index::normalize);
        // Suggestions are a help: without the product there are only those by words.
        let products = || -> candle_core::Result<Vec<(usize, usize)>> {
            let all = to_tensor(
                &Matrix::new(count, dim, data).unwrap_or_default(),
                &Device::Cpu,
            )?;
            let turned = all.t()?;
            let mut near = Vec::new();
            for start in (0..count).step_by(BLOCK) {
                let rows = BLOCK.min(count - start);
                // Only what stands after: each pair once.
                let after = turned.narrow(1, start, count - start)?.contiguous()?;
                let product = all.narrow(0, start, rows)?.matmul(&after)?.flatten_all()?;
                let product = product.to_vec1::<f32>()?;
                for (at, scores) in product.chunks_exact(count - start).enumerate() {
                    let later = scores.iter().enumerate().skip(at + 1);
                    near.extend(
                        later
                            .filter(|(_, score)| **score >= NEAR)
                            .map(|(to, _)| (start + at, start + to)),
                    );
                }
            }
            Ok(near)
        };
        for (one, other) in products().unwrap_or_default() {
            if let (Some((one, a)), Some((other, b))) = (rows.get(one), rows.get(other))
                && numbers(a).eq(numbers(b))
            {
                self.add(SuggestionKind::NearDuplicate, *one, *other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entry, Shared, Wording};

    fn entries(rows: &[(&str, &str)]) -> ListWanted {
        let entry = |(question, answer): &(&str, &str)| {
            Shared::new(Entry {
                wordings: vec![Wording {
                    text: (*question).to_owned(),
                    ..Wording::default()
                }],
                answer: (*answer).to_owned(),
                source: None,
            })
        };
        ListWanted {
            revision: 1,
            entries: Shared::new((0..).zip(rows.iter().map(entry)).collect()),
            ..ListWanted::default()
        }
    }

    #[test]
    fn contradictions_and_near_duplicates_are_found_once() {
        let mut wanted = entries(&[
            ("Are you open on Sunday?", "Yes"),
            ("are you open on sunday", "No"),
            ("On Sunday, are you open?", "Maybe"),
            ("How much is a new library card?", "Three euros"),
            ("Can I bring my dog?", "Three euros "),
        ]);
        let found = review(&wanted);
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
        assert!(review(&numbered).suggestions.is_empty());
        let other_script = entries(&[
            ("身份证实方法", "一"),
            ("备用代码", "二"),
            ("安全密钥", "三"),
        ]);
        assert!(review(&other_script).suggestions.is_empty());
        wanted.apart = vec![(0, 2)];
        assert!(
            review(&wanted)
                .suggestions
                .iter()
                .all(|s| (s.one.entry, s.other.entry) != (0, 2))
        );
    }
}
