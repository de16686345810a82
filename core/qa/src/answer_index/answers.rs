//! Answers with their paraphrases.

use nearsay_faq as faq;
use nearsay_faq::Row;
use nearsay_search::expansion::Kind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// An answer with its known questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownAnswer {
    /// Text of the answer.
    pub answer: String,
    /// Questions and paraphrases of the answer, as in the FAQ.
    pub questions: Vec<String>,
    /// Line of the answer's first occurrence in the FAQ file.
    pub row: u64,
    /// Section of the FAQ that the answer is from, if the FAQ has sections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// Answers with their paraphrases.
///
/// Texts are numbered in this order: for each answer the answer itself, then its paraphrases. The vectors of a
/// set have the same order.
///
/// Answers that share a question form a [group](Self::group): any of them is a right answer to the questions of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerSet {
    answers: Vec<KnownAnswer>,
    /// Number of the answer of each text, and 0 for the answer itself or the number of the paraphrase, from 1.
    vectors: Vec<(u32, u32)>,
    /// Lowest number of the answers in the group of each answer.
    groups: Vec<u32>,
    /// Numbers of the answers in each group of several, ascending, by the number of the group.
    shared: BTreeMap<u32, Vec<u32>>,
}

impl AnswerSet {
    /// Collects the distinct answers of an FAQ in order of first appearance. Answers that are equal after
    /// [`faq::normalize`] become one answer with all their paraphrases.
    #[must_use]
    pub fn of(rows: &[Row]) -> Self {
        let mut place: HashMap<String, usize> = HashMap::new();
        let mut answers: Vec<KnownAnswer> = Vec::new();
        for row in rows {
            let next = answers.len();
            let number = *place.entry(faq::normalize(&row.answer)).or_insert(next);
            if number == next {
                answers.push(KnownAnswer {
                    answer: row.answer.clone(),
                    questions: Vec::new(),
                    row: row.line,
                    source: row.source.clone(),
                });
            }
            let known = &mut answers[number].questions;
            for question in std::iter::once(&row.question).chain(&row.paraphrases) {
                if !known.contains(question) {
                    known.push(question.clone());
                }
            }
        }
        Self::from_known(answers)
    }

    /// Creates a set of exactly these answers, in this order. Equal answers and equal paraphrases aren't merged.
    #[must_use]
    pub fn from_known(answers: Vec<KnownAnswer>) -> Self {
        let vectors = answers.iter().zip(0u32..).flat_map(|(answer, number)| {
            (0..=answer.questions.len() as u32).map(move |wording| (number, wording))
        });
        let groups = groups(&answers);
        let mut shared: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (&group, number) in groups.iter().zip(0..) {
            if group != number {
                shared
                    .entry(group)
                    .or_insert_with(|| vec![group])
                    .push(number);
            }
        }
        Self {
            vectors: vectors.collect(),
            groups,
            shared,
            answers,
        }
    }

    /// Number of an answer's group, which is the lowest number of its answers. Answers whose questions are equal by
    /// [`faq::question_key`] are in one group, and so are answers that both share a question with a third one. An answer
    /// without shared questions, or out of range, is a group of its own.
    #[must_use]
    pub fn group(&self, answer: u32) -> u32 {
        self.groups.get(answer as usize).copied().unwrap_or(answer)
    }

    /// Numbers of all answers in the group of an answer, ascending.
    #[must_use]
    pub fn answers_of_group(&self, answer: u32) -> Vec<u32> {
        let shared = self.shared.get(&self.group(answer));
        shared.cloned().unwrap_or_else(|| vec![answer])
    }

    /// Numbers of all answers in the groups of these answers, ascending.
    #[must_use]
    pub fn with_groups(&self, answers: &[u32]) -> Vec<u32> {
        let all = answers
            .iter()
            .flat_map(|&answer| self.answers_of_group(answer));
        all.collect::<BTreeSet<u32>>().into_iter().collect()
    }

    /// Paraphrases of the same groups that are equal to one of these by [`faq::question_key`].
    pub(crate) fn same_questions(&self, texts: &[u32]) -> Vec<u32> {
        if !self.has_groups() {
            return Vec::new();
        }
        let key = |text: u32| {
            let (answer, _) = self.place(text)?;
            Some((self.group(answer), faq::question_key(self.wording(text)?)))
        };
        let asked: HashSet<(u32, String)> = texts.iter().filter_map(|&text| key(text)).collect();
        let is_same = |text: &u32| key(*text).is_some_and(|key| asked.contains(&key));
        (0..self.texts_len() as u32).filter(is_same).collect()
    }

