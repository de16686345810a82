//! The training loop: batches, epochs, model selection, pause and stop, recovery from divergence.

use super::{
    BatchFigures, Checkpoint, Control, Epoch, Event, ModelSelection, Note, Pairs, Settings, State,
    TrainError,
    checkpoint::{Best, Snapshot, Sums},
    data::{Fingerprint, Texts},
    learner::{Batch, Learner},
    neighbours::Neighbours,
    objective::{Loss, is_of_loss},
    settings::{Purpose, seed},
};
use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    head::Weights,
    matrix::Matrix,
    metric::{
        Metric, PoolMetrics, Ranks, RetrievalPrecision, RetrievalReciprocalRank,
        rank_right_answers, score_questions,
    },
    sample::{BatchError, PairTargets},
};
use std::time::{Duration, Instant};

/// Interval of [`Event::Batch`].
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Minimum interval of checkpoints.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// Checkpoints take at most one part in this many of the time.
const SAVING_SHARE: u32 = 20;

/// Number of retries after divergence.
const RETRIES: usize = 2;

/// One run: data, settings, and the control over it.
#[non_exhaustive]
pub struct Fit<'a, X = Matrix> {
    /// The settings, validated before the run starts.
    pub settings: &'a Settings,
    /// Pairs to train on; vectors are not normalised.
    pub train: &'a Pairs<X>,
    /// Held-out pairs: measured after each epoch, never trained on, never used for model selection.
    pub val: Option<&'a Pairs<X>>,
    /// Numbers of the training pairs in the validation split, ascending; none for a split by
    /// [`Pairs::split`]. Unused if the settings want no validation split.
    pub validation: Option<&'a [usize]>,
    /// Pauses and stops the run.
    pub control: &'a Control,
    /// Where the state is saved; none to save nothing.
    pub checkpoint: Option<Checkpoint<'a>>,
    /// Validation score to beat, by [`validation_score`]; none if the run starts from the base
    /// model.
    pub to_beat: Option<f32>,
    /// Base vectors of the training pairs, to put similar pairs into one batch; none for random
    /// batches.
    pub vectors: Option<&'a Pairs>,
    /// Base vectors of the training pairs, for a loss with a guide; none for other losses.
    pub guide: Option<&'a Pairs>,
    /// The loss.
    pub loss: Loss,
}

impl<'a, X> Fit<'a, X> {
    /// A run that saves nothing and holds nothing out, with the loss of its settings.
    #[must_use]
    pub fn new(settings: &'a Settings, train: &'a Pairs<X>, control: &'a Control) -> Self {
        Self {
            settings,
            train,
            val: None,
            validation: None,
            control,
            checkpoint: None,
            to_beat: None,
            vectors: None,
            guide: None,
            loss: Loss::FromSettings,
        }
    }
}

/// Result of a run.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The selected weights.
    pub weights: Weights,
    /// Epoch of the selected weights; none for the initial weights.
    pub kept_epoch: Option<usize>,
    /// The epochs done.
    pub epochs: Vec<Epoch>,
    /// Whether the run was stopped before its end.
    pub stopped: bool,
}

/// Pairs on the learner's device.
struct Placed<P> {
    anchors: P,
    positives: P,
    subgroups: Vec<u64>,
}

impl<P> Placed<P> {
    fn new<L: Learner<Placed = P>>(
        pairs: Pairs<L::Texts>,
        learner: &L,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            anchors: learner.place(pairs.anchors)?,
            positives: learner.place(pairs.positives)?,
            subgroups: pairs.subgroups,
        })
    }

    fn len(&self) -> usize {
        self.subgroups.len()
    }

    /// A batch of pairs, all with score 1, with its targets in `targets`.
    fn batch<'a>(&'a self, pairs: &'a [u32], targets: &'a mut PairTargets) -> Batch<'a, P> {
        targets.scores.clear();
        targets.scores.resize(pairs.len(), 1.0);
        let subgroups = pairs.iter().map(|&pair| self.subgroups[pair as usize]);
        targets.subgroups.clear();
        targets.subgroups.extend(subgroups);
        Batch {
            anchors: &self.anchors,
            positives: &self.positives,
            pairs,
            targets,
        }
    }
}

/// The validation split, on which the best state is selected.
struct Validation<P> {
    questions: P,
    pool: P,
    answers: usize,
    right: Vec<Vec<usize>>,
    patience: usize,
}

struct Run<'a, L: Learner> {
    fit: &'a Fit<'a, L::Texts>,
    train: Placed<L::Placed>,
    val: Option<Placed<L::Placed>>,
    validation: Option<Validation<L::Placed>>,
    neighbours: Option<Neighbours>,
    learner: &'a mut L,
    state: State,
    saved: Instant,
    /// When progress within the epoch was last reported.
    reported: Instant,
    /// Start of the measurement of the pace, and the steps since.
    begun: Instant,
    steps: u32,
    /// Time the last checkpoint took.
    saving: Duration,
    /// Targets of the present batch; the memory is reused.
    targets: PairTargets,
    /// Ranks of the present batch; the memory is reused.
    ranks: Ranks,
}

