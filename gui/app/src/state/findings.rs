//! What stands out among the test questions, and could be fixed in the data.

use std::collections::HashMap;

pub use nearsay::answer_index::TopicChange;
use nearsay_project::{Entries, EntryId, RowId};

use super::Check;

/// Longest list that is shown; of topics this many of both ends.
const MOST: usize = 3;

/// What stands out; each list has the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Topics that are answered better or worse than before.
    pub topics: Vec<TopicChange>,
    /// Answers retrieved for questions of others.
    pub over_retrieved: Vec<OverRetrieved>,
    /// Pairs of answers that are mistaken for each other.
    pub confused: Vec<ConfusedPair>,
}

/// An answer retrieved for questions of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverRetrieved {
    /// The answer.
    pub entry: EntryId,
    /// Questions of others that got it.
    pub questions: usize,
}

/// Two answers that are mistaken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusedPair {
    /// The answers.
    pub entries: [EntryId; 2],
    /// Questions of one that got the other.
    pub questions: usize,
}

impl Findings {
    /// Nothing stands out.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.over_retrieved.is_empty() && self.confused.is_empty()
    }

    /// Of an evaluation, compared with one of before if another model answered then.
    pub(super) fn of(before: Option<&Check>, now: &Check, entries: &Entries) -> Self {
        let mut topics = before.map_or_else(Vec::new, |before| topics(before, now, entries));
        if topics.len() > 2 * MOST {
            topics.drain(MOST..topics.len() - MOST);
        }
        Self {
            topics,
            over_retrieved: now.over_retrieved.iter().take(MOST).copied().collect(),
            confused: now.confused.iter().take(MOST).copied().collect(),
        }
    }
}

fn topics(before: &Check, now: &Check, entries: &Entries) -> Vec<TopicChange> {
    let before = before.verdicts.iter();
    let before: HashMap<RowId, bool> = before
        .map(|verdict| (verdict.row, verdict.is_right()))
        .collect();
    TopicChange::of(now.verdicts.iter().filter_map(|verdict| {
        let topic = entries.get(&verdict.row.entry)?.source.as_deref()?;
        Some((topic, *before.get(&verdict.row)?, verdict.is_right()))
    }))
}
