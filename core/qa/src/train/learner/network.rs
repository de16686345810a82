use super::{Batch, Learner, in_batch::InBatch, texts};
use crate::train::{
    Pairs, Settings, TrainError,
    bags::Bags,
    checkpoint::Snapshot,
    data::{Fingerprint, Texts as _},
    objective::{Loss, LossValue, Objective},
};
use candle_core::{Device, Tensor, Var};
use nearsay_bert::finetune::{AdamW, FineTuner, TunerState};
use nearsay_core::{
    candle::{adam::AdamState, to_matrix, to_tensor},
    head::{Weight, Weights},
    matrix::{Matrix, ShapeError},
    metric::Ranks,
    sample::PairTargets,
};
use std::borrow::Cow;

/// Texts embedded at once when nothing is learned from them.
const AT_ONCE: usize = 256;

/// The weights of a transformer, optimised by AdamW on the CPU.
///
/// Texts are token ids, special tokens included.
pub struct NetworkLearner {
    tuner: FineTuner,
    optimizer: AdamW,
    gradient: Gradient,
}

/// The gradient of the loss with respect to the embeddings.
#[allow(clippy::large_enum_variant)] // Only one value exists per run.
enum Gradient {
    /// In closed form.
    Closed {
        in_batch: InBatch,
        /// Sum of a batch's slopes; unused.
        total: Vec<f32>,
    },
    /// By candle.
    Autograd(Objective),
}

impl NetworkLearner {
    /// A learner of a transformer for pairs with this many distinct answers.
    ///
    /// # Errors
    /// When a parameter of the loss is not a variable.
    pub fn new(
        settings: &Settings,
        loss: &Loss,
        groups: usize,
        tuner: FineTuner,
    ) -> Result<Self, TrainError> {
        let dim = tuner.dim();
        let closed = InBatch::of(settings, dim).filter(|_| loss.is_from_settings());
        let gradient = if let Some(in_batch) = closed {
            Gradient::Closed {
                in_batch,
                total: vec![0.0; dim],
            }
        } else {
            let objective = Objective::new(settings, loss, groups, dim, &Device::Cpu)?;
            Gradient::Autograd(objective)
        };
        Ok(Self {
            optimizer: AdamW {
                lr: settings.lr,
                weight_decay: settings.weight_decay,
            },
            gradient,
            tuner,
        })
    }

    /// The transformer.
    #[must_use]
    pub fn tuner(&self) -> &FineTuner {
        &self.tuner
    }

    /// Sets the weights.
    ///
    /// # Errors
    /// When they are another transformer's.
    pub fn keep(&mut self, weights: &Weights) -> Result<(), TrainError> {
        let state = TunerState {
            weights: weights
                .iter()
                .map(|weight| weight.value.data().to_vec())
                .collect(),
            ..self.tuner.state()
        };
        self.set(&state)
    }

    fn set(&mut self, state: &TunerState) -> Result<(), TrainError> {
        let other = |_| TrainError::Checkpoint("it is one of another network".into());
        self.tuner.set_state(state).map_err(other)
    }

    /// The embeddings of texts, `[n, dim]`.
    fn means(&mut self, texts: &[&[u32]]) -> Result<Matrix, TrainError> {
        let mut data = Vec::with_capacity(texts.len() * self.tuner.dim());
        for texts in texts.chunks(AT_ONCE) {
            data.extend(self.tuner.embed(texts)?.into_data());
        }
        Ok(Matrix::new(texts.len(), self.tuner.dim(), data)?)
    }
}

/// Compares and ranks embeddings; returns whether they are finite.
fn compare(
    in_batch: &mut InBatch,
    embeddings: &Matrix,
    targets: &PairTargets,
    ranks: &mut Ranks,
) -> Result<bool, ShapeError> {
    let room = in_batch.embeddings(embeddings.rows() / 2);
    room.copy_from_slice(embeddings.data());
    let finite = in_batch.compare()?;
    in_batch.rank(targets, ranks)?;
    Ok(finite)
}

impl Learner for NetworkLearner {
    type Texts = Bags;
    type Placed = Bags;

    fn place(&self, texts: Bags) -> Result<Bags, TrainError> {
        let texts_in = (0..texts.len()).map(|text| texts.get(text));
        self.tuner.check(&texts_in.collect::<Vec<_>>())?;
        Ok(texts)
    }

    fn set_guide(&mut self, guide: Pairs) {
        if let Gradient::Autograd(objective) = &mut self.gradient {
            objective.set_guide(guide);
        }
    }

