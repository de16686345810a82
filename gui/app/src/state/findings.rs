//! What stands out among the test questions, and could be fixed in the data.

use std::collections::{BTreeMap, HashMap};

use super::{Check, Verdict};
use nearsay_project::{Entries, EntryId, RowId};

/// Longest list that is shown; of topics this many of both ends.
const MOST: usize = 3;
/// Fewest test questions of a topic that is listed.
const MIN_OF_TOPIC: u32 = 10;
/// Fewest questions of others that an over-retrieved answer came first for.
const MIN_OVER_RETRIEVED: u32 = 3;
/// Fewest questions of a confused pair.
const MIN_CONFUSED: u32 = 2;

/// What stands out; each list has the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Topics that are answered better or worse than before.
    pub topics: Vec<Topic>,
    /// Answers retrieved for questions of others.
    pub over_retrieved: Vec<OverRetrieved>,
    /// Pairs of answers that are mistaken for each other.
    pub confused: Vec<ConfusedPair>,
}

/// Test results of a topic before and after training.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topic {
    pub name: String,
    /// Number of test questions.
    pub asked: u32,
    /// Questions with the right answer first before.
    pub before: u32,
    /// Questions with the right answer first now.
    pub after: u32,
}

/// An answer retrieved for questions of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverRetrieved {
    pub entry: EntryId,
    /// Questions of others that got it.
    pub questions: u32,
}

/// Two answers that are mistaken for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusedPair {
    pub entries: [EntryId; 2],
    /// Questions of one that got the other.
    pub questions: u32,
}

impl Findings {
    /// Nothing stands out.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.over_retrieved.is_empty() && self.confused.is_empty()
    }

    /// Findings of an evaluation, compared with an earlier one if another model answered then.
    pub(super) fn of(before: Option<&Check>, now: &Check, entries: &Entries) -> Self {
        Self {
            topics: before.map_or_else(Vec::new, |before| find_topics(before, now, entries)),
            over_retrieved: find_over_retrieved(now),
            confused: find_confused(now),
        }
    }
}

fn find_topics(before: &Check, now: &Check, entries: &Entries) -> Vec<Topic> {
    let right_before: HashMap<RowId, bool> = before
        .verdicts
        .iter()
        .map(|verdict| (verdict.row, verdict.is_right()))
        .collect();
    let mut topics: BTreeMap<&str, Topic> = BTreeMap::new();
    for verdict in &now.verdicts {
        let entry = entries.get(&verdict.row.entry);
        let source = entry.and_then(|entry| entry.source.as_deref());
        let (Some(name), Some(was_right)) = (source, right_before.get(&verdict.row)) else {
            continue;
        };
        let topic = topics.entry(name).or_default();
        topic.asked += 1;
        topic.before += u32::from(*was_right);
        topic.after += u32::from(verdict.is_right());
    }
    let named = topics.into_iter().map(|(name, topic)| Topic {
        name: name.to_owned(),
        ..topic
    });
    let mut topics: Vec<Topic> = named
        .filter(|topic| topic.asked >= MIN_OF_TOPIC && topic.before != topic.after)
        .collect();
    let gain =
        |topic: &Topic| (f64::from(topic.after) - f64::from(topic.before)) / f64::from(topic.asked);
    topics.sort_by(|a, b| gain(a).total_cmp(&gain(b)));
    // Keep the largest losses and gains.
    if topics.len() > 2 * MOST {
        topics.drain(MOST..topics.len() - MOST);
    }
    topics
}

/// Wrong answers, each with the entry of the right one.
fn wrong_answers(now: &Check) -> impl Iterator<Item = (EntryId, EntryId)> {
    let wrong = now.verdicts.iter().filter(|verdict| !verdict.is_right());
    wrong.filter_map(|verdict: &Verdict| Some((verdict.given?, verdict.row.entry)))
}

fn find_over_retrieved(now: &Check) -> Vec<OverRetrieved> {
    let mut counts: BTreeMap<EntryId, u32> = BTreeMap::new();
    for (given, _) in wrong_answers(now) {
        *counts.entry(given).or_default() += 1;
    }
    let counts = counts.into_iter().filter(|(_, n)| *n >= MIN_OVER_RETRIEVED);
    let mut found: Vec<OverRetrieved> = counts
        .map(|(entry, questions)| OverRetrieved { entry, questions })
        .collect();
    found.sort_by_key(|answer| std::cmp::Reverse(answer.questions));
    found.truncate(MOST);
    found
}

fn find_confused(now: &Check) -> Vec<ConfusedPair> {
    // For each pair, how often the first was given for the second, and the other way round.
    let mut counts: BTreeMap<[EntryId; 2], [u32; 2]> = BTreeMap::new();
    for (given, right) in wrong_answers(now) {
        let pair = counts
            .entry([given.min(right), given.max(right)])
            .or_default();
        let [one, other] = pair;
        *(if given < right { one } else { other }) += 1;
    }
    let both = counts
        .into_iter()
        .filter(|(_, [one, other])| *one > 0 && *other > 0 && one + other >= MIN_CONFUSED);
    let mut pairs: Vec<ConfusedPair> = both
        .map(|(entries, [one, other])| ConfusedPair {
            entries,
            questions: one + other,
        })
        .collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.questions));
    pairs.truncate(MOST);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entry, Shared};

    /// Ten entries in two topics.
    fn entries() -> Entries {
        let entry = |id: u64| Entry {
            source: Some(if id < 5 { "Cards" } else { "Rooms" }.to_owned()),
            ..Entry::default()
        };
        let all = (0..10).map(|id| (id, Shared::new(entry(id))));
        Shared::new(all.collect())
    }

    /// Twelve questions of each of two entries, with these entries as answers.
    fn check(answers: [[u64; 12]; 2]) -> Check {
        let owners = [1, 7];
        let of = |(owner, given): (u64, [u64; 12])| {
            (0..).zip(given).map(move |(paraphrase, given)| Verdict {
                row: RowId {
                    entry: owner,
                    paraphrase,
                },
                given: Some(given),
                score: 0.5,
                confidence: None,
                rank: if given == owner { 1 } else { 2 },
            })
        };
        Check {
            verdicts: owners.into_iter().zip(answers).flat_map(of).collect(),
            ..Check::default()
        }
    }

    #[test]
    fn findings_count_topics_over_retrieved_answers_and_confused_pairs() {
        let mut now = [[1; 12], [7; 12]];
        now[0][0] = 7;
        now[1][0] = 1;
        now[1][1] = 1;
        now[1][2] = 4;
        let before = check([[7; 12], [7; 12]]);
        let found = Findings::of(Some(&before), &check(now), &entries());
        let topic = |name: &str, before, after| Topic {
            name: name.to_owned(),
            asked: 12,
            before,
            after,
        };
        assert_eq!(found.topics, [topic("Rooms", 12, 9), topic("Cards", 0, 11)]);
        assert_eq!(found.over_retrieved, []);
        let pair = ConfusedPair {
            entries: [1, 7],
            questions: 3,
        };
        assert_eq!(found.confused, [pair]);
        // One more wrong answer is enough.
        now[1][3] = 1;
        let found = Findings::of(None, &check(now), &entries());
        let answer = OverRetrieved {
            entry: 1,
            questions: 3,
        };
        assert_eq!((found.topics, found.over_retrieved), (vec![], vec![answer]));
        assert!(Findings::of(None, &before, &entries()).confused.is_empty());
        assert!(Findings::of(None, &Check::default(), &entries()).is_empty());
    }
}