impl<X: Texts> Fit<'_, X> {
    /// Runs an untrained learner, from the checkpoint if `resume` is set and there is one. The learner
    /// is left in its last state, which need not be the selected one.
    ///
    /// A stopped run ends early and returns its best state so far. The checkpoint stays until
    /// [`Checkpoint::remove`], so that a stopped run can be resumed, too.
    ///
    /// # Errors
    /// When settings or data are unusable, the checkpoint is of another run, or training keeps
    /// diverging.
    pub fn run<L: Learner<Texts = X>>(
        &self,
        learner: &mut L,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Fitted, TrainError> {
        self.settings.validate()?;
        self.train.check()?;
        let mut run = Run::new(self, learner, on_event)?;
        let saved = match &self.checkpoint {
            Some(checkpoint) if resume => checkpoint.load()?,
            _ => None,
        };
        match saved {
            Some(state) => run.resume(state, on_event)?,
            None => run.start()?,
        }
        let stopped = run.epochs(on_event)?;
        run.finish(stopped)
    }

    /// Hash of everything that determines the run.
    fn fingerprint(&self, learner: &impl Learner) -> Result<String, TrainError> {
        let settings = serde_json::to_vec(self.settings)
            .map_err(|error| TrainError::Checkpoint(error.to_string()))?;
        let mut hasher = Fingerprint::new();
        hasher.update(&settings);
        self.train.hash(&mut hasher);
        for pair in self.validation.unwrap_or_default() {
            hasher.update(pair.to_le_bytes());
        }
        if let Some(val) = self.val {
            val.hash(&mut hasher);
        }
        learner.hash(&mut hasher);
        Ok(hasher.finish())
    }
}

impl<'a, L: Learner> Run<'a, L> {
    fn new(
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
    fn start(&mut self) -> Result<(), TrainError> {
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
    fn resume(&mut self, state: State, on_event: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
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

    fn go_to(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.learner.restore(snapshot)
    }

    fn save(&mut self) -> Result<(), TrainError> {
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

    /// Runs the remaining epochs; returns whether they were stopped.
    fn epochs(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<bool, TrainError> {
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

    /// Batch metrics of the held-out pairs, in batches of the training's size.
    fn measure(&mut self) -> Result<Option<BatchFigures>, TrainError> {
        let Some(val) = &self.val else {
            return Ok(None);
        };
        let (mut rp_1, mut rrk) = (
            RetrievalPrecision::new(1),
            RetrievalReciprocalRank::default(),
        );
        let order: Vec<u32> = (0..val.len() as u32).collect();
        for pairs in order.chunks(self.fit.settings.batch) {
            let batch = val.batch(pairs, &mut self.targets);
            self.learner.rank(batch, &mut self.ranks)?;
            rp_1.update(&self.ranks);
            rrk.update(&self.ranks);
        }
        Ok(Some(figures(&rp_1, &rrk)))
    }

    /// MRR@10 of the present state on the validation split; `None` without one.
    fn score(&mut self) -> Result<Option<f32>, TrainError> {
        let Some(validation) = &self.validation else {
            return Ok(None);
        };
        let learner = &mut self.learner;
        let mut all = |texts, count: usize| {
            let rows: Vec<u32> = (0..count as u32).collect();
            learner.embed(texts, &rows)
        };
        let questions = all(&validation.questions, validation.right.len())?;
        let pool = all(&validation.pool, validation.answers)?;
        let mut metrics = PoolMetrics::default();
        score_questions(&questions, &pool, &validation.right, &mut |scores| {
            metrics.update(&rank_right_answers(scores));
        })?;
        Ok(metrics.mrr_10())
    }

    fn finish(mut self, stopped: bool) -> Result<Fitted, TrainError> {
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

/// MRR@10 of vectors on the validation split of these settings; `None` without one.
///
/// # Errors
/// When the vectors cannot be compared, which is a bug.
pub fn validation_score(
    settings: &Settings,
    train: &Pairs,
    validation: Option<&[usize]>,
) -> Result<Option<f32>, TrainError> {
    if !matches!(settings.selection, ModelSelection::BestOnValidation { .. }) {
        return Ok(None);
    }
    let kept = match validation {
        Some(kept) => kept.to_vec(),
        None => settings.validation_split(&train.subgroups),
    };
    if kept.is_empty() {
        return Ok(None);
    }
    let (pool, right) = train.pool();
    let right: Vec<Vec<usize>> = kept.iter().map(|&pair| vec![right[pair]]).collect();
    let place = |matrix: &Matrix| to_tensor(matrix, &Device::Cpu);
    let questions = place(&train.select(&kept).anchors)?;
    let mut metrics = PoolMetrics::default();
    score_questions(&questions, &place(&pool)?, &right, &mut |scores| {
        metrics.update(&rank_right_answers(scores));
    })?;
    Ok(metrics.mrr_10())
}

/// Outcome of an epoch's steps.
enum Steps {
    Done,
    Stopped,
    Diverged,
}

fn figures(rp_1: &RetrievalPrecision, rrk: &RetrievalReciprocalRank) -> BatchFigures {
    BatchFigures {
        rp_1: rp_1.compute().unwrap_or_default(),
        rrk: rrk.compute().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
