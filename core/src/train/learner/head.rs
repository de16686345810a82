use super::{Batch, BatchLoss, Learned, Learner, number};
use crate::{
    candle::{
        TrainableHead,
        adam::{Adam, AdamConfig},
        to_tensor,
    },
    head::Mode,
    matrix::Matrix,
    train::{
        Settings, TrainError,
        checkpoint::Snapshot,
        data::normalized,
        settings::{Purpose, seed},
    },
};
use candle_core::{Device, Tensor};
use sha2::Sha256;

/// A head over a frozen encoder: texts are its cached vectors, optimised by Adam.
pub struct HeadLearner {
    head: TrainableHead,
    adam: Adam,
    normalize: bool,
    device: Device,
}

impl HeadLearner {
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
            normalize: settings.normalize,
            device: device.clone(),
        })
    }
}

impl Learner for HeadLearner {
    type Texts = Matrix;
    type Placed = Tensor;

    fn place(&self, vectors: Matrix) -> Result<Tensor, TrainError> {
        let (head, found) = (self.head.head().in_dim(), vectors.columns());
        if head != found && vectors.rows() > 0 {
            return Err(TrainError::Setting(format!(
                "the head is for embeddings of length {head}, these have length {found}"
            )));
        }
        let vectors = match self.normalize {
            true => normalized(vectors),
            false => vectors,
        };
        Ok(to_tensor(&vectors, &self.device)?)
    }

    fn embed(&self, texts: &Tensor, rows: &[u32]) -> Result<Tensor, TrainError> {
        let rows = Tensor::from_slice(rows, rows.len(), &self.device)?;
        let texts = texts.index_select(&rows, 0)?;
        Ok(self.head.head().forward(&texts, Mode::Eval)?.detach())
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Tensor>,
        loss: &mut BatchLoss<'_>,
    ) -> Result<Learned, TrainError> {
        let rows = Tensor::from_slice(batch.pairs, batch.pairs.len(), &self.device)?;
        let halves = [
            batch.anchors.index_select(&rows, 0)?,
            batch.positives.index_select(&rows, 0)?,
        ];
        let mode = Mode::Train { seed: batch.seed };
        let head = self.head.head();
        let embeddings = head.forward(&Tensor::cat(&halves, 0)?, mode)?;
        let loss = loss(&embeddings)?;
        let value = number(&loss)?;
        if value.is_finite() {
            self.adam.step(&loss.backward()?)?;
        }
        Ok(Learned {
            loss: value,
            embeddings: embeddings.detach(),
        })
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        Ok(Snapshot {
            weights: self.head.weights()?,
            adam: self.adam.state()?,
        })
    }

    fn restore(&mut self, snapshot: &Snapshot, lr: f64) -> Result<(), TrainError> {
        self.head.set_weights(&snapshot.weights)?;
        self.adam.restore(&snapshot.adam)?;
        self.adam.set_lr(lr);
        Ok(())
    }

    /// The settings say it all.
    fn hash(&self, _hasher: &mut Sha256) {}
}
