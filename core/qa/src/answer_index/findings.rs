//! Findings of an evaluation about the FAQ: confused pairs, over-retrieved answers and topics.

use super::AnswerIndex;
use nearsay_core::matrix::dot;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Maximum length of a list of findings.
const MOST: usize = 10;
/// Cosine similarity from which a one-way mistake makes two answers a confused pair.
const SIMILAR: f32 = 0.85;
/// Number of questions of other answers from which an answer is over-retrieved.
const OVER_RETRIEVED: usize = 3;
/// Minimum number of questions of a reported topic.
const TOPIC: usize = 10;

/// Two answers that are mistaken for each other.
///
/// A pair is confused if a question of one answer got the other, and either this happened in both directions, or the
/// answers' vectors have a cosine similarity of 0.85 or more. One-way mistakes between dissimilar answers don't count,
/// because merging or rewriting the answers wouldn't help.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfusedPair {
    /// Numbers of the answers, ascending.
    pub answers: [u32; 2],
    /// Cosine similarity of the answers before expansion, in `[−1, 1]`.
    pub similarity: f32,
    /// Number of questions of one answer that got the other.
    pub questions: usize,
}

/// An answer retrieved for three or more questions of other answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverRetrieved {
    /// Number of the answer.
    pub answer: u32,
    /// Number of questions of other answers that got it.
    pub questions: usize,
}

/// Test questions of a topic that are answered right before and after training.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicChange {
    /// Topic: the section in the FAQ.
    #[serde(rename = "source")]
    pub topic: String,
    /// Number of test questions.
    pub questions: usize,
    /// Number of questions with a right answer first before training.
    pub before: usize,
    /// Number of questions with a right answer first after training.
    pub after: usize,
}

/// Finds confused pairs among mistakes, each a pair `(given, right)` of answer numbers. Returns at most ten, most questions
/// first.
pub fn confused_pairs(
    wrong: &[(u32, u32)],
    similarity: &dyn Fn(u32, u32) -> f32,
) -> Vec<ConfusedPair> {
    // Number of mistakes in each direction: given < right, and given > right.
    let mut counts: BTreeMap<[u32; 2], [usize; 2]> = BTreeMap::new();
    for &(given, right) in wrong {
        let pair = counts.entry([given.min(right), given.max(right)]);
        pair.or_default()[usize::from(given > right)] += 1;
    }
    let pair = |(answers, [one, other]): ([u32; 2], [usize; 2])| {
        let similarity = similarity(answers[0], answers[1]);
        (similarity >= SIMILAR || (one > 0 && other > 0)).then_some(ConfusedPair {
            answers,
            similarity,
            questions: one + other,
        })
    };
    let mut pairs: Vec<ConfusedPair> = counts.into_iter().filter_map(pair).collect();
    pairs.sort_by(|a, b| {
        b.questions
            .cmp(&a.questions)
            .then(b.similarity.total_cmp(&a.similarity))
    });
    pairs.truncate(MOST);
    pairs
}

/// Finds over-retrieved answers among mistakes, each a pair `(given, right)` of answer numbers. Returns at most ten, most
/// questions first.
pub fn over_retrieved(wrong: &[(u32, u32)]) -> Vec<OverRetrieved> {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for &(given, _) in wrong {
        *counts.entry(given).or_default() += 1;
    }
    let counts = counts.into_iter().filter(|(_, n)| *n >= OVER_RETRIEVED);
    let mut found: Vec<OverRetrieved> = counts
        .map(|(answer, questions)| OverRetrieved { answer, questions })
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.questions));
    found.truncate(MOST);
    found
}

impl TopicChange {
    /// Finds topics of ten or more questions whose number of right answers changed, largest loss first. Of more than ten
    /// topics, returns the five worst and the five best. `asked` has for each question its topic, and whether it was
    /// answered right before and after training.
    pub fn of<'a>(asked: impl IntoIterator<Item = (&'a str, bool, bool)>) -> Vec<Self> {
        let mut topics = BTreeMap::<&str, Self>::new();
        for (topic, before, after) in asked {
            let change = topics.entry(topic).or_insert_with(|| Self {
                topic: topic.into(),
                ..Self::default()
            });
            change.questions += 1;
            change.before += usize::from(before);
            change.after += usize::from(after);
        }
        let mut topics: Vec<Self> = topics
            .into_values()
            .filter(|topic| topic.questions >= TOPIC && topic.before != topic.after)
            .collect();
        topics.sort_by(|a, b| a.gain().total_cmp(&b.gain()));
        if topics.len() > MOST {
            topics.drain(MOST / 2..topics.len() - MOST / 2);
        }
        topics
    }

    fn gain(&self) -> f64 {
        (self.after as f64 - self.before as f64) / self.questions as f64
    }
}

impl AnswerIndex {
    /// Cosine similarity of two answers before expansion, by their numbers; 0 if an answer doesn't exist.
    pub(super) fn similarity(&self, a: u32, b: u32) -> f32 {
        let vector = |answer: u32| Some(self.raw_vector(self.index.own(answer)? as usize));
        let (Some(a), Some(b)) = (vector(a), vector(b)) else {
            return 0.0;
        };
        let lengths = dot(a, a).sqrt() * dot(b, b).sqrt();
        dot(a, b) / lengths.max(f32::MIN_POSITIVE)
    }
}
