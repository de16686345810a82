use super::{affine::Affine, head_input};
use crate::train::{
    Settings, TrainError,
    checkpoint::Snapshot,
    learner::{
        Batch, Learner,
        in_batch::{InBatch, ROWS, all_threads},
    },
    settings::{Purpose, seed},
};
use candle_core::{Device, Tensor};
use nearsay_core::{
    candle::adam::{AdamConfig, AdamState},
    head::{Mode, Weights, drop_in_place},
    matrix::{Matrix, ShapeError},
    metric::Ranks,
    sample::BatchError,
};
use nearsay_kernel::gemm::{View, ViewMut, matmul};
use rayon::prelude::*;

/// An affine head under a ranking loss over cosines: forward pass, loss, gradient and batch metrics in closed
/// form.
///
/// With `X` the batch `[2n, in]`, all anchors first, `A` and `c` the head's map, and `∂L/∂Y` as
/// `InBatch` has it:
///
/// ```text
/// Y = X·Aᵀ + c        ∂L/∂A = ∂L/∂Yᵀ·X          ∂L/∂c = Σ ∂L/∂y
/// ```
///
/// A step takes five matrix products, and half of two more for the metrics. Operations between them are fused
/// into one pass, and memory is reused between steps. Each sum has a fixed order, so runs are bit-equal for any
/// number of threads on processors of one kind. The loss of a batch with a non-finite length isn't finite.
pub struct ClosedHead {
    head: Affine,
    weights: Weights,
    adam: AdamConfig,
    moments: AdamState,
    normalize: bool,
    in_batch: InBatch,
    room: Room,
    gradients: Vec<Vec<f32>>,
}

/// Buffers of a step.
#[derive(Default)]
struct Room {
    /// `X`
    x: Vec<f32>,
    /// `∂L/∂A`
    of_matrix: Vec<f32>,
    /// `∂L/∂c`
    of_shift: Vec<f32>,
}

impl ClosedHead {
    /// Creates the untrained head of the settings on the CPU; `None` if it has no closed form here.
    ///
    /// Heads: a skip connection of one layer without dropout in it, a residual, a linear one; each
    /// alone or behind dropout. Losses: those of in-batch negatives over either cosine, with a scale of
    /// at most 64 in Quaterion's form and 32 in the plain one.
    #[must_use]
    pub fn new(settings: &Settings) -> Option<Self> {
        let mut head = Affine::new(&settings.head)?;
        let in_batch = InBatch::of(settings, head.out_dim)?;
        let weights = settings.head.init(seed(settings.seed, Purpose::Weights, 0));
        head.set(&weights);
        let zeros = || {
            let values = weights.iter().map(|weight| &weight.value);
            let zeros = values.map(|value| Matrix::zeros(value.rows(), value.columns()));
            zeros.collect()
        };
        let lengths = weights.iter().map(|weight| weight.value.data().len());
        Some(Self {
            adam: AdamConfig {
                lr: settings.lr,
                weight_decay: settings.weight_decay,
                ..AdamConfig::default()
            },
            moments: AdamState {
                step: 0,
                first: zeros(),
                second: zeros(),
            },
            gradients: lengths.map(|length| vec![0.0; length]).collect(),
            room: Room {
                of_matrix: vec![0.0; head.matrix.len()],
                of_shift: vec![0.0; head.out_dim],
                ..Room::default()
            },
            head,
            weights,
            normalize: settings.normalize,
            in_batch,
        })
    }

    /// Embeds and normalises a batch and compares its halves. Returns whether every length was finite.
    fn forward(&mut self, batch: &Batch<'_, Matrix>, mode: Mode) -> Result<bool, TrainError> {
        let n = batch.pairs.len();
        batch.targets.check::<candle_core::Error>(2 * n)?;
        let in_dim = self.head.in_dim;
        let x = &mut self.room.x;
        x.resize(2 * n * in_dim, 0.0);
        x.par_chunks_mut(ROWS * in_dim)
            .enumerate()
            .for_each(|(block, x)| {
                for (place, x) in (block * ROWS..).zip(x.chunks_exact_mut(in_dim)) {
                    let (side, pair) = if place < n {
                        (batch.anchors, batch.pairs[place])
                    } else {
                        (batch.positives, batch.pairs[place - n])
                    };
                    x.copy_from_slice(side.row(pair as usize));
                }
            });
        drop_in_place(x, self.head.dropout, mode);
        self.head.apply(x, self.in_batch.embeddings(n))?;
        Ok(self.in_batch.compare()?)
    }

