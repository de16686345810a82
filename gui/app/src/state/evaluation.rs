//! Evaluation of the models on the test questions.

use std::{collections::HashSet, sync::Arc};

use nearsay::servable::Confidence;

use super::{ConfusedPair, Findings, OverRetrieved, Side};
use nearsay_project::{Entries, EntryId, RowId, Tally};

/// Result for one test question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    pub row: RowId,
    /// The answer that came first; `None` when there was none.
    pub given: Option<EntryId>,
    /// Score of that answer.
    pub score: f32,
    /// Calibrated probability that it is right; `None` without calibration.
    pub confidence: Option<f32>,
    /// Rank of the right answer, from 1.
    pub rank: u32,
}

impl Verdict {
    /// Whether the right answer came first.
    pub fn is_right(&self) -> bool {
        self.rank == 1
    }
}

/// Evaluation of one model on all test questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Check {
    /// The figures of the training, which later edits don't change; `None` to count the verdicts.
    pub figures: Option<Tally>,
    /// Results of the questions that are still there.
    pub verdicts: Vec<Verdict>,
    /// Calibration of the confidence; `None` when there are too few test questions.
    pub calibration: Option<Confidence>,
    /// Risk-coverage curve: for each abstain threshold from 0 to 100 per cent, the percentage of questions
    /// answered and the percentage of these answers that are wrong.
    pub risk_coverage: Vec<(f32, f32)>,
    /// Answers retrieved for questions of others.
    pub over_retrieved: Vec<OverRetrieved>,
    /// Pairs of answers that are mistaken for each other.
    pub confused: Vec<ConfusedPair>,
}

impl Check {
    /// The figures to judge the model by.
    pub fn tally(&self) -> Tally {
        self.figures.unwrap_or_else(|| self.count_verdicts())
    }

    fn count_verdicts(&self) -> Tally {
        let up_to = |rank| self.verdicts.iter().filter(|v| v.rank <= rank).count() as u32;
        Tally {
            asked: self.verdicts.len() as u32,
            first: up_to(1),
            top5: up_to(5),
        }
    }
}

/// Evaluations of the models on the test questions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checking {
    /// Evaluation of the base encoder.
    pub before: Option<Arc<Check>>,
    /// Evaluation of the trained model.
    pub after: Option<Arc<Check>>,
    /// Revision of the project that was evaluated.
    pub revision: u64,
    pub findings: Findings,
    /// The current model was imported from a folder. It may have been trained on the test questions, so it
    /// isn't evaluated.
    pub elsewhere: bool,
    lists: [Vec<Verdict>; 3],
}

/// A list of test questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum List {
    /// Wrong before, right now.
    Fixed,
    /// Right before, wrong now.
    Worse,
    /// Wrong now.
    #[default]
    Wrong,
}

impl List {
    pub const ALL: [Self; 3] = [Self::Fixed, Self::Worse, Self::Wrong];
}

impl Checking {
    /// Evaluation of the current model; `None` for models imported from a folder.
    pub fn now(&self) -> Option<&Check> {
        if self.elsewhere {
            return None;
        }
        self.after.as_deref().or(self.before.as_deref())
    }

    /// Questions of a list, highest confidence first.
    pub fn list(&self, list: List) -> &[Verdict] {
        self.lists
            .get(list as usize)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Stores an evaluation and updates the lists.
    pub fn take(&mut self, side: Side, revision: u64, check: Check, entries: &Entries) {
        let check = Some(Arc::new(check));
        match side {
            Side::Before => self.before = check,
            Side::After => self.after = check,
        }
        self.revision = revision;
        self.update_lists(entries);
    }

    /// Discards the evaluation of the trained model.
    pub fn forget_after(&mut self, entries: &Entries) {
        self.after = None;
        self.update_lists(entries);
    }

    fn update_lists(&mut self, entries: &Entries) {
        self.lists = List::ALL.map(|list| self.collect(list));
        self.findings = match &self.after {
            Some(after) => Findings::of(self.before.as_deref(), after, entries),
            None => Findings::default(),
        };
    }

    fn collect(&self, list: List) -> Vec<Verdict> {
        let Some(now) = self.now() else {
            return Vec::new();
        };
        let wrong_before: HashSet<RowId> = match (&self.before, &self.after) {
            (Some(before), Some(_)) => before
                .verdicts
                .iter()
                .filter(|verdict| !verdict.is_right())
                .map(|verdict| verdict.row)
                .collect(),
            _ => HashSet::new(),
        };
        let both = self.after.is_some() && self.before.is_some();
        let mut found: Vec<Verdict> = now
            .verdicts
            .iter()
            .filter(|verdict| match list {
                List::Fixed => verdict.is_right() && wrong_before.contains(&verdict.row),
                List::Worse => both && !verdict.is_right() && !wrong_before.contains(&verdict.row),
                List::Wrong => !verdict.is_right(),
            })
            .copied()
            .collect();
        let confidence = |verdict: &Verdict| verdict.confidence.unwrap_or(verdict.score);
        found.sort_by(|a, b| {
            let by_confidence = confidence(b).total_cmp(&confidence(a));
            by_confidence.then(a.row.cmp(&b.row))
        });
        found
    }
}
