use super::{
    affine::Affine,
    placeable,
    ranking::{ROWS, Ranking},
    ranks::Counter,
};
use crate::{
    candle::adam::{AdamConfig, AdamState},
    head::{Mode, Weights, drop_in_place},
    kernel::gemm::{Parallelism, View, ViewMut, matmul},
    matrix::{Matrix, ShapeError, dot},
    metric::Ranks,
    sample::{BatchError, PairTargets},
    train::{
        Settings, TrainError,
        checkpoint::Snapshot,
        learner::{Batch, Learner},
        settings::{Purpose, seed},
    },
};
use candle_core::{Device, Tensor};
use pulp::Arch;
use rayon::prelude::*;
use sha2::Sha256;

/// A length counts as at least this, as in [`Tensor::normalize_rows`](crate::tensor::Tensor).
const SHORTEST: f32 = 1e-12;

/// A head that is one affine map, under a ranking loss over cosines: forward, loss, gradient and batch
/// metrics by hand.
///
/// With `X` the batch `[2n, in]`, all anchors first, `A` and `c` the head's map, `ŷ` the normalised
/// rows, and `∂L/∂U` as `Ranking` has it:
///
/// ```text
/// Y = X·Aᵀ + c        ŷ = y/‖y‖        U = Ŷ_anchors·Ŷ_positivesᵀ
/// ∂L/∂Ŷ_anchors = ∂L/∂U·Ŷ_positives           ∂L/∂Ŷ_positives = ∂L/∂Uᵀ·Ŷ_anchors
/// ∂L/∂y = (∂L/∂ŷ − (∂L/∂ŷ·ŷ)·ŷ)/‖y‖          ∂L/∂A = ∂L/∂Yᵀ·X          ∂L/∂c = Σ ∂L/∂y
/// ```
///
/// That is five products of matrices, and half of two more for the metrics; what lies between them is
/// done in one pass over each, and all memory is kept from step to step. Every number is one sum in an
/// order of its own, so that runs are the same bit for bit whatever the number of threads, on processors
/// of one kind. A batch with a length that is not finite has no finite loss.
pub struct ClosedHead {
    head: Affine,
    weights: Weights,
    adam: AdamConfig,
    moments: AdamState,
    normalize: bool,
    ranking: Ranking,
    counter: Counter,
    room: Room,
    gradients: Vec<Vec<f32>>,
}

/// Memory of a step.
#[derive(Default)]
struct Room {
    /// `X`
    x: Vec<f32>,
    /// `Ŷ`
    unit: Vec<f32>,
    /// `1/‖y‖`; not a number where that is not finite.
    inverse: Vec<f32>,
    /// `∂L/∂Y`
    slopes: Vec<f32>,
    /// `∂L/∂A`
    of_matrix: Vec<f32>,
    /// `∂L/∂c`
    of_shift: Vec<f32>,
    /// Each block's part of it, block by block.
    parts: Vec<f32>,
}

fn all_threads() -> Parallelism {
    Parallelism::Rayon(rayon::current_num_threads())
}

