use super::{Batch, Learner};
use crate::train::{
    Pairs, Settings, TrainError,
    checkpoint::Snapshot,
    data::{Fingerprint, Texts as _},
    objective::{LossValue, Objective},
};
use candle_core::{Device, Tensor, Var};
use nearsay_core::{
    candle::{
        adam::{Adam, AdamConfig},
        text::SharedEncoder,
        to_matrix, to_tensor,
    },
    encoder::BoxError,
    head::{Mode, Weight},
    metric::Ranks,
};

/// Texts encoded at once without gradient.
const AT_ONCE: usize = 64;

/// All parameters of an encoder on candle, optimised by Adam.
pub struct EncoderLearner {
    encoder: SharedEncoder,
    names: Vec<String>,
    variables: Vec<Var>,
    adam: Adam,
    objective: Objective,
    device: Device,
}

impl EncoderLearner {
    /// A learner of an encoder whose parameters are variables on this device.
    ///
    /// # Errors
    /// When a parameter is not a variable, or the device refuses.
    pub fn new(
        settings: &Settings,
        encoder: SharedEncoder,
        objective: Objective,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (names, variables): (Vec<String>, Vec<Var>) = encoder.variables()?.into_iter().unzip();
        let config = AdamConfig {
            lr: settings.lr,
            weight_decay: settings.weight_decay,
            ..AdamConfig::default()
        };
        Ok(Self {
            adam: Adam::new(variables.clone(), config)?,
            encoder,
            names,
            variables,
            objective,
            device: device.clone(),
        })
    }

    /// Sets the encoder's weights, by their order.
    ///
    /// # Errors
    /// When a shape differs.
    pub fn set_weights(&self, weights: &[Weight]) -> Result<(), TrainError> {
        for (variable, weight) in self.variables.iter().zip(weights) {
            variable.set(&to_tensor(&weight.value, variable.device())?)?;
        }
        Ok(())
    }

    fn forward(&self, batch: &Batch<'_, Vec<String>>, mode: Mode) -> Result<Tensor, TrainError> {
        let texts: Vec<&str> = [batch.anchors, batch.positives]
            .into_iter()
            .flat_map(|side| batch.pairs.iter().map(|&pair| side[pair as usize].as_str()))
            .collect();
        self.encoder.embed(&texts, mode).map_err(encoder_error)
    }
}

fn encoder_error(error: BoxError) -> TrainError {
    TrainError::Encoder(error)
}

impl Learner for EncoderLearner {
    type Texts = Vec<String>;
    type Placed = Vec<String>;

    fn place(&self, texts: Vec<String>) -> Result<Vec<String>, TrainError> {
        Ok(texts)
    }

    fn set_guide(&mut self, guide: Pairs) {
        self.objective.set_guide(guide);
    }

    fn embed(&mut self, texts: &Vec<String>, rows: &[u32]) -> Result<Tensor, TrainError> {
        let mut parts = Vec::new();
        for rows in rows.chunks(AT_ONCE) {
            let texts: Vec<&str> = rows
                .iter()
                .map(|&row| texts[row as usize].as_str())
                .collect();
            let part = self.encoder.embed(&texts, Mode::Eval);
            parts.push(part.map_err(encoder_error)?.detach());
        }
        if parts.is_empty() {
            let shape = (0, self.encoder.dim());
            return Ok(Tensor::zeros(shape, candle_core::DType::F32, &self.device)?);
        }
        Ok(Tensor::cat(&parts, 0)?)
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Vec<String>>,
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

    fn rank(&mut self, batch: Batch<'_, Vec<String>>, ranks: &mut Ranks) -> Result<(), TrainError> {
        let embeddings = self.forward(&batch, Mode::Eval)?.detach();
        self.objective.rank(&embeddings, batch.targets, ranks)
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let mut weights = Vec::with_capacity(self.variables.len());
        for (name, variable) in self.names.iter().zip(&self.variables) {
            weights.push(Weight {
                name: name.clone(),
                value: to_matrix(variable.as_tensor())?,
            });
        }
        let mut snapshot = Snapshot {
            weights,
            adam: self.adam.state()?,
        };
        self.objective.save(&mut snapshot)?;
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let snapshot = self.objective.restore(snapshot)?;
        let names = snapshot.weights.iter().map(|weight| &weight.name);
        if !names.eq(&self.names) {
            return Err(TrainError::Checkpoint(
                "it is one of another encoder".into(),
            ));
        }
        self.set_weights(&snapshot.weights)?;
        Ok(self.adam.restore(&snapshot.adam)?)
    }

    fn set_lr(&mut self, lr: f64) {
        self.adam.set_lr(lr);
        self.objective.set_lr(lr);
    }

    fn hash(&self, hasher: &mut Fingerprint) {
        if let Ok(snapshot) = self.snapshot() {
            for weight in &snapshot.weights {
                hasher.update(&weight.name);
                weight.value.hash(hasher);
            }
        }
    }
}