    /// Computes the gradients of the weights from the last loss.
    fn backward(&mut self, n: usize) -> Result<(), ShapeError> {
        let (in_dim, dim) = (self.head.in_dim, self.head.out_dim);
        let Room {
            x,
            of_matrix,
            of_shift,
        } = &mut self.room;
        let slopes = self.in_batch.slopes(of_shift)?;
        matmul(
            ViewMut::new(of_matrix, dim, in_dim),
            0.0,
            1.0,
            View::new(slopes, 2 * n, dim).t(),
            View::new(x, 2 * n, in_dim),
            all_threads(),
        )?;
        let gradients = &mut self.gradients;
        self.head
            .pull_back(&self.weights, of_matrix, of_shift, gradients);
        Ok(())
    }

    /// Takes one step of Adam.
    fn step(&mut self) {
        self.moments.step += 1;
        let AdamState {
            step,
            first,
            second,
        } = &mut self.moments;
        let moments = first.iter_mut().zip(second);
        let weights = self.weights.iter_mut().zip(moments).zip(&self.gradients);
        for ((weight, (first, second)), gradient) in weights {
            let moments = (first.data_mut(), second.data_mut());
            self.adam
                .update(*step, weight.value.data_mut(), moments, gradient);
        }
        self.head.set(&self.weights);
    }
}

impl Affine {
    /// Computes `Y = X·Aᵀ + c`, `[n, in] → [n, out]`.
    fn apply(&self, x: &[f32], y: &mut [f32]) -> Result<(), ShapeError> {
        let (rows, (in_dim, out_dim)) = (x.len() / self.in_dim, (self.in_dim, self.out_dim));
        y.par_chunks_mut(ROWS * out_dim).for_each(|y| {
            y.chunks_exact_mut(out_dim)
                .for_each(|y| y.copy_from_slice(&self.shift));
        });
        matmul(
            ViewMut::new(y, rows, out_dim),
            1.0,
            1.0,
            View::new(x, rows, in_dim),
            View::new(&self.matrix, out_dim, in_dim).t(),
            all_threads(),
        )
    }
}

impl Learner for ClosedHead {
    type Texts = Matrix;
    type Placed = Matrix;

    fn place(&self, vectors: Matrix) -> Result<Matrix, TrainError> {
        head_input(vectors, self.head.in_dim, self.normalize)
    }

    fn embed(&mut self, texts: &Matrix, rows: &[u32]) -> Result<Tensor, TrainError> {
        let vectors = rows.iter().flat_map(|&row| texts.row(row as usize));
        let vectors: Vec<f32> = vectors.copied().collect();
        let mut embeddings = vec![0.0; rows.len() * self.head.out_dim];
        self.head.apply(&vectors, &mut embeddings)?;
        let shape = (rows.len(), self.head.out_dim);
        Ok(Tensor::from_vec(embeddings, shape, &Device::Cpu)?)
    }

    fn learn(
        &mut self,
        batch: Batch<'_, Matrix>,
        seed: u64,
        ranks: &mut Ranks,
    ) -> Result<f32, TrainError> {
        let targets = batch.targets;
        if let Some(pair) = targets.scores.iter().position(|&score| score < 1.0) {
            let score = targets.scores[pair];
            return Err(BatchError::<candle_core::Error>::NotPositive { pair, score }.into());
        }
        if !self.forward(&batch, Mode::Train { seed })? {
            return Ok(f32::NAN);
        }
        self.in_batch.rank(targets, ranks)?;
        let loss = self.in_batch.loss(targets);
        if loss.is_finite() {
            self.backward(targets.len())?;
            self.step();
        }
        Ok(loss)
    }

    fn rank(&mut self, batch: Batch<'_, Matrix>, ranks: &mut Ranks) -> Result<(), TrainError> {
        self.forward(&batch, Mode::Eval)?;
        Ok(self.in_batch.rank(batch.targets, ranks)?)
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        Ok(Snapshot {
            weights: self.weights.clone(),
            adam: self.moments.clone(),
        })
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), TrainError> {
        let Snapshot { weights, adam } = snapshot;
        let dims = |value: &Matrix| (value.rows(), value.columns());
        let fits = |values: &[Matrix]| {
            let own = self.weights.iter().map(|weight| dims(&weight.value));
            own.eq(values.iter().map(dims))
        };
        let own = self.weights.iter().map(|w| (&w.name, dims(&w.value)));
        let same = own.eq(weights.iter().map(|w| (&w.name, dims(&w.value))));
        if !same || !fits(&adam.first) || !fits(&adam.second) {
            return Err(TrainError::Checkpoint("it is one of another head".into()));
        }
        self.weights.clone_from(weights);
        self.moments.clone_from(adam);
        self.head.set(&self.weights);
        Ok(())
    }

    fn set_lr(&mut self, lr: f64) {
        self.adam.lr = lr;
    }
}
