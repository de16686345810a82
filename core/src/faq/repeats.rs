//! Finding rows that say what another row said before.

use super::problem::ProblemKind;
use super::row::Row;
use super::text;
use core::hash::BuildHasher as _;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};

/// What a new row is to the rows before it.
pub(super) enum Verdict {
    /// Nothing like it.
    New,
    /// The same question and answer as the row with this number.
    Repeated(usize),
    /// A question that the row with this number asks too, with another answer.
    OtherAnswer(usize),
}

/// Remembers rows by hashes, so that texts are held once.
#[derive(Default)]
pub(super) struct Repeats {
    state: RandomState,
    pairs: HashMap<u64, usize>,
    questions: HashMap<u64, usize>,
    answers: HashMap<u64, u64>,
}

impl Repeats {
    /// Compares a row with those before it, and remembers it unless it is repeated.
    pub(super) fn meet(&mut self, row: &Row, rows: &[Row]) -> Verdict {
        let pair = self.state.hash_one((&row.question, &row.answer));
        match self.pairs.entry(pair) {
            Entry::Occupied(entry) => {
                let before = rows.get(*entry.get());
                if before.is_some_and(|b| b.question == row.question && b.answer == row.answer) {
                    return Verdict::Repeated(*entry.get());
                }
            }
            Entry::Vacant(entry) => {
                entry.insert(rows.len());
            }
        }
        let answer = text::normalize(&row.answer);
        *self
            .answers
            .entry(self.state.hash_one(&answer))
            .or_default() += 1;
        let mut verdict = Verdict::New;
        for way in row.ways_to_ask() {
            let key = self.state.hash_one(text::normalize(way));
            let first = *self.questions.entry(key).or_insert(rows.len());
            let other = rows.get(first);
            if other.is_some_and(|other| text::normalize(&other.answer) != answer) {
                verdict = Verdict::OtherAnswer(first);
            }
        }
        verdict
    }

    /// Different answers so far.
    pub(super) fn answers(&self) -> u64 {
        self.answers.len() as u64
    }

    /// Answers so far that more than one row gives.
    pub(super) fn shared(&self) -> u64 {
        self.answers.values().filter(|n| **n > 1).count() as u64
    }
}

/// Adds what a repeated row knows beyond the one that is kept.
pub(super) fn merge(kept: &mut Row, repeated: Row) {
    for way in repeated.wordings {
        if way != kept.question && !kept.wordings.contains(&way) {
            kept.wordings.push(way);
        }
    }
}

/// How a verdict is told.
pub(super) fn told(verdict: &Verdict, rows: &[Row]) -> Option<ProblemKind> {
    let line = |i: usize| rows.get(i).map_or(0, |row| row.line);
    match *verdict {
        Verdict::New => None,
        Verdict::Repeated(i) => Some(ProblemKind::Repeated { first: line(i) }),
        Verdict::OtherAnswer(i) => Some(ProblemKind::OtherAnswer { first: line(i) }),
    }
}
