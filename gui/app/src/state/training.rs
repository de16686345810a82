//! The Train page: progress of a training run and its result.

use nearsay::train::{Report, report::Difference};
use serde::{Deserialize, Serialize};

use super::{Checking, List, UserError};
use nearsay_project::Tally;

/// Stage of a training run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stage {
    /// No run since the project was opened.
    #[default]
    Idle,
    /// Reading the file and loading the base model.
    Reading,
    /// Downloading the base model.
    Downloading,
    /// Embedding the texts.
    Encoding,
    /// Training, epoch by epoch.
    Training,
    /// Evaluating the new model on the test questions.
    Evaluating,
    /// Finished; see [`Training::outcome`].
    Done,
    /// Ended without a model; see [`Training::error`].
    Failed,
}

/// Progress of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
    /// Items per second, averaged over the stage.
    pub per_second: f64,
    /// Start of the stage, in seconds since the run began.
    pub since_s: f64,
}

impl Progress {
    pub fn fraction(&self) -> f32 {
        if self.total == 0 {
            0.0
        } else {
            (self.done as f64 / self.total as f64).clamp(0.0, 1.0) as f32
        }
    }

    /// Seconds left at the present pace; `None` before the pace is known.
    pub fn eta_s(&self) -> Option<f64> {
        (self.per_second > 0.0)
            .then(|| self.total.saturating_sub(self.done) as f64 / self.per_second)
    }
}

/// Download of the base model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Fetch {
    /// Progress in bytes.
    pub progress: Progress,
    /// Name of the source.
    pub source: String,
}

/// Metrics of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub number: u64,
    /// Loss.
    pub error: Option<f64>,
    /// Accuracy@1 on training questions, between 0 and 1.
    pub train: Option<f64>,
    /// Accuracy@1 on validation questions, between 0 and 1.
    pub check: Option<f64>,
}

impl Epoch {
    /// Accuracy that selects the best epoch: on validation questions, if there are any.
    pub fn accuracy(&self) -> Option<f64> {
        self.check.or(self.train)
    }
}

/// Result of a training run on the test questions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Outcome {
    /// The previous model.
    pub before: Tally,
    /// The new model.
    pub after: Tally,
    /// Whether the new model replaced the previous one.
    pub kept: bool,
    /// The previous model was imported from a folder, so `before` is the base encoder.
    pub elsewhere: bool,
    /// Result of a paired test; `None` if the models can't be compared.
    pub difference: Option<Difference>,
}

/// How a new model compares with the previous one. Differences are in points of accuracy@1, out of 100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// There are no test questions, or the previous model was asked others.
    Unknown,
    /// The new model is worse and was rejected.
    Rejected { before: f64, after: f64 },
    /// The new model is measurably better. `by` may be below 1 if only ranks other than the first improve.
    Better { by: f64 },
    /// Chance alone can explain the difference.
    NoDifference,
}

impl Outcome {
    pub fn change(&self) -> Change {
        let (Some(before), Some(after)) = (self.before.accuracy(), self.after.accuracy()) else {
            return Change::Unknown;
        };
        let (before, after) = ((before * 100.0).round(), (after * 100.0).round());
        if !self.kept {
            return Change::Rejected { before, after };
        }
        match self.difference {
            None => Change::Unknown,
            // The difference of the two rounded figures, as the window shows them.
            Some(Difference::Better) => Change::Better { by: after - before },
            Some(Difference::Worse | Difference::NotMeasurable) => Change::NoDifference,
        }
    }

