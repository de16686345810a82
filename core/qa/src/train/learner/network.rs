use super::{Batch, Learner, in_batch::InBatch, texts};
use crate::train::{Settings, TrainError, bags::Bags, checkpoint::Snapshot, data::Texts as _};
use candle_core::{Device, Tensor};
use nearsay_bert::finetune::{AdamW, FineTuner, TunerState};
use nearsay_core::{
    candle::{adam::AdamState, to_tensor},
    head::{Weight, Weights},
    matrix::{Matrix, ShapeError},
    metric::Ranks,
    sample::PairTargets,
};
use sha2::{Digest as _, Sha256};

/// Texts embedded at once when nothing is learned from them.
const AT_ONCE: usize = 256;

/// A network whose own weights learn, by AdamW, on the processor.
///
/// Texts are token ids, special tokens included. The loss is one of in-batch negatives over a cosine.
pub struct NetworkLearner {
    tuner: FineTuner,
    optimizer: AdamW,
    in_batch: InBatch,
    /// Sum of a batch's slopes, which nobody asks for.
    total: Vec<f32>,
}

impl NetworkLearner {
    /// Learns by these settings; `None` for a loss that is not computed here.
    #[must_use]
    pub fn new(settings: &Settings, tuner: FineTuner) -> Option<Self> {
        let dim = tuner.dim();
        Some(Self {
            optimizer: AdamW {
                lr: settings.lr,
                weight_decay: settings.weight_decay,
            },
            in_batch: InBatch::new(&settings.loss(), dim)?,
            total: vec![0.0; dim],
            tuner,
        })
    }

    /// The network as it is.
    #[must_use]
    pub fn tuner(&self) -> &FineTuner {
        &self.tuner
    }

    /// Takes the weights of a run's end.
    ///
    /// # Errors
    /// When they are of another network.
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

/// Takes embeddings in and ranks them; whether they are finite.
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
            in_batch,
            total,
        } = self;
        let mut loss = |embeddings: &Matrix| -> Result<(f32, Matrix), TrainError> {
            let (rows, columns) = (embeddings.rows(), embeddings.columns());
            if !compare(in_batch, embeddings, targets, ranks)? {
                return Ok((f32::NAN, Matrix::zeros(rows, columns)));
            }
            let loss = in_batch.loss(targets);
            let slopes = in_batch.slopes(total)?.to_vec();
            Ok((loss, Matrix::new(rows, columns, slopes)?))
        };
        tuner.step(&texts(&batch), *optimizer, &mut loss)
    }

    fn rank(&mut self, batch: Batch<'_, Bags>, ranks: &mut Ranks) -> Result<(), TrainError> {
        let embeddings = self.means(&texts(&batch))?;
        compare(&mut self.in_batch, &embeddings, batch.targets, ranks)?;
        Ok(())
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
        Ok(Snapshot {
            weights: weights.collect::<Result<_, ShapeError>>()?,
            adam: AdamState {
                step: steps,
                first: rows(first)?,
                second: rows(second)?,
            },
        })
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
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
    }

    fn hash(&self, hasher: &mut Sha256) {
        for (name, _, numbers) in self.tuner.tensors() {
            hasher.update(name.as_bytes());
            for number in numbers {
                hasher.update(number.to_le_bytes());
            }
        }
    }
}
