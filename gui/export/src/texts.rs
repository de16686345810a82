//! Every text of a folder with all that goes with it, for targets that keep vectors by themselves.

use nearsay::servable::Servable;
use serde::Serialize;
use std::collections::HashSet;
use uuid::Uuid;

/// The namespace of our ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6e65_6172_7361_795f_8d1f_27c4_0b5e_93a6);

/// A text: an answer itself, or a known wording of its question.
#[derive(Serialize)]
pub struct Text<'a> {
    /// Made of text and answer: the same text is the same id in every export.
    pub id: Uuid,
    /// Made of the answer; by it the texts of one answer are grouped.
    pub answer_id: Uuid,
    pub text: &'a str,
    pub answer: &'a str,
    pub source: Option<&'a str>,
    /// Line of the FAQ file.
    pub row: u64,
    #[serde(skip)]
    pub vector: &'a [f32],
}

/// The texts of a folder. A text that an answer has twice comes once.
pub fn texts(model: &Servable) -> Vec<Text<'_>> {
    let mut seen = HashSet::new();
    let vectors = model.index().vectors();
    let mut first = 0;
    let mut texts = Vec::with_capacity(vectors.rows());
    for known in model.answers().iter() {
        let answer_id = id(&[&known.answer]);
        let all = std::iter::once(&known.answer).chain(&known.questions);
        for (text, row) in all.zip(first..) {
            let id = id(&[&known.answer, text]);
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

/// The id of some texts, a UUID of version 5; their lengths tell where one ends.
fn id(texts: &[&str]) -> Uuid {
    let parts = texts.iter().map(|text| format!("{}:{text}", text.len()));
    Uuid::new_v5(&NAMESPACE, parts.collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_and_are_of_all_parts() {
        // Another one would make points of former exports strangers.
        assert_eq!(
            id(&["No."]).to_string(),
            "8ae44e0f-d9be-525a-b912-d76f5c5b1088"
        );
        assert_ne!(id(&["a", "bc"]), id(&["ab", "c"]));
        assert_ne!(id(&["a"]), id(&["a", "a"]));
    }
}
