//! The loop: batches, epochs, best state, pause, stop, and back from where training went off course.

use super::{
    BatchFigures, Checkpoint, Control, Epoch, Event, Keep, Pairs, Settings, State, TrainError,
    checkpoint::{Best, Snapshot, Sums},
    data::Texts,
    learner::{Batch, Learner},
    neighbours::Neighbours,
    settings::{Purpose, seed},
};
use candle_core::Device;
use nearsay_core::{
    candle::to_tensor,
    head::Weights,
    matrix::Matrix,
    metric::{
        Metric, PoolMetrics, Ranks, RetrievalPrecision, RetrievalReciprocalRank, rank_pool,
        score_pool,
    },
    sample::PairTargets,
};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// How long a run goes without telling how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long a run goes without saving its state.
const SAVE_EVERY: Duration = Duration::from_secs(20);

/// However long saving takes, it takes no more than one part in so many of the time.
const SAVING_SHARE: u32 = 20;

/// How often a run may go off course before it is given up.
const RETRIES: usize = 2;

/// One run: what to learn from, and how.
pub struct Fit<'a, X = Matrix> {
    /// The settings; checked before the run starts.
    pub settings: &'a Settings,
    /// Pairs to learn from; vectors are not normalised.
    pub train: &'a Pairs<X>,
    /// Pairs kept aside: measured after each epoch, never learned from, never used to choose.
    pub val: Option<&'a Pairs<X>>,
    /// Pauses and stops the run.
    pub control: &'a Control,
    /// Where the state is saved, if it is.
    pub checkpoint: Option<Checkpoint<'a>>,
    /// What a state must score more than on the slice to be kept, by [`slice_score`]; none when what the
    /// run starts with is what there was before.
    pub to_beat: Option<f32>,
    /// Vectors of the training pairs by which those that are easily taken for one another share batches;
    /// none for batches at random.
    pub vectors: Option<&'a Pairs>,
}

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The weights, those the settings ask to keep.
    pub weights: Weights,
    /// The epoch they are from; none when they are those it started with.
    pub kept_epoch: Option<usize>,
    /// The epochs done.
    pub epochs: Vec<Epoch>,
    /// Whether somebody stopped the run before its end.
    pub stopped: bool,
}

/// Pairs where the computing is done.
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

    /// Some of the pairs, all of which belong together; what is known of them goes into `targets`.
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

/// The slice of the training questions on which the best state is chosen.
struct Choice<P> {
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
    choice: Option<Choice<L::Placed>>,
    neighbours: Option<Neighbours>,
    learner: &'a mut L,
    state: State,
    saved: Instant,
    /// When the last batch was told.
    told: Instant,
    /// Since when the pace is measured, and the steps since.
    begun: Instant,
    steps: u32,
    /// How long that took.
    saving: Duration,
    /// What is known of the present batch, kept so that no step needs new memory.
    targets: PairTargets,
    /// Its ranks, likewise.
    ranks: Ranks,
}

