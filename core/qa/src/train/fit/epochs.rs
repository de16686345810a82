//! Epochs and their steps.

use super::{Run, validation::figures};
use crate::train::{
    Epoch, Event, Note, TrainError,
    checkpoint::{Best, Sums},
    learner::Learner,
    settings::{Purpose, seed},
};
use nearsay_core::{head::Weights, metric::Metric, sample::BatchError};
use std::time::{Duration, Instant};

/// Interval of [`Event::Batch`].
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Minimum interval of checkpoints.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// Checkpoints take at most one part in this many of the time.
const SAVING_SHARE: u32 = 20;

/// Number of retries after divergence.
pub(super) const RETRIES: usize = 2;

/// Outcome of an epoch's steps.
enum Steps {
    Done,
    Stopped,
    Diverged,
}

impl<L: Learner> Run<'_, L> {
    /// Runs the remaining epochs; returns whether they were stopped.
    pub(super) fn epochs(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<bool, TrainError> {
        let started = Instant::now();
        let first = self.state.epoch;
        let patience = self
            .validation
            .as_ref()
            .map_or(usize::MAX, |validation| validation.patience);
        while self.state.epoch < self.fit.settings.epochs && self.state.since_best < patience {
            match self.steps(on_event)? {
                Steps::Stopped => {
                    self.save()?;
                    return Ok(true);
                }
                Steps::Diverged => {
                    self.go_back(on_event)?;
                    continue;
                }
                Steps::Done => {}
            }
            let snapshot = self.learner.snapshot()?;
            let finite = |weights: &Weights| weights.iter().all(|weight| weight.value.is_finite());
            if !finite(&snapshot.weights) {
                self.go_back(on_event)?;
                continue;
            }
            self.state.good = snapshot;
            let done = (self.state.epoch + 1 - first) as f64;
            let left = (self.fit.settings.epochs - self.state.epoch - 1) as f64;
            let eta_s = started.elapsed().as_secs_f64() / done * left;
            self.end_epoch(eta_s, on_event)?;
        }
        Ok(false)
    }

    /// Runs the remaining steps of this epoch.
    fn steps(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<Steps, TrainError> {
        let settings = self.fit.settings;
        let mut order: Vec<u32> = (0..self.train.len() as u32).collect();
        if settings.shuffle {
            let seed = seed(settings.seed, Purpose::Order, self.state.epoch as u64);
            fastrand::Rng::with_seed(seed).shuffle(&mut order);
        }
        if let Some(neighbours) = &self.neighbours {
            order = neighbours.together(&order, settings.batch);
        }
        let batches: Vec<&[u32]> = order.chunks(settings.batch).collect();
        while let Some(&pairs) = batches.get(self.state.batch) {
            if self.fit.control.paused() {
                self.save()?;
                on_event(Event::Note(Note::Paused {
                    epoch: self.state.epoch,
                    saved: self.fit.checkpoint.is_some(),
                }));
                // The pause must not count towards the pace.
                self.steps = 0;
            }
            if !self.fit.control.wait() {
                return Ok(Steps::Stopped);
            }
            if self.steps == 0 {
                self.begun = Instant::now();
            }
            if !self.step(pairs)? {
                return Ok(Steps::Diverged);
            }
            self.state.batch += 1;
            self.steps += 1;
            if self.reported.elapsed() > REPORT_EVERY && self.state.batch < batches.len() {
                self.reported = Instant::now();
                on_event(self.progress(batches.len()));
            }
            if self.saved.elapsed() > SAVE_EVERY.max(self.saving * SAVING_SHARE) {
                self.save()?;
            }
        }
        Ok(Steps::Done)
    }

    /// Progress within the epoch.
    fn progress(&self, total: usize) -> Event {
        let (epoch, done) = (self.state.epoch, self.state.batch);
        let epochs = self.fit.settings.epochs;
        let left = (epochs - epoch) * total - done;
        let pace = self.begun.elapsed().as_secs_f64() / f64::from(self.steps.max(1));
        Event::Batch {
            epoch,
            epochs,
            done,
            total,
            eta_s: pace * left as f64,
        }
    }

    /// Takes one step; returns false when the loss is not finite.
    fn step(&mut self, pairs: &[u32]) -> Result<bool, TrainError> {
        let settings = self.fit.settings;
        let number = (self.state.epoch as u64) << 24 | self.state.batch as u64;
        let seed = seed(settings.seed, Purpose::Dropout, number);
        let each = self.train.len().div_ceil(settings.batch);
        let step = self.state.epoch * each + self.state.batch;
        let factor = settings.schedule.factor(step, each * settings.epochs);
        self.learner
            .set_lr(settings.lr * self.state.lr_scale * factor);
        let batch = self.train.batch(pairs, &mut self.targets);
        let loss = match self.learner.learn(batch, seed, &mut self.ranks) {
            // For example a last batch of one group: a group loss has no gradient there.
            Err(TrainError::Batch(BatchError::NothingToCompare { .. })) => return Ok(true),
            loss => loss?,
        };
        if !loss.is_finite() {
            return Ok(false);
        }
        let sums = &mut self.state.sums;
        sums.rp_1.update(&self.ranks);
        sums.rrk.update(&self.ranks);
        sums.loss += f64::from(loss) * pairs.len() as f64;
        sums.pairs += pairs.len();
        Ok(true)
    }

    /// Restarts the epoch with half the learning rate.
    fn go_back(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
        let epoch = self.state.epoch;
        if self.state.retries == RETRIES {
            let lr = self.fit.settings.lr * self.state.lr_scale;
            return Err(TrainError::Diverged { epoch, lr });
        }
        self.state.retries += 1;
        self.state.lr_scale *= 0.5;
        self.state.batch = 0;
        self.state.sums = Sums::default();
        self.go_to(&self.state.good.clone())?;
        on_event(Event::Note(Note::Diverged {
            epoch,
            lr: self.fit.settings.lr * self.state.lr_scale,
            retries_left: RETRIES - self.state.retries,
        }));
        Ok(())
    }

    fn end_epoch(&mut self, eta_s: f64, on_event: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
        let number = self.state.epoch;
        let sums = std::mem::take(&mut self.state.sums);
        let epoch = Epoch {
            epoch: number,
            epochs: self.fit.settings.epochs,
            loss: (sums.loss / sums.pairs.max(1) as f64) as f32,
            train: figures(&sums.rp_1, &sums.rrk),
            val: self.measure()?,
            eta_s,
        };
        self.state.epochs.push(epoch);
        self.state.epoch += 1;
        self.state.batch = 0;
        on_event(Event::Epoch(epoch));

        if let Some(score) = self.score()? {
            self.state.since_best += 1;
            if self
                .state
                .best
                .as_ref()
                .is_none_or(|best| score > best.score)
            {
                let weights = self.state.good.weights.clone();
                self.state.best = Some(Best {
                    epoch: Some(number),
                    score,
                    weights,
                });
                self.state.since_best = 0;
                on_event(Event::Best { epoch: number });
                self.save()?;
            }
        }
        Ok(())
    }
}
