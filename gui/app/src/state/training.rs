//! A training as it runs, and what came of it.

use std::{collections::HashSet, sync::Arc};

use nearsay::servable::Confidence;
use serde::{Deserialize, Serialize};

use super::{Findings, Side, UserError};
use nearsay_project::{Entries, EntryId, RowId, Tally};

/// Where a training stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stage {
    /// Nothing runs and nothing ran.
    #[default]
    Idle,
    /// Reading the file and loading the model.
    Reading,
    /// Getting the base model onto this machine.
    Fetching,
    /// Turning texts into vectors.
    Understanding,
    /// Learning, round by round.
    Learning,
    /// Asking the questions kept aside.
    Checking,
    /// Done: see the outcome.
    Done,
    /// Ended without a model: see the trouble.
    Failed,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// All there is.
    pub total: u64,
    /// A second, over this stage.
    pub per_second: f64,
    /// Seconds since the training began when this stage began.
    pub since_s: f64,
}

impl Progress {
    /// Between 0 and 1.
    pub fn fraction(&self) -> f32 {
        if self.total == 0 {
            0.0
        } else {
            (self.done as f64 / self.total as f64).clamp(0.0, 1.0) as f32
        }
    }

    /// Seconds until done at this pace, once a pace is known.
    pub fn eta_s(&self) -> Option<f64> {
        (self.per_second > 0.0)
            .then(|| self.total.saturating_sub(self.done) as f64 / self.per_second)
    }
}

/// How the base model comes onto the machine.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fetch {
    /// Bytes.
    pub progress: Progress,
    /// Where from.
    pub source: String,
}

/// One round of learning. Shares are between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Round {
    /// Counted from 1.
    pub number: u64,
    /// How wrong the model was, the less the better.
    pub error: Option<f64>,
    /// Right answer first, among the questions it trains on.
    pub train: Option<f64>,
    /// Right answer first, among the questions kept aside.
    pub check: Option<f64>,
}

/// How a question kept aside fared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The question.
    pub row: RowId,
    /// The answer it was given; none when there was nothing to find.
    pub given: Option<EntryId>,
    /// How near that is.
    pub score: f32,
    /// The chance that it is right; none when there are too few questions to say.
    pub chance: Option<f32>,
    /// The place of its own answer: 1 is the first.
    pub rank: u32,
}

impl Verdict {
    /// Its own answer came first.
    pub fn is_right(&self) -> bool {
        self.rank == 1
    }
}

/// How all questions kept aside fared with one model, in the order of the table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Check {
    /// One for each question.
    pub verdicts: Vec<Verdict>,
    /// When an answer is sure, and its chance of being right; none when there are too few questions to
    /// say.
    pub confidence: Option<Confidence>,
    /// For each chance in hundredths from 0 to 100 as the least to answer at: of 100 questions so
    /// many are answered, and of 100 answered so many wrongly.
    pub consequences: Vec<(f32, f32)>,
}

impl Check {
    /// How many were right.
    pub fn tally(&self) -> Tally {
        let up_to = |rank| self.verdicts.iter().filter(|v| v.rank <= rank).count() as u32;
        Tally {
            asked: self.verdicts.len() as u32,
            first: up_to(1),
            top5: up_to(5),
        }
    }
}

/// How the questions kept aside fared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checking {
    /// With the encoder as it came.
    pub before: Option<Arc<Check>>,
    /// With the trained model.
    pub after: Option<Arc<Check>>,
    /// The project's revision it is of.
    pub revision: u64,
    /// What stands out after a training.
    pub findings: Findings,
    /// What answers now came in a folder: what it learned from nobody knows, so it is not checked.
    pub elsewhere: bool,
    lists: [Vec<Verdict>; 3],
}

/// Which questions are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum List {
    /// Wrong before, right now.
    Mended,
    /// Right before, wrong now.
    Worse,
    /// Wrong now.
    #[default]
    Wrong,
}

impl List {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mended, Self::Worse, Self::Wrong];
}

impl Checking {
    /// The check of what answers now; none where that came from elsewhere.
    pub fn now(&self) -> Option<&Check> {
        match self.elsewhere {
            true => None,
            false => self.after.as_deref().or(self.before.as_deref()),
        }
    }

    /// Questions of a list, the most sure first.
    pub fn list(&self, list: List) -> &[Verdict] {
        self.lists
            .get(list as usize)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Takes in a check of these entries, and makes the lists anew.
    pub fn take(&mut self, side: Side, revision: u64, check: Check, entries: &Entries) {
        let check = Some(Arc::new(check));
        match side {
            Side::Before => self.before = check,
            Side::After => self.after = check,
        }
        self.revision = revision;
        self.list_anew(entries);
    }

    /// The trained model is gone.
    pub fn forget_after(&mut self, entries: &Entries) {
        self.after = None;
        self.list_anew(entries);
    }

    fn list_anew(&mut self, entries: &Entries) {
        self.lists = List::ALL.map(|list| self.listed(list));
        self.findings = match &self.after {
            Some(after) => Findings::of(self.before.as_deref(), after, entries),
            None => Findings::default(),
        };
    }

    fn listed(&self, list: List) -> Vec<Verdict> {
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
                List::Mended => verdict.is_right() && wrong_before.contains(&verdict.row),
                List::Worse => both && !verdict.is_right() && !wrong_before.contains(&verdict.row),
                List::Wrong => !verdict.is_right(),
            })
            .copied()
            .collect();
        let sure = |verdict: &Verdict| verdict.chance.unwrap_or(verdict.score);
        found.sort_by(|a, b| sure(b).total_cmp(&sure(a)).then(a.row.cmp(&b.row)));
        found
    }
}

