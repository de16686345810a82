use super::placeable;
use crate::train::{
    Settings, TrainError,
    checkpoint::Snapshot,
    learner::{Batch, Learner, number, rank_tensor},
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
    loss::{MultipleNegativesRanking, PairLoss as _},
    matrix::Matrix,
    metric::Ranks,
};
use sha2::Sha256;

/// Any head on any device: the gradient is candle's.
pub struct AutogradHead {
    head: TrainableHead,
    adam: Adam,
    loss: MultipleNegativesRanking,
    normalize: bool,
    device: Device,
}

impl AutogradHead {
    /// The untrained head of these settings.
    ///
    /// # Errors
    /// When the device refuses.
    pub fn new(settings: &Settings, device: &Device) -> Result<Self, TrainError> {
        let weights = settings.head.init(seed(settings.seed, Purpose::Weights, 0));
        let head = TrainableHead::new(&settings.head, &weights, device)?;
        let config = AdamConfig {
            lr: settings.lr,
            weight_decay: settings.weight_decay,
            ..AdamConfig::default()
        };
        Ok(Self {
            adam: Adam::new(head.variables().to_vec(), config)?,
            head,
            loss: settings.loss(),
            normalize: settings.normalize,
            device: device.clone(),
        })
    }
}

impl AutogradHead {
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
        let vectors = placeable(vectors, self.head.head().in_dim(), self.normalize)?;
        Ok(to_tensor(&vectors, &self.device)?)
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
        let loss = self.loss.forward(&embeddings, batch.targets)?;
        let value = number(&loss)?;
        if value.is_finite() {
            self.adam.step(&loss.backward()?)?;
            let embeddings = embeddings.detach();
            rank_tensor(self.loss.distance, &embeddings, batch.targets, ranks)?;
        }
        Ok(value)
    }

    fn rank(&mut self, batch: Batch<'_, Tensor>, ranks: &mut Ranks) -> Result<(), TrainError> {
        let embeddings = self.forward(&batch, Mode::Eval)?.detach();
        rank_tensor(self.loss.distance, &embeddings, batch.targets, ranks)
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        Ok(Snapshot {
            weights: self.head.weights()?,
            adam: self.adam.state()?,
        })
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.head.set_weights(&snapshot.weights)?;
        Ok(self.adam.restore(&snapshot.adam)?)
    }

    fn set_lr(&mut self, lr: f64) {
        self.adam.set_lr(lr);
    }

    /// The settings say it all.
    fn hash(&self, _hasher: &mut Sha256) {}
}