impl ClosedHead {
    /// The untrained head of these settings, on the processor; `None` for what is not computed here.
    ///
    /// Heads: a skip connection of one layer without dropout in it, a residual, a linear one; each
    /// alone or behind dropout. Losses: either cosine as distance, with a scale of at most 64 in
    /// Quaterion's form and 32 in the plain one.
    #[must_use]
    pub fn new(settings: &Settings) -> Option<Self> {
        let mut head = Affine::new(&settings.head)?;
        let ranking = Ranking::new(&settings.loss())?;
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
            ranking,
            counter: Counter::default(),
        })
    }

    /// Embeds a batch, normalised, and compares its halves; whether every length was finite.
    fn forward(&mut self, batch: &Batch<'_, Matrix>, mode: Mode) -> Result<bool, TrainError> {
        let n = batch.pairs.len();
        batch.targets.check::<candle_core::Error>(2 * n)?;
        let (in_dim, out_dim) = (self.head.in_dim, self.head.out_dim);
        let Room {
            x, unit, inverse, ..
        } = &mut self.room;
        x.resize(2 * n * in_dim, 0.0);
        unit.resize(2 * n * out_dim, 0.0);
        inverse.resize(2 * n, 0.0);
        x.par_chunks_mut(ROWS * in_dim)
            .enumerate()
            .for_each(|(block, x)| {
                for (place, x) in (block * ROWS..).zip(x.chunks_exact_mut(in_dim)) {
                    let (side, pair) = match place < n {
                        true => (batch.anchors, batch.pairs[place]),
                        false => (batch.positives, batch.pairs[place - n]),
                    };
                    x.copy_from_slice(side.row(pair as usize));
                }
            });
        drop_in_place(x, self.head.dropout, mode);
        self.head.apply(x, unit)?;
        unit.par_chunks_mut(ROWS * out_dim)
            .zip(inverse.par_chunks_mut(ROWS))
            .for_each(|(y, inverse)| Arch::new().dispatch(|| normalize(y, inverse)));
        self.ranking.compare(unit, n, all_threads())?;
        Ok(inverse.iter().all(|inverse| inverse.is_finite()))
    }

    /// The gradients of the weights, from the loss computed last.
    fn backward(&mut self, n: usize) -> Result<(), ShapeError> {
        let (in_dim, dim) = (self.head.in_dim, self.head.out_dim);
        let Room {
            x,
            unit,
            inverse,
            slopes,
            of_matrix,
            of_shift,
            parts,
        } = &mut self.room;
        self.ranking.differentiate(n);
        slopes.resize(2 * n * dim, 0.0);
        let similarities = View::new(&self.ranking.similarities, n, n);
        let (anchors, positives) = unit.split_at(n * dim);
        let (of_anchors, of_positives) = slopes.split_at_mut(n * dim);
        for (slopes, similarities, other) in [
            (of_anchors, similarities, positives),
            (of_positives, similarities.t(), anchors),
        ] {
            let slopes = ViewMut::new(slopes, n, dim);
            let other = View::new(other, n, dim);
            matmul(slopes, 0.0, 1.0, similarities, other, all_threads())?;
        }
        parts.resize((2 * n).div_ceil(ROWS) * dim, 0.0);
        slopes
            .par_chunks_mut(ROWS * dim)
            .zip(unit.par_chunks(ROWS * dim))
            .zip(inverse.par_chunks(ROWS))
            .zip(parts.par_chunks_mut(dim))
            .for_each(|(((slopes, unit), inverse), sum)| {
                Arch::new().dispatch(|| project(slopes, unit, inverse, sum));
            });
        of_shift.fill(0.0);
        for part in parts.chunks_exact(dim) {
            of_shift.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        }
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

    /// One step of Adam.
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

    /// The ranks of the batch that was embedded last.
    fn count(&mut self, targets: &PairTargets, ranks: &mut Ranks) -> Result<(), ShapeError> {
        let (unit, ranking) = (&self.room.unit, &self.ranking);
        self.counter
            .rank(unit, &ranking.similarities, ranking.span, targets, ranks)
    }
}

impl Affine {
    /// `Y = X·Aᵀ + c`: `[n, in] → [n, out]`.
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

/// y ← y/‖y‖, row by row, with what each was multiplied by.
#[inline(always)]
fn normalize(y: &mut [f32], inverse: &mut [f32]) {
    let dim = y.len() / inverse.len();
    for (y, inverse) in y.chunks_exact_mut(dim).zip(inverse) {
        let square = dot(y, y);
        *inverse = match square.is_finite() {
            true => 1.0 / square.sqrt().max(SHORTEST),
            false => f32::NAN,
        };
        y.iter_mut().for_each(|y| *y *= *inverse);
    }
}

/// From the slopes of normalised rows to those of the rows themselves, with their sum.
#[inline(always)]
fn project(slopes: &mut [f32], unit: &[f32], inverse: &[f32], sum: &mut [f32]) {
    let dim = sum.len();
    sum.fill(0.0);
    let rows = slopes.chunks_exact_mut(dim).zip(unit.chunks_exact(dim));
    for ((slopes, unit), &inverse) in rows.zip(inverse) {
        // A row shorter than the shortest is divided by a constant.
        let along = match inverse < 1.0 / SHORTEST {
            true => dot(slopes, unit),
            false => 0.0,
        };
        for ((slope, unit), sum) in slopes.iter_mut().zip(unit).zip(sum.iter_mut()) {
            *slope = (*slope - along * unit) * inverse;
            *sum += *slope;
        }
    }
}

impl Learner for ClosedHead {
    type Texts = Matrix;
    type Placed = Matrix;

    fn place(&self, vectors: Matrix) -> Result<Matrix, TrainError> {
        placeable(vectors, self.head.in_dim, self.normalize)
    }

    fn embed(&self, texts: &Matrix, rows: &[u32]) -> Result<Tensor, TrainError> {
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
        self.count(targets, ranks)?;
        let loss = self.ranking.loss(targets);
        if loss.is_finite() {
            self.backward(targets.len())?;
            self.step();
        }
        Ok(loss)
    }

    fn rank(&mut self, batch: Batch<'_, Matrix>, ranks: &mut Ranks) -> Result<(), TrainError> {
        self.forward(&batch, Mode::Eval)?;
        Ok(self.count(batch.targets, ranks)?)
    }

    fn snapshot(&self) -> Result<Snapshot, TrainError> {
        Ok(Snapshot {
            weights: self.weights.clone(),
            adam: self.moments.clone(),
        })
    }

    fn restore(&mut self, snapshot: &Snapshot, lr: f64) -> Result<(), TrainError> {
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
        self.adam.lr = lr;
        self.head.set(&self.weights);
        Ok(())
    }

    /// The settings say it all.
    fn hash(&self, _hasher: &mut Sha256) {}
}