/// What a training achieved, on questions it never saw.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// What answered until now.
    pub before: Tally,
    /// The new model.
    pub after: Tally,
    /// The new model answers from now on; else the old one was better and stays.
    pub kept: bool,
    /// What answered until now came in a folder, so `before` is the encoder as it came.
    pub elsewhere: bool,
}

impl Outcome {
    /// The new model is better, and answers from now on.
    pub fn helped(&self) -> bool {
        self.kept && self.after.accuracy() > self.before.accuracy()
    }
}

/// The Train step.
#[derive(Debug, Clone, Default)]
pub struct Training {
    /// Where it stands.
    pub stage: Stage,
    /// It waits for "resume".
    pub paused: bool,
    /// It was asked to stop.
    pub stopping: bool,
    /// Seconds since it began.
    pub elapsed_s: f64,
    /// Getting the base model.
    pub fetch: Option<Fetch>,
    /// Understanding the questions.
    pub texts: Option<Progress>,
    /// Every round so far.
    pub rounds: Vec<Round>,
    /// How much of the present round is done, between 0 and 1.
    pub of_round: f32,
    /// At most so many rounds.
    pub rounds_planned: u64,
    /// It will learn once more from all questions, those among them by which it is checked first.
    pub twice: bool,
    /// How much of that is done, between 0 and 1; none before it.
    pub again: Option<f32>,
    /// The round with the best result.
    pub best: Option<u64>,
    /// Seconds left, by the engine's own estimate.
    pub eta_s: Option<f64>,
    /// Remarks of the engine, newest last.
    pub notes: Vec<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Why nothing came of it.
    pub error: Option<UserError>,
    /// The last saved point can be gone on from.
    pub can_go_on: bool,
    /// Pairs a round learns from.
    pub pairs: u64,
    /// How the questions kept aside fare, with what answers now.
    pub checking: Checking,
    /// How what answered until now fared, while a new model is checked.
    pub baseline: Option<Tally>,
    /// The list of questions is shown instead of the training.
    pub mistakes: Option<List>,
    /// The settings for the curious are unfolded.
    pub curious: bool,
}

impl Training {
    /// A child is at work.
    pub fn is_running(&self) -> bool {
        matches!(
            self.stage,
            Stage::Reading
                | Stage::Fetching
                | Stage::Understanding
                | Stage::Learning
                | Stage::Checking
        )
    }

    /// Progress of the present stage between 0 and 1; `None` when it cannot be told.
    pub fn fraction(&self) -> Option<f32> {
        match self.stage {
            Stage::Fetching => self.fetch.as_ref().map(|fetch| fetch.progress.fraction()),
            Stage::Understanding => self.texts.as_ref().map(Progress::fraction),
            Stage::Learning => match (self.again, self.first_time()) {
                (Some(share), _) => Some(0.5 + share.clamp(0.0, 1.0) / 2.0),
                (None, first) if self.twice => first.map(|share| share / 2.0),
                (None, first) => first,
            },
            Stage::Done => Some(1.0),
            _ => None,
        }
    }

    /// How much is done of learning for the first time, between 0 and 1.
    fn first_time(&self) -> Option<f32> {
        let done = self.rounds.last().map_or(0.0, |round| round.number as f32);
        let done = done + self.of_round;
        (self.rounds_planned > 0).then(|| (done / self.rounds_planned as f32).clamp(0.0, 1.0))
    }

    /// Seconds left in the present stage, once they can be told: after 5 % or ten seconds.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.elapsed_s < 10.0 && self.fraction()? < 0.05 {
            return None;
        }
        match self.stage {
            Stage::Fetching => self.fetch.as_ref().and_then(|fetch| fetch.progress.eta_s()),
            // Of texts that were found saved, the pace here would think that they were work.
            Stage::Learning
                if self.twice && self.again.is_none() && self.reading_again().is_none() =>
            {
                // The second time takes as long as all of the first.
                let left = 1.0 - f64::from(self.first_time()?);
                self.eta_s
                    .filter(|_| left > 0.0)
                    .map(|eta| eta + eta / left)
            }
            Stage::Understanding | Stage::Learning => self.eta_s,
            _ => None,
        }
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
    }

    /// The texts that a network reads once more after it learned, while it does.
    pub fn reading_again(&self) -> Option<Progress> {
        self.texts
            .filter(|texts| texts.done < texts.total && !self.rounds.is_empty())
    }

    /// The best round, or the last one when the engine named none.
    pub fn best_round(&self) -> Option<&Round> {
        let best = self.best?;
        self.rounds.iter().rev().find(|round| round.number == best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One bar and one time left for both times.
    #[test]
    fn learning_twice_is_told_as_one() {
        let mut training = Training {
            stage: Stage::Learning,
            rounds_planned: 4,
            elapsed_s: 60.0,
            eta_s: Some(30.0),
            ..Training::default()
        };
        training.rounds.push(Round {
            number: 1,
            ..Round::default()
        });
        assert_eq!(training.fraction(), Some(0.25));
        assert_eq!(training.seconds_left(), Some(30.0));
        training.twice = true;
        assert_eq!(training.fraction(), Some(0.125));
        // Three of four rounds in 30 s: another four take 40.
        assert_eq!(training.seconds_left(), Some(70.0));
        training.again = Some(0.5);
        assert_eq!(training.fraction(), Some(0.75));
        assert_eq!(training.seconds_left(), Some(30.0));
    }
}