    fn embed(&mut self, texts: &Bags, rows: &[u32]) -> Result<Tensor, TrainError> {
        let texts: Vec<&[u32]> = rows.iter().map(|&row| texts.get(row as usize)).collect();
        Ok(to_tensor(&self.means(&texts)?, &Device::Cpu)?)
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Bags>,
        _seed: u64,
        ranks: &mut Ranks,
    ) -> Result<f32, TrainError> {
        let targets = batch.targets;
        let Self {
            tuner,
            optimizer,
            gradient,
        } = self;
        let mut loss = |embeddings: &Matrix| -> Result<(f32, Matrix), TrainError> {
            let (rows, columns) = (embeddings.rows(), embeddings.columns());
            match gradient {
                Gradient::Closed { in_batch, total } => {
                    if !compare(in_batch, embeddings, targets, ranks)? {
                        return Ok((f32::NAN, Matrix::zeros(rows, columns)));
                    }
                    let loss = in_batch.loss(targets);
                    let slopes = in_batch.slopes(total)?.to_vec();
                    Ok((loss, Matrix::new(rows, columns, slopes)?))
                }
                Gradient::Autograd(objective) => {
                    let embeddings = Var::from_tensor(&to_tensor(embeddings, &Device::Cpu)?)?;
                    let LossValue { value, gradients } =
                        objective.compute(embeddings.as_tensor(), batch.pairs, targets)?;
                    let zeros = || Matrix::zeros(rows, columns);
                    let Some(gradients) = gradients else {
                        return Ok((f32::NAN, zeros()));
                    };
                    objective.step(&gradients)?;
                    objective.rank(&embeddings.as_detached_tensor(), targets, ranks)?;
                    let slopes = gradients.get(&embeddings).map(to_matrix).transpose()?;
                    Ok((value, slopes.unwrap_or_else(zeros)))
                }
            }
        };
        tuner.step(&texts(&batch), *optimizer, &mut loss)
    }

    fn rank(&mut self, batch: Batch<'_, Bags>, ranks: &mut Ranks) -> Result<(), TrainError> {
        let embeddings = self.means(&texts(&batch))?;
        match &mut self.gradient {
            Gradient::Closed { in_batch, .. } => {
                compare(in_batch, &embeddings, batch.targets, ranks)?;
                Ok(())
            }
            Gradient::Autograd(objective) => {
                let embeddings = to_tensor(&embeddings, &Device::Cpu)?;
                objective.rank(&embeddings, batch.targets, ranks)
            }
        }
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        let TunerState {
            weights,
            first,
            second,
            steps,
        } = self.tuner.state();
        let row = |list: Vec<f32>| Matrix::new(1, list.len(), list);
        let rows = |lists: Vec<Vec<f32>>| lists.into_iter().map(row).collect::<Result<_, _>>();
        let weights = weights.into_iter().enumerate().map(|(number, list)| {
            Ok(Weight {
                name: number.to_string(),
                value: row(list)?,
            })
        });
        let mut snapshot = Snapshot {
            weights: weights.collect::<Result<_, ShapeError>>()?,
            adam: AdamState {
                step: steps,
                first: rows(first)?,
                second: rows(second)?,
            },
        };
        if let Gradient::Autograd(objective) = &self.gradient {
            objective.save(&mut snapshot)?;
        }
        Ok(snapshot)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let snapshot = match &mut self.gradient {
            Gradient::Closed { .. } => Cow::Borrowed(snapshot),
            Gradient::Autograd(objective) => objective.restore(snapshot)?,
        };
        let lists = |values: &[Matrix]| values.iter().map(|value| value.data().to_vec()).collect();
        let state = TunerState {
            weights: snapshot
                .weights
                .iter()
                .map(|weight| weight.value.data().to_vec())
                .collect(),
            first: lists(&snapshot.adam.first),
            second: lists(&snapshot.adam.second),
            steps: snapshot.adam.step,
        };
        self.set(&state)
    }

    fn set_lr(&mut self, lr: f64) {
        self.optimizer.lr = lr;
        if let Gradient::Autograd(objective) = &mut self.gradient {
            objective.set_lr(lr);
        }
    }

    fn hash(&self, hasher: &mut Fingerprint) {
        for (name, _, numbers) in self.tuner.tensors() {
            hasher.update(name.as_bytes());
            for number in numbers {
                hasher.update(number.to_le_bytes());
            }
        }
    }
}
