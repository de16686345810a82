//! A run's state: from the start or a checkpoint, saved on the way, until the selected weights.

use super::{
    Fit, Fitted, Run,
    validation::{Placed, Validation},
};
use crate::train::{
    Event, ModelSelection, Note, State, TrainError,
    checkpoint::{Best, Snapshot},
    data::Texts as _,
    learner::Learner,
    neighbours::Neighbours,
    objective::is_of_loss,
    settings::{Purpose, seed},
};
use nearsay_core::{metric::Ranks, sample::PairTargets};
use std::time::{Duration, Instant};

impl<'a, L: Learner> Run<'a, L> {
    pub(super) fn new(
        fit: &'a Fit<'a, L::Texts>,
        learner: &'a mut L,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Self, TrainError> {
        let settings = fit.settings;
        let mut train = fit.train.clone();
        let mut vectors = fit.vectors.cloned();
        let mut guide = fit.guide.cloned();
        let mut validation = None;
        if let Some(fraction) = settings.selection.validation_fraction() {
            let (rest, kept) = match fit.validation {
                Some(kept) => {
                    let is_left = |pair: &usize| kept.binary_search(pair).is_err();
                    ((0..train.len()).filter(is_left).collect(), kept.to_vec())
                }
                None => train.split(fraction, seed(settings.seed, Purpose::Validation, 0)),
            };
            if kept.is_empty() {
                on_event(Event::Note(Note::TooFewAnswers));
            } else {
                if let ModelSelection::BestOnValidation { patience, .. } = settings.selection {
                    let (pool, right) = train.pool();
                    validation = Some(Validation {
                        answers: pool.len(),
                        questions: learner.place(train.select(&kept).anchors)?,
                        pool: learner.place(pool)?,
                        right: kept.iter().map(|&pair| vec![right[pair]]).collect(),
                        patience,
                    });
                }
                train = train.select(&rest);
                for pairs in [&mut vectors, &mut guide] {
                    *pairs = pairs.as_ref().map(|pairs| pairs.select(&rest));
                }
            }
        }
        if let Some(guide) = guide {
            learner.set_guide(guide);
        }
        let val = fit.val.filter(|val| !val.is_empty()).cloned();
        Ok(Self {
            train: Placed::new(train, learner)?,
            val: val.map(|val| Placed::new(val, learner)).transpose()?,
            validation,
            neighbours: vectors.as_ref().map(Neighbours::of).transpose()?,
            state: State {
                run: fit.fingerprint(learner)?,
                lr_scale: 1.0,
                ..State::default()
            },
            learner,
            saved: Instant::now(),
            reported: Instant::now(),
            begun: Instant::now(),
            steps: 0,
            saving: Duration::ZERO,
            targets: PairTargets::default(),
            ranks: Ranks::default(),
            fit,
        })
    }

    /// Makes the initial state the first good and the first best state.
    pub(super) fn start(&mut self) -> Result<(), TrainError> {
        self.state.good = self.learner.snapshot()?;
        if let Some(score) = self.score()? {
            let weights = self.state.good.weights.clone();
            self.state.best = Some(Best {
                epoch: None,
                score: self.fit.to_beat.unwrap_or(score),
                weights,
            });
        }
        Ok(())
    }

    /// Continues from the state of an earlier run with the same settings and data.
    pub(super) fn resume(
        &mut self,
        state: State,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), TrainError> {
        if state.run != self.state.run {
            return Err(TrainError::OtherRun);
        }
        self.state = state;
        let now = std::mem::take(&mut self.state.now);
        self.go_to(&now)?;
        for &epoch in &self.state.epochs {
            on_event(Event::Epoch(epoch));
        }
        if let Some(epoch) = self.state.best.as_ref().and_then(|best| best.epoch) {
            on_event(Event::Best { epoch });
        }
        on_event(Event::Note(Note::Resumed {
            epoch: self.state.epoch,
        }));
        Ok(())
    }

    pub(super) fn go_to(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.learner.restore(snapshot)
    }

    pub(super) fn save(&mut self) -> Result<(), TrainError> {
        let Some(checkpoint) = &self.fit.checkpoint else {
            return Ok(());
        };
        let started = Instant::now();
        if self.state.batch > 0 {
            self.state.now = self.learner.snapshot()?;
        }
        checkpoint.save(&self.state)?;
        // As large as all weights and moments: dropped as soon as possible.
        self.state.now = Snapshot::default();
        self.saved = Instant::now();
        self.saving = started.elapsed();
        Ok(())
    }

    pub(super) fn finish(mut self, stopped: bool) -> Result<Fitted, TrainError> {
        let last = self.state.epochs.last().map(|epoch| epoch.epoch);
        let (weights, kept_epoch) = match self.state.best.take() {
            Some(best) => (best.weights, best.epoch),
            None => (self.learner.snapshot()?.weights, last),
        };
        Ok(Fitted {
            weights: weights.into_iter().filter(|w| !is_of_loss(w)).collect(),
            kept_epoch,
            epochs: self.state.epochs,
            stopped,
        })
    }
}
