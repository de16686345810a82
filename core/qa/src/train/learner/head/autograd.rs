use super::head_input;
use crate::train::{
    Pairs, Settings, TrainError,
    checkpoint::Snapshot,
    learner::{Batch, Learner},
    objective::{Loss, LossValue, Objective},
    settings::{Purpose, seed},
};
use candle_core::{Device, Tensor};
use nearsay_core::{
    candle::{
        TrainableHead,
        adam::{Adam, AdamConfig},
        to_tensor,
    },
    head::Mode,
    matrix::Matrix,
    metric::Ranks,
};

/// Any head under any loss on any device, with candle's gradient.
pub struct AutogradHead {
    head: TrainableHead,
    adam: Adam,
    objective: Objective,
    normalize: bool,
    device: Device,
}

impl AutogradHead {
    /// The untrained head of these settings, under a loss without weights of its own.
    ///
    /// # Errors
    /// When the device refuses.
    pub fn new(settings: &Settings, device: &Device) -> Result<Self, TrainError> {
        let head = Self::untrained(settings, device)?;
        let dim = head.head().out_dim();
        let objective = Objective::new(settings, &Loss::FromSettings, 0, dim, device)?;
        Self::with_head(settings, head, objective, device)
    }

    /// A head under a loss.
    ///
    /// # Errors
    /// When the device refuses.
    pub fn with_head(
        settings: &Settings,
        head: TrainableHead,
        objective: Objective,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let config = AdamConfig {
            lr: settings.lr,
            weight_decay: settings.weight_decay,
            ..AdamConfig::default()
        };
        Ok(Self {
            adam: Adam::new(head.variables().to_vec(), config)?,
            head,
            objective,
            normalize: settings.normalize,
            device: device.clone(),
        })
    }

    /// The head of these settings with fresh weights.
    pub(super) fn untrained(
        settings: &Settings,
        device: &Device,
    ) -> Result<TrainableHead, TrainError> {
        let weights = settings.head.init(seed(settings.seed, Purpose::Weights, 0));
        Ok(TrainableHead::new(&settings.head, &weights, device)?)
    }

    /// The embeddings of a batch, `[2n, d]`.
    fn forward(&self, batch: &Batch<'_, Tensor>, mode: Mode) -> Result<Tensor, TrainError> {
        let rows = Tensor::from_slice(batch.pairs, batch.pairs.len(), &self.device)?;
        let halves = [
            batch.anchors.index_select(&rows, 0)?,
            batch.positives.index_select(&rows, 0)?,
        ];
        let head = self.head.head();
        Ok(head.forward(&Tensor::cat(&halves, 0)?, mode)?)
    }
}

impl Learner for AutogradHead {
    type Texts = Matrix;
    type Placed = Tensor;

    fn place(&self, vectors: Matrix) -> Result<Tensor, TrainError> {
        let vectors = head_input(vectors, self.head.head().in_dim(), self.normalize)?;
        Ok(to_tensor(&vectors, &self.device)?)
    }

    fn set_guide(&mut self, guide: Pairs) {
        self.objective.set_guide(guide);
    }

    fn embed(&mut self, texts: &Tensor, rows: &[u32]) -> Result<Tensor, TrainError> {
        let rows = Tensor::from_slice(rows, rows.len(), &self.device)?;
        let texts = texts.index_select(&rows, 0)?;
        Ok(self.head.head().forward(&texts, Mode::Eval)?.detach())
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Tensor>,
        seed: u64,
        ranks: &mut Ranks,
    ) -> Result<f32, TrainError> {
        let embeddings = self.forward(&batch, Mode::Train { seed })?;
        let LossValue { value, gradients } =
            self.objective
                .compute(&embeddings, batch.pairs, batch.targets)?;
        if let Some(gradients) = gradients {
            self.adam.step(&gradients)?;
            self.objective.step(&gradients)?;
            self.objective
                .rank(&embeddings.detach(), batch.targets, ranks)?;
        }
        Ok(value)
    }

    fn rank(&mut self, batch: Batch<'_, Tensor>, ranks: &mut Ranks) -> Result<(), TrainError> {
        let embeddings = self.forward(&batch, Mode::Eval)?.detach();
        self.objective.rank(&embeddings, batch.targets, ranks)
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let mut snapshot = Snapshot {
            weights: self.head.weights()?,
            adam: self.adam.state()?,
        };
        self.objective.save(&mut snapshot)?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let snapshot = self.objective.restore(snapshot)?;
        self.head.set_weights(&snapshot.weights)?;
        Ok(self.adam.restore(&snapshot.adam)?)
    }

    fn set_lr(&mut self, lr: f64) {
        self.adam.set_lr(lr);
        self.objective.set_lr(lr);
    }
}