impl<X: Texts> Fit<'_, X> {
    /// Does the run with a learner that has learned nothing yet, from its saved state if `resume` is
    /// set and there is one. The learner is left as it was last, which need not be what the run ends
    /// with.
    ///
    /// A stopped run ends early with what it has. The state stays saved until
    /// [`Checkpoint::remove`], so that a stopped run can go on later too.
    ///
    /// # Errors
    /// When the settings or the data cannot work, the saved state is of another run, or
    /// training goes off course again and again.
    pub fn run<L: Learner<Texts = X>>(
        &self,
        learner: &mut L,
        resume: bool,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Fitted, TrainError> {
        self.settings.check().map_err(TrainError::Setting)?;
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

    /// Hash of all that decides the course of the run.
    fn fingerprint(&self, learner: &impl Learner) -> Result<String, TrainError> {
        let settings = serde_json::to_vec(self.settings)
            .map_err(|error| TrainError::Setting(error.to_string()))?;
        let mut hasher = Sha256::new();
        hasher.update(&settings);
        self.train.hash(&mut hasher);
        if let Some(val) = self.val {
            val.hash(&mut hasher);
        }
        learner.hash(&mut hasher);
        let mut text = String::new();
        for byte in hasher.finalize() {
            write!(text, "{byte:02x}").ok();
        }
        Ok(text)
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
        let mut choice = None;
        if let Some(slice) = settings.keep.slice() {
            let (rest, kept) = train.slice(slice, seed(settings.seed, Purpose::Slice, 0));
            if kept.is_empty() {
                on_event(Event::note(
                    "There are too few different answers to tell by them what training is worth, \
                     or which round was best.",
                ));
            } else {
                if let Keep::Best { patience, .. } = settings.keep {
                    let (pool, right) = train.pool();
                    choice = Some(Choice {
                        answers: pool.len(),
                        questions: learner.place(train.select(&kept).anchors)?,
                        pool: learner.place(pool)?,
                        right: kept.iter().map(|&pair| vec![right[pair]]).collect(),
                        patience,
                    });
                }
                train = train.select(&rest);
                vectors = vectors.map(|vectors| vectors.select(&rest));
            }
        }
        let val = fit.val.filter(|val| !val.is_empty()).cloned();
        Ok(Self {
            train: Placed::new(train, learner)?,
            val: val.map(|val| Placed::new(val, learner)).transpose()?,
            choice,
            neighbours: vectors.as_ref().map(Neighbours::of).transpose()?,
            state: State {
                run: fit.fingerprint(learner)?,
                lr_scale: 1.0,
                ..State::default()
            },
            learner,
            saved: Instant::now(),
            told: Instant::now(),
            begun: Instant::now(),
            steps: 0,
            saving: Duration::ZERO,
            targets: PairTargets::default(),
            ranks: Ranks::default(),
            fit,
        })
    }

    /// Before the first step: what it starts with is the first good and the first best state.
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

    /// Goes on where another run of the same settings and data stood.
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
        on_event(Event::note(format!(
            "Going on in round {}.",
            self.state.epoch + 1
        )));
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
        // As large as all weights and moments: not kept for longer than it is needed.
        self.state.now = Snapshot::default();
        self.saved = Instant::now();
        self.saving = started.elapsed();
        Ok(())
    }

    /// All epochs that are left; returns whether somebody stopped them.
    fn epochs(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<bool, TrainError> {
        let started = Instant::now();
        let first = self.state.epoch;
        let patience = self
            .choice
            .as_ref()
            .map_or(usize::MAX, |choice| choice.patience);
        while self.state.epoch < self.fit.settings.epochs && self.state.since_best < patience {
            match self.steps(on_event)? {
                Steps::Stopped => {
                    self.save()?;
                    return Ok(true);
                }
                Steps::OffCourse => {
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

    /// The steps that are left in this epoch.
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
                let round = self.state.epoch + 1;
                let saved = match self.fit.checkpoint {
                    Some(_) => "; everything is saved",
                    None => "",
                };
                on_event(Event::note(format!("Paused in round {round}{saved}.")));
                // A pause says nothing of the pace.
                self.steps = 0;
            }
            if !self.fit.control.wait() {
                return Ok(Steps::Stopped);
            }
            if self.steps == 0 {
                self.begun = Instant::now();
            }
            if !self.step(pairs)? {
                return Ok(Steps::OffCourse);
            }
            self.state.batch += 1;
            self.steps += 1;
            if self.told.elapsed() > TELL_EVERY && self.state.batch < batches.len() {
                self.told = Instant::now();
                on_event(self.batch(batches.len()));
            }
            if self.saved.elapsed() > SAVE_EVERY.max(self.saving * SAVING_SHARE) {
                self.save()?;
            }
        }
        Ok(Steps::Done)
    }

    /// How far the epoch is.
    fn batch(&self, total: usize) -> Event {
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

    /// One step; false when the loss was not finite.
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
        let loss = self.learner.learn(batch, seed, &mut self.ranks)?;
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

    /// Back to the start of the epoch with half the step size.
    fn go_back(&mut self, on_event: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
        let epoch = self.state.epoch;
        if self.state.retries == RETRIES {
            let lr = self.fit.settings.lr * self.state.lr_scale;
            return Err(TrainError::NotFinite { epoch, lr });
        }
        self.state.retries += 1;
        self.state.lr_scale *= 0.5;
        self.state.batch = 0;
        self.state.sums = Sums::default();
        self.go_to(&self.state.good.clone())?;
        let left = match RETRIES - self.state.retries {
            1 => "one more try is left",
            _ => "this is the last try",
        };
        on_event(Event::note(format!(
            "Training went off course in round {}. Went back to the last good state and halved \
             the step size; {left}.",
            epoch + 1
        )));
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

    /// The batch metrics of the pairs kept aside, in batches of the training's size.
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

    /// How good the present state is on the slice; `None` when there is no slice.
    fn score(&mut self) -> Result<Option<f32>, TrainError> {
        let Some(choice) = &self.choice else {
            return Ok(None);
        };
        let learner = &mut self.learner;
        let mut all = |texts, count: usize| {
            let rows: Vec<u32> = (0..count as u32).collect();
            learner.embed(texts, &rows)
        };
        let questions = all(&choice.questions, choice.right.len())?;
        let pool = all(&choice.pool, choice.answers)?;
        let mut metrics = PoolMetrics::default();
        score_pool(&questions, &pool, &choice.right, &mut |scores| {
            metrics.update(&rank_pool(scores));
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
            weights,
            kept_epoch,
            epochs: self.state.epochs,
            stopped,
        })
    }
}

/// What vectors score as they are on the slice that these settings keep out of training; `None` without
/// one.
///
/// # Errors
/// When the vectors cannot be compared, which is a bug.
pub fn slice_score(settings: &Settings, train: &Pairs) -> Result<Option<f32>, TrainError> {
    let Keep::Best { slice, .. } = settings.keep else {
        return Ok(None);
    };
    let (_, kept) = train.slice(slice, seed(settings.seed, Purpose::Slice, 0));
    if kept.is_empty() {
        return Ok(None);
    }
    let (pool, right) = train.pool();
    let right: Vec<Vec<usize>> = kept.iter().map(|&pair| vec![right[pair]]).collect();
    let place = |matrix: &Matrix| to_tensor(matrix, &Device::Cpu);
    let questions = place(&train.select(&kept).anchors)?;
    let mut metrics = PoolMetrics::default();
    score_pool(&questions, &place(&pool)?, &right, &mut |scores| {
        metrics.update(&rank_pool(scores));
    })?;
    Ok(metrics.mrr_10())
}

/// How the steps of an epoch ended.
enum Steps {
    Done,
    Stopped,
    OffCourse,
}

fn figures(rp_1: &RetrievalPrecision, rrk: &RetrievalReciprocalRank) -> BatchFigures {
    BatchFigures {
        rp_1: rp_1.compute().unwrap_or_default(),
        rrk: rrk.compute().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
