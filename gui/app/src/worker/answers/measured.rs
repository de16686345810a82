//! Test results of a model from its training, arranged for the project as it is now.

use std::{collections::HashMap, path::Path};

use nearsay::train::{Report, Task, TestOutcome, report::Findings};
use nearsay_faq::normalize;
use nearsay_project::{EntryId, RowId, Tally, folder::outcomes_of};
use nearsay_store::{DiskStore, Store as _};

use super::layout::{Layout, consequences};
use crate::state::{Check, ConfusedPair, OverRetrieved, Verdict};

/// Largest file of outcomes that is read.
const MOST_BYTES: u64 = 1 << 28;

/// Test results that the training process wrote.
pub(super) struct Measured {
    outcomes: Vec<TestOutcome>,
    findings: Findings,
}

/// Evaluations of the model and of the one before it.
pub(super) struct Checks {
    pub(super) before: Check,
    pub(super) after: Check,
}

impl Measured {
    /// Reads the results of the model in a directory; `None` if there are none, as for models of earlier versions of the
    /// program.
    pub(super) fn read(dir: &Path, report: &serde_json::Value) -> Option<Self> {
        let file = outcomes_of(dir);
        if !DiskStore.exists(&file).ok()? {
            return None;
        }
        let outcomes = DiskStore
            .read(&file, MOST_BYTES)
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                TestOutcome::from_json_lines(&bytes).map_err(|error| error.to_string())
            });
        let outcomes = outcomes
            .inspect_err(|error| tracing::warn!(error, "cannot read the test results of a model"))
            .ok()?;
        let report: Option<Report> = serde_json::from_value(report.clone()).ok();
        Some(Self {
            outcomes,
            findings: report.map(|report| report.findings).unwrap_or_default(),
        })
    }

    /// The figures of the training, with verdicts on the questions that the project still has.
    pub(super) fn checks(&self, layout: &Layout) -> Checks {
        let places = Places::of(layout);
        let known = |outcome: &&TestOutcome| outcome.task == Task::KnownAnswers;
        // The figures to judge by are those of known answers, if there are any.
        let mut of_task: Vec<&TestOutcome> = self.outcomes.iter().filter(known).collect();
        if of_task.is_empty() {
            of_task = self.outcomes.iter().collect();
        }
        let once = TestOutcome::once(&self.outcomes);
        let verdict = |outcome: &TestOutcome, rank: usize, is_now: bool| {
            Some(Verdict {
                row: places.row(&outcome.question, &outcome.answer)?,
                given: match rank {
                    1 => places.entry(&outcome.answer),
                    _ if is_now => places.entry(outcome.given.as_deref()?),
                    _ => None,
                },
                score: if is_now { outcome.score } else { 0.0 },
                confidence: outcome.probability.filter(|_| is_now),
                rank: u32::try_from(rank).unwrap_or(u32::MAX),
            })
        };
        let curve = TestOutcome::risk_coverage(&once);
        let enough = once.len() >= Tally::ENOUGH as usize;
        let curve = curve.filter(|_| enough);
        let after = Check {
            figures: Some(tally(of_task.iter().map(|outcome| outcome.rank))),
            verdicts: once
                .iter()
                .filter_map(|outcome| verdict(outcome, outcome.rank, true))
                .collect(),
            calibration: None,
            risk_coverage: curve.as_ref().map_or_else(Vec::new, consequences),
            over_retrieved: self.over_retrieved(&places),
            confused: self.confused(&places),
        };
        let before = Check {
            figures: Some(tally(
                of_task.iter().filter_map(|outcome| outcome.rank_before),
            )),
            verdicts: once
                .iter()
                .filter_map(|outcome| verdict(outcome, outcome.rank_before?, false))
                .collect(),
            ..Check::default()
        };
        Checks { before, after }
    }

    fn over_retrieved(&self, places: &Places<'_>) -> Vec<OverRetrieved> {
        let found = self.findings.over_retrieved.iter().filter_map(|found| {
            Some(OverRetrieved {
                entry: places.entry(&found.answer)?,
                questions: found.questions,
            })
        });
        found.collect()
    }

    fn confused(&self, places: &Places<'_>) -> Vec<ConfusedPair> {
        let found = self.findings.confused.iter().filter_map(|pair| {
            let [one, other] = &pair.answers;
            Some(ConfusedPair {
                entries: [places.entry(one)?, places.entry(other)?],
                questions: pair.questions,
            })
        });
        found.collect()
    }
}