    /// Whether the new model is better and replaced the previous one.
    pub fn helped(&self) -> bool {
        self.kept && self.difference == Some(Difference::Better)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Training {
    pub stage: Stage,
    /// The user paused the run.
    pub paused: bool,
    /// The user stopped the run.
    pub stopping: bool,
    /// Seconds since the run began.
    pub elapsed_s: f64,
    /// Download of the base model.
    pub fetch: Option<Fetch>,
    /// Progress of embedding the texts.
    pub texts: Option<Progress>,
    /// Finished epochs.
    pub epochs: Vec<Epoch>,
    /// Fraction of the current epoch that is done.
    pub epoch_fraction: f32,
    /// Largest number of epochs.
    pub max_epochs: u64,
    /// The run ends with a refit on all data, training and validation questions.
    pub will_refit: bool,
    /// Fraction of the refit that is done; `None` before it begins.
    pub refit_fraction: Option<f32>,
    /// Number of the best epoch.
    pub best: Option<u64>,
    /// Seconds left, as estimated by the training process.
    pub eta_s: Option<f64>,
    /// Notes of the training process, newest last.
    pub notes: Vec<String>,
    /// Result of the last run.
    pub outcome: Option<Outcome>,
    /// Why the last run failed.
    pub error: Option<UserError>,
    /// The run can be resumed from a checkpoint.
    pub can_go_on: bool,
    /// Training pairs per epoch.
    pub pairs: u64,
    pub checking: Checking,
    /// Report of the training while its model is being opened.
    pub report: Option<Box<Report>>,
    /// The list of test questions that is shown instead of the page.
    pub mistakes: Option<List>,
    /// The advanced settings are unfolded.
    pub advanced_open: bool,
}

impl Training {
    /// Whether a training process is running.
    pub fn is_running(&self) -> bool {
        matches!(
            self.stage,
            Stage::Reading
                | Stage::Downloading
                | Stage::Encoding
                | Stage::Training
                | Stage::Evaluating
        )
    }

    /// Progress of the current stage between 0 and 1; `None` if unknown.
    pub fn fraction(&self) -> Option<f32> {
        match self.stage {
            Stage::Downloading => self.fetch.as_ref().map(|fetch| fetch.progress.fraction()),
            Stage::Encoding => self.texts.as_ref().map(Progress::fraction),
            Stage::Training => match (self.refit_fraction, self.first_fit_fraction()) {
                (Some(share), _) => Some(0.5 + share.clamp(0.0, 1.0) / 2.0),
                (None, first) if self.will_refit => first.map(|share| share / 2.0),
                (None, first) => first,
            },
            Stage::Done => Some(1.0),
            _ => None,
        }
    }

    /// Progress of the first fit, without the refit, between 0 and 1.
    fn first_fit_fraction(&self) -> Option<f32> {
        let done = self.epochs.last().map_or(0.0, |epoch| epoch.number as f32);
        let done = done + self.epoch_fraction;
        (self.max_epochs > 0).then(|| (done / self.max_epochs as f32).clamp(0.0, 1.0))
    }

    /// Seconds left in the current stage; `None` until 5 % is done or ten seconds have passed.
    pub fn seconds_left(&self) -> Option<f64> {
        if self.elapsed_s < 10.0 && self.fraction()? < 0.05 {
            return None;
        }
        match self.stage {
            Stage::Downloading => self.fetch.as_ref().and_then(|fetch| fetch.progress.eta_s()),
            Stage::Training
                if self.will_refit
                    && self.refit_fraction.is_none()
                    && self.reencoding().is_none() =>
            {
                // The refit takes as long as the whole first fit.
                let left = 1.0 - f64::from(self.first_fit_fraction()?);
                self.eta_s
                    .filter(|_| left > 0.0)
                    .map(|eta| eta + eta / left)
            }
            // Only the training process can tell cached texts from new ones, so it estimates the time.
            Stage::Encoding | Stage::Training => self.eta_s,
            _ => None,
        }
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
    }

    /// Progress of embedding the texts again with the fine-tuned transformer.
    pub fn reencoding(&self) -> Option<Progress> {
        self.texts
            .filter(|texts| texts.done < texts.total && !self.epochs.is_empty())
    }

    /// The epoch with the best validation result.
    pub fn best_epoch(&self) -> Option<&Epoch> {
        let best = self.best?;
        self.epochs.iter().rev().find(|epoch| epoch.number == best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_and_time_left_cover_fit_and_refit() {
        let mut training = Training {
            stage: Stage::Training,
            max_epochs: 4,
            elapsed_s: 60.0,
            eta_s: Some(30.0),
            ..Training::default()
        };
        training.epochs.push(Epoch {
            number: 1,
            ..Epoch::default()
        });
        assert_eq!(training.fraction(), Some(0.25));
        assert_eq!(training.seconds_left(), Some(30.0));
        training.will_refit = true;
        assert_eq!(training.fraction(), Some(0.125));
        // Three of four epochs take 30 s, so the refit's four take 40 s.
        assert_eq!(training.seconds_left(), Some(70.0));
        training.refit_fraction = Some(0.5);
        assert_eq!(training.fraction(), Some(0.75));
        assert_eq!(training.seconds_left(), Some(30.0));
    }
}