    /// Whether some answers share a question.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        !self.shared.is_empty()
    }

    /// Number of answers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether the set has no answers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The answer with a number; `None` if the set has no answer of this number.
    #[must_use]
    pub fn get(&self, answer: u32) -> Option<&KnownAnswer> {
        self.answers.get(answer as usize)
    }

    /// Iterates over all answers in order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &KnownAnswer> {
        self.answers.iter()
    }

    /// The paraphrase with the number of a text; `None` if the text is an answer.
    #[must_use]
    pub fn wording(&self, vector: u32) -> Option<&str> {
        let (answer, wording) = *self.vectors.get(vector as usize)?;
        let questions = &self.answers.get(answer as usize)?.questions;
        questions
            .get(wording.checked_sub(1)? as usize)
            .map(String::as_str)
    }

    /// Number of texts: answers and all their paraphrases.
    #[must_use]
    pub fn texts_len(&self) -> usize {
        self.vectors.len()
    }

    /// Number of a text's answer, and 0 if the text is the answer itself, or else the number of the paraphrase,
    /// from 1.
    #[must_use]
    pub fn place(&self, text: u32) -> Option<(u32, u32)> {
        self.vectors.get(text as usize).copied()
    }

    /// The text with a number; `None` if the set has no text of this number.
    #[must_use]
    pub fn text(&self, number: usize) -> Option<&str> {
        let answer = self.answers.get(self.vectors.get(number)?.0 as usize)?;
        self.wording(number as u32).or(Some(&answer.answer))
    }

    /// All texts in order of their numbers, `[n]`.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        let texts = self.answers.iter().flat_map(|answer| {
            std::iter::once(&answer.answer)
                .chain(&answer.questions)
                .map(String::as_str)
        });
        texts.collect()
    }

    /// Number of each text's answer, `[n]`.
    #[must_use]
    pub fn owners(&self) -> Vec<u32> {
        self.vectors.iter().map(|&(answer, _)| answer).collect()
    }

    /// Kind of each text, answer or question, `[n]`.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let kind = |wording: u32| match wording {
            0 => Kind::Answer,
            _ => Kind::Question,
        };
        self.vectors
            .iter()
            .map(|&(_, wording)| kind(wording))
            .collect()
    }

    /// Number of the text of each answer, `[answers]`.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let starts = self.answers.iter().scan(0, |next, answer| {
            let start = *next;
            *next += 1 + answer.questions.len();
            Some(start)
        });
        starts.collect()
    }
}

/// Lowest number of the answers that share questions with each answer, directly or through others.
fn groups(answers: &[KnownAnswer]) -> Vec<u32> {
    let mut groups: Vec<u32> = (0..).take(answers.len()).collect();
    let mut first: HashMap<String, u32> = HashMap::new();
    for (answer, number) in answers.iter().zip(0..) {
        for question in &answer.questions {
            let other = *first.entry(faq::question_key(question)).or_insert(number);
            let [a, b] = [root(&mut groups, number), root(&mut groups, other)];
            groups[a.max(b) as usize] = a.min(b);
        }
    }
    for answer in 0..groups.len() as u32 {
        groups[answer as usize] = root(&mut groups, answer);
    }
    groups
}

/// First answer of a chain of shared questions; shortens the chain.
fn root(groups: &mut [u32], answer: u32) -> u32 {
    let mut answer = answer as usize;
    while groups[answer] as usize != answer {
        let next = groups[answer] as usize;
        groups[answer] = groups[next];
        answer = next;
    }
    answer as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, question: &str, wordings: &[&str], answer: &str) -> Row {
        Row {
            line,
            question: question.into(),
            paraphrases: wordings.iter().map(|&wording| wording.into()).collect(),
            answer: answer.into(),
            source: None,
            filename: None,
            id: None,
        }
    }

    #[test]
    fn of_merges_equal_answers_with_their_paraphrases() {
        let rows = [
            row(1, "Open on Sunday?", &["Sunday hours?"], "No."),
            row(2, "Wi-Fi?", &[], "Yes."),
            row(5, "Open at night?", &["Open on Sunday?"], " no. "),
        ];
        let set = AnswerSet::of(&rows);
        assert_eq!(set.len(), 2);
        let expected = [
            "No.",
            "Open on Sunday?",
            "Sunday hours?",
            "Open at night?",
            "Yes.",
            "Wi-Fi?",
        ];
        assert_eq!(set.texts(), expected);
        assert_eq!(set.owners(), [0, 0, 0, 0, 1, 1]);
        assert_eq!(set.wording(0), None);
        assert_eq!(set.wording(3), Some("Open at night?"));
        assert_eq!(set.wording(5), Some("Wi-Fi?"));
        assert_eq!(set.wording(6), None);
        assert_eq!(set.get(0).unwrap().row, 1);
        assert_eq!(AnswerSet::from_known(set.iter().cloned().collect()), set);
    }

    #[test]
    fn answers_with_shared_questions_form_groups() {
        let known = |answer: &str, questions: &[&str]| KnownAnswer {
            answer: answer.into(),
            questions: questions.iter().map(|&question| question.into()).collect(),
            row: 1,
            source: None,
        };
        let set = AnswerSet::from_known(vec![
            known("Nine.", &["When do you open?"]),
            known("Yes.", &["Parking?"]),
            known("At six.", &["Closing time", "Opening hours"]),
            known("See the door.", &["opening hours!", "when do YOU open"]),
            known("No.", &[]),
        ]);
        let groups: Vec<u32> = (0..5).map(|answer| set.group(answer)).collect();
        assert_eq!(groups, [0, 1, 0, 0, 4]);
        assert_eq!(set.answers_of_group(3), [0, 2, 3]);
        assert_eq!(set.answers_of_group(4), [4]);
        assert_eq!(set.with_groups(&[4, 3]), [0, 2, 3, 4]);
        assert_eq!((set.group(9), set.answers_of_group(9)), (9, vec![9]));
        assert!(set.has_groups());
        assert!(!AnswerSet::from_known(vec![known("Yes.", &["a", "A!"])]).has_groups());
    }

    #[test]
    fn from_known_keeps_equal_answers_and_paraphrases() {
        let known = |answer: &str, questions: &[&str]| KnownAnswer {
            answer: answer.into(),
            questions: questions.iter().map(|&question| question.into()).collect(),
            row: 1,
            source: None,
        };
        let set = AnswerSet::from_known(vec![known("No.", &["a", "a"]), known("No.", &[])]);
        assert_eq!(set.texts(), ["No.", "a", "a", "No."]);
        assert_eq!(set.owners(), [0, 0, 0, 1]);
        assert_eq!(set.wording(2), Some("a"));
        assert_eq!(set.wording(3), None);
    }
}
