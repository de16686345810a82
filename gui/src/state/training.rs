//! A training as it runs, and what came of it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Trouble;

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

/// Share of held-out questions that find their answer first, second and so on.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Right answer first: between 0 and 1.
    pub first: Option<f64>,
    /// Right answer among the first five.
    pub top5: Option<f64>,
}

/// What a training achieved, on questions it never saw.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Before training.
    pub before: Figures,
    /// After training.
    pub after: Figures,
    /// How many questions were kept aside for checking.
    pub held_out: u64,
    /// The folder with the trained model.
    pub dir: Option<PathBuf>,
}

impl Outcome {
    /// Fewer checked questions than this say too little.
    pub const ENOUGH: u64 = 30;

    /// Half the width of the 95 % interval of "after", in questions of a hundred.
    pub fn give_or_take(&self) -> Option<f64> {
        let share = self.after.first?;
        (self.held_out > 0).then(|| {
            196.0
                * (share * (1.0 - share) / self.held_out as f64)
                    .max(0.0)
                    .sqrt()
        })
    }

    /// After is better than before.
    pub fn helped(&self) -> bool {
        matches!((self.before.first, self.after.first), (Some(before), Some(after)) if after > before)
    }
}

/// The Train step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
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
    /// At most so many rounds.
    pub rounds_planned: u64,
    /// The round with the best result.
    pub best: Option<u64>,
    /// Seconds left, by the engine's own estimate.
    pub eta_s: Option<f64>,
    /// Remarks of the engine, newest last.
    pub notes: Vec<String>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Why nothing came of it.
    pub trouble: Option<Trouble>,
    /// The last saved point can be gone on from.
    pub can_go_on: bool,
}

impl Training {
    /// A child is at work.
    pub fn is_running(&self) -> bool {
        matches!(
            self.stage,
            Stage::Reading | Stage::Fetching | Stage::Understanding | Stage::Learning
        )
    }

    /// Progress of the present stage between 0 and 1; `None` when it cannot be told.
    pub fn fraction(&self) -> Option<f32> {
        match self.stage {
            Stage::Fetching => self.fetch.as_ref().map(|fetch| fetch.progress.fraction()),
            Stage::Understanding => self.texts.as_ref().map(Progress::fraction),
            Stage::Learning if self.rounds_planned > 0 => {
                let number = self.rounds.last().map_or(0, |round| round.number);
                Some((number as f64 / self.rounds_planned as f64).clamp(0.0, 1.0) as f32)
            }
            Stage::Done => Some(1.0),
            _ => None,
        }
    }

    /// Seconds left in the present stage, once they can be told: after 5 % or ten seconds.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.elapsed_s < 10.0 && self.fraction()? < 0.05 {
            return None;
        }
        match self.stage {
            Stage::Fetching => self.fetch.as_ref().and_then(|fetch| fetch.progress.eta_s()),
            Stage::Understanding => self.texts.as_ref().and_then(Progress::eta_s),
            Stage::Learning => self.eta_s,
            _ => None,
        }
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
    }

    /// The best round, or the last one when the engine named none.
    pub fn best_round(&self) -> Option<&Round> {
        let best = self.best?;
        self.rounds.iter().rev().find(|round| round.number == best)
    }
}
