//! Detection of rows that repeat or contradict earlier rows.

use super::Row;
use crate::{IssueKind, text};
use core::hash::BuildHasher as _;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};

/// Relation of a new row to the rows before it.
pub(super) enum Comparison {
    /// The row is new.
    New,
    /// The row at this index has the same question and answer.
    Repeated(usize),
    /// The row at this index has the same question and a different answer.
    ConflictingAnswer(usize),
}

impl Comparison {
    /// Issue to report for the new row, if any.
    pub(super) fn to_issue(&self, rows: &[Row]) -> Option<IssueKind> {
        let (Self::Repeated(i) | Self::ConflictingAnswer(i)) = *self else {
            return None;
        };
        let first = rows.get(i).map_or(0, |row| row.line);
        Some(match self {
            Self::ConflictingAnswer(_) => IssueKind::ConflictingAnswer { first },
            _ => IssueKind::Repeated { first },
        })
    }
}

/// Index of rows by hashes of their texts, so that texts aren't stored twice.
#[derive(Default)]
pub(super) struct DuplicateFinder {
    state: RandomState,
    pairs: HashMap<u64, usize>,
    questions: HashMap<u64, usize>,
    /// Number of rows for each answer.
    answers: HashMap<u64, u64>,
}

impl DuplicateFinder {
    /// Compares a row with `rows`, the rows before it, and adds it to the index unless it is
    /// repeated.
    pub(super) fn compare_and_add(&mut self, row: &Row, rows: &[Row]) -> Comparison {
        let pair = self.state.hash_one((&row.question, &row.answer));
        match self.pairs.entry(pair) {
            Entry::Occupied(entry) => {
                let earlier = rows.get(*entry.get());
                if earlier.is_some_and(|e| e.question == row.question && e.answer == row.answer) {
                    return Comparison::Repeated(*entry.get());
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(rows.len());
            }
        }
        let answer = text::normalize(&row.answer);
        let answer_hash = self.state.hash_one(&answer);
        *self.answers.entry(answer_hash).or_default() += 1;
        let mut comparison = Comparison::New;
        for question in row.all_questions() {
            let key = self.state.hash_one(text::normalize(question));
            let first = *self.questions.entry(key).or_insert(rows.len());
            let earlier = rows.get(first);
            if earlier.is_some_and(|e| text::normalize(&e.answer) != answer) {
                comparison = Comparison::ConflictingAnswer(first);
            }
        }
        comparison
    }

    /// Number of distinct answers.
    pub(super) fn count_answers(&self) -> u64 {
        self.answers.len() as u64
    }

    /// Number of distinct answers with more than one row.
    pub(super) fn count_shared_answers(&self) -> u64 {
        self.answers.values().filter(|n| **n > 1).count() as u64
    }
}

/// Adds the paraphrases of a repeated row to the row that is kept.
pub(super) fn merge_paraphrases(kept: &mut Row, repeated: Row) {
    for paraphrase in repeated.paraphrases {
        if paraphrase != kept.question && !kept.paraphrases.contains(&paraphrase) {
            kept.paraphrases.push(paraphrase);
        }
    }
}
