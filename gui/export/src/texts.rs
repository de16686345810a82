//! The texts of a model with their vectors, for targets that search vectors themselves.

use nearsay::servable::Servable;
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// Namespace of the ids. Changing it would orphan the points of earlier exports.
const NAMESPACE: Uuid = Uuid::from_u128(0x6e65_6172_7361_795f_8d1f_27c4_0b5e_93a6);

/// An answer, or one of its paraphrases.
#[derive(Serialize)]
pub struct Text<'a> {
    /// Derived from text and answer, so that every export gives a text the same id.
    pub id: Uuid,
    /// Derived from the answer; groups its texts.
    pub answer_id: Uuid,
    pub text: &'a str,
    pub answer: &'a str,
    pub source: Option<&'a str>,
    /// Line of the FAQ file.
    pub row: u64,
    #[serde(skip)]
    pub vector: &'a [f32],
}

/// Collects the texts of a model, without the duplicates of an answer.
pub fn collect_texts(model: &Servable) -> Vec<Text<'_>> {
    let mut seen = HashSet::new();
    let vectors = model.index().vectors();
    let mut first = 0;
    let mut texts = Vec::with_capacity(vectors.rows());
    for known in model.answers().iter() {
        let answer_id = derive_id(&[&known.answer]);
        let all = std::iter::once(&known.answer).chain(&known.questions);
        for (text, row) in all.zip(first..) {
            let id = derive_id(&[&known.answer, text]);
            if seen.insert(id) {
                texts.push(Text {
                    id,
                    answer_id,
                    text,
                    answer: &known.answer,
                    source: known.source.as_deref(),
                    row: known.row,
                    vector: vectors.row(row),
                });
            }
        }
        first += 1 + known.questions.len();
    }
    texts
}

/// A version 5 UUID of texts. The lengths are hashed too, so that [a, bc] and [ab, c] differ.
fn derive_id(texts: &[&str]) -> Uuid {
    let parts = texts.iter().map(|text| format!("{}:{text}", text.len()));
    Uuid::new_v5(&NAMESPACE, parts.collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derive_id_is_stable_and_covers_all_parts() {
        assert_eq!(
            derive_id(&["No."]).to_string(),
            "8ae44e0f-d9be-525a-b912-d76f5c5b1088"
        );
        assert_ne!(derive_id(&["a", "bc"]), derive_id(&["ab", "c"]));
        assert_ne!(derive_id(&["a"]), derive_id(&["a", "a"]));
    }
}
