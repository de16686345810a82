//! The training loop: batches, epochs, model selection, pause and stop, recovery from divergence.

mod epochs;
mod state;
#[cfg(test)]
mod tests;
mod validation;

pub use validation::validation_score;

use super::{
    Checkpoint, Control, Epoch, Event, Pairs, Settings, State, TrainError,
    data::{Fingerprint, Texts},
    learner::Learner,
    neighbours::Neighbours,
    objective::Loss,
};
use nearsay_core::{head::Weights, matrix::Matrix, metric::Ranks, sample::PairTargets};
use std::time::{Duration, Instant};
use validation::{Placed, Validation};

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

/// State of a run in progress.
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