fn tally(ranks: impl Iterator<Item = usize>) -> Tally {
    let mut tally = Tally::default();
    for rank in ranks {
        tally.asked += 1;
        tally.first += u32::from(rank == 1);
        tally.top5 += u32::from(rank <= 5);
    }
    tally
}

/// Entries by their answer, and rows by their question and answer.
struct Places<'a> {
    entries: HashMap<String, EntryId>,
    rows: HashMap<(&'a str, EntryId), RowId>,
}

impl<'a> Places<'a> {
    fn of(layout: &'a Layout) -> Self {
        let (mut entries, mut rows) = (HashMap::new(), HashMap::new());
        for (&id, entry) in layout.entries.iter() {
            entries.entry(normalize(&entry.answer)).or_insert(id);
            for (paraphrase, number) in entry.paraphrases.iter().zip(0..) {
                let row = RowId {
                    entry: id,
                    paraphrase: number,
                };
                rows.entry((paraphrase.text.as_str(), id)).or_insert(row);
            }
        }
        Self { entries, rows }
    }

    fn entry(&self, answer: &str) -> Option<EntryId> {
        self.entries.get(&normalize(answer)).copied()
    }

    fn row(&self, question: &str, answer: &str) -> Option<RowId> {
        let entry = self.entry(answer)?;
        self.rows.get(&(question, entry)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_project::{Entries, Entry, Paraphrase, Shared};

    fn outcome(task: Task, question: &str, answer: &str, ranks: (usize, usize)) -> TestOutcome {
        TestOutcome {
            task,
            question: question.into(),
            answer: answer.into(),
            rank: ranks.1,
            given: Some("At nine".into()),
            score: 0.5,
            probability: Some(0.5),
            rank_before: Some(ranks.0),
        }
    }

    fn project(questions: [&str; 2]) -> Layout {
        let entry = |answer: &str, questions: &[&str]| {
            let paraphrase = |text: &&str| Paraphrase {
                text: (*text).to_owned(),
                ..Paraphrase::default()
            };
            Shared::new(Entry {
                answer: answer.to_owned(),
                paraphrases: questions.iter().map(paraphrase).collect(),
                ..Entry::default()
            })
        };
        let entries = [
            (4, entry("At nine", &questions)),
            (7, entry("Behind the house", &["Parking?"])),
        ];
        let entries: Entries = Shared::new(entries.into_iter().collect());
        Layout::of(1, entries)
    }

    #[test]
    fn edits_change_verdicts_but_no_figures() {
        let measured = Measured {
            outcomes: vec![
                outcome(Task::KnownAnswers, "Opening hours?", "At nine", (3, 1)),
                outcome(Task::KnownAnswers, "When do you open?", "At nine", (1, 2)),
                outcome(Task::NewAnswers, "Opening hours?", "At nine", (9, 9)),
                outcome(Task::NewAnswers, "Parking?", "Behind the house", (1, 2)),
            ],
            findings: Findings::default(),
        };
        let whole = measured.checks(&project(["Opening hours?", "When do you open?"]));
        assert_eq!(whole.after.verdicts.len(), 3);
        let ranks = |check: &Check| -> Vec<u32> {
            check.verdicts.iter().map(|verdict| verdict.rank).collect()
        };
        assert_eq!(ranks(&whole.before), [3, 1, 1]);
        assert_eq!(ranks(&whole.after), [1, 2, 2]);
        let wrong = whole.after.verdicts[2];
        assert_eq!((wrong.row.entry, wrong.given), (7, Some(4)));
        let tally = whole.after.tally();
        assert_eq!((tally.asked, tally.first, tally.top5), (2, 1, 2));
        // A question is deleted, another takes its place.
        let edited = measured.checks(&project(["When do you open?", "A new one?"]));
        assert_eq!(ranks(&edited.after), [2, 2]);
        assert_eq!(edited.after.verdicts[0].row.paraphrase, 0);
        assert_eq!(edited.after.tally(), tally);
        assert_eq!(edited.before.tally(), whole.before.tally());
    }
}
