//! What stands out among the questions kept aside, and could be mended in the data.

use std::collections::{BTreeMap, HashMap};

use super::{Check, Verdict};
use nearsay_project::{Entries, EntryId, RowId};

/// No list is longer.
const MOST: usize = 3;
/// A topic of fewer questions says nothing.
const MIN_OF_TOPIC: u32 = 10;
/// An answer given wrongly to fewer questions does not stand out.
const MIN_OF_HUB: u32 = 3;
/// Nor do two that are taken for one another less often.
const MIN_OF_TWINS: u32 = 2;

/// What stands out; each list has the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// Topics that are answered better or worse than before.
    pub topics: Vec<Topic>,
    /// Answers given where others are right.
    pub hubs: Vec<Hub>,
    /// Answers of which each is given for the other.
    pub twins: Vec<Twins>,
}

/// A topic before and after.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its questions kept aside.
    pub asked: u32,
    /// How many had the right answer first before.
    pub before: u32,
    /// How many have now.
    pub after: u32,
}

/// An answer that attracts questions of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hub {
    /// The answer.
    pub entry: EntryId,
    /// How many it got.
    pub questions: u32,
}

/// Two answers that are taken for one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twins {
    /// The answers.
    pub entries: [EntryId; 2],
    /// How many questions of one got the other.
    pub questions: u32,
}

impl Findings {
    /// Nothing does.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty() && self.hubs.is_empty() && self.twins.is_empty()
    }

    /// Of how questions fared now, and before if another model answered then.
    pub(super) fn of(before: Option<&Check>, now: &Check, entries: &Entries) -> Self {
        Self {
            topics: before.map_or_else(Vec::new, |before| topics(before, now, entries)),
            hubs: hubs(now),
            twins: twins(now),
        }
    }
}

fn topics(before: &Check, now: &Check, entries: &Entries) -> Vec<Topic> {
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
    // Both ends matter most.
    if topics.len() > 2 * MOST {
        topics.drain(MOST..topics.len() - MOST);
    }
    topics
}

/// The answers given wrongly, each with the entry it was given for.
fn wrong(now: &Check) -> impl Iterator<Item = (EntryId, EntryId)> {
    let wrong = now.verdicts.iter().filter(|verdict| !verdict.is_right());
    wrong.filter_map(|verdict: &Verdict| Some((verdict.given?, verdict.row.entry)))
}

fn hubs(now: &Check) -> Vec<Hub> {
    let mut counts: BTreeMap<EntryId, u32> = BTreeMap::new();
    for (given, _) in wrong(now) {
        *counts.entry(given).or_default() += 1;
    }
    let counts = counts.into_iter().filter(|(_, n)| *n >= MIN_OF_HUB);
    let mut hubs: Vec<Hub> = counts
        .map(|(entry, questions)| Hub { entry, questions })
        .collect();
    hubs.sort_by_key(|hub| std::cmp::Reverse(hub.questions));
    hubs.truncate(MOST);
    hubs
}

fn twins(now: &Check) -> Vec<Twins> {
    // How often the lesser of two was given for the greater, and the other way.
    let mut counts: BTreeMap<[EntryId; 2], [u32; 2]> = BTreeMap::new();
    for (given, right) in wrong(now) {
        let pair = counts
            .entry([given.min(right), given.max(right)])
            .or_default();
        let [one, other] = pair;
        *(if given < right { one } else { other }) += 1;
    }
    let both = counts
        .into_iter()
        .filter(|(_, [one, other])| *one > 0 && *other > 0 && one + other >= MIN_OF_TWINS);
    let mut twins: Vec<Twins> = both
        .map(|(entries, [one, other])| Twins {
            entries,
            questions: one + other,
        })
        .collect();
    twins.sort_by_key(|twins| std::cmp::Reverse(twins.questions));
    twins.truncate(MOST);
    twins
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entry, Shared};

    /// Ten entries of two topics.
    fn entries() -> Entries {
        let entry = |id: u64| Entry {
            source: Some(if id < 5 { "Cards" } else { "Rooms" }.to_owned()),
            ..Entry::default()
        };
        let all = (0..10).map(|id| (id, Shared::new(entry(id))));
        Shared::new(all.collect())
    }

    /// Twelve questions of each of two entries, answered by these.
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
    fn topics_hubs_and_twins_are_counted() {
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
        assert_eq!(found.hubs, []);
        let twins = Twins {
            entries: [1, 7],
            questions: 3,
        };
        assert_eq!(found.twins, [twins]);
        // One more, and it stands out.
        now[1][3] = 1;
        let found = Findings::of(None, &check(now), &entries());
        let hub = Hub {
            entry: 1,
            questions: 3,
        };
        assert_eq!((found.topics, found.hubs), (vec![], vec![hub]));
        assert!(Findings::of(None, &before, &entries()).twins.is_empty());
        assert!(Findings::of(None, &Check::default(), &entries()).is_empty());
    }
}
