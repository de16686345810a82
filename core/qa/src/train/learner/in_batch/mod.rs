//! In-batch negatives: a ranking loss over the cosines of a batch, its gradient with respect to the
//! embeddings, and the batch metrics, in closed form.

mod coarse;
mod ranking;
mod ranks;

use crate::train::Settings;
use nearsay_core::{
    loss::{LossKind, MultipleNegativesRanking},
    matrix::{ShapeError, dot},
    metric::Ranks,
    sample::PairTargets,
};
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use pulp::Arch;
use ranking::Ranking;
use ranks::Counter;
use rayon::prelude::*;

/// Rows per task: with 1,024 columns they fill half of a typical L2 cache. Sums are computed per block and then
/// over blocks, so they don't depend on the assignment of blocks to threads.
pub(super) const ROWS: usize = 128;

/// Lower bound of a length, as in [`Tensor::normalize_rows`](nearsay_core::tensor::Tensor).
const SHORTEST: f32 = 1e-12;

/// Uses all threads.
pub(super) fn all_threads() -> Parallelism {
    Parallelism::Rayon(rayon::current_num_threads())
}

/// A batch of embeddings `Y`, `[2n, d]`, all anchors first, under a ranking loss over cosines.
///
/// With `ŷ` the normalised rows, and `∂L/∂U` as `Ranking` has it:
///
/// ```text
/// ŷ = y/‖y‖        U = Ŷ_anchors·Ŷ_positivesᵀ
/// ∂L/∂Ŷ_anchors = ∂L/∂U·Ŷ_positives           ∂L/∂Ŷ_positives = ∂L/∂Uᵀ·Ŷ_anchors
/// ∂L/∂y = (∂L/∂ŷ − (∂L/∂ŷ·ŷ)·ŷ)/‖y‖
/// ```
///
/// Reuses its memory between batches.
pub(super) struct InBatch {
    ranking: Ranking,
    counter: Counter,
    dim: usize,
    /// `Y`, later `Ŷ`.
    unit: Vec<f32>,
    /// `1/‖y‖`; NaN if it isn't finite.
    inverse: Vec<f32>,
    /// `∂L/∂Y`
    slopes: Vec<f32>,
    /// Partial sums over rows, one per block.
    parts: Vec<f32>,
}

impl InBatch {
    /// Creates a batch of embeddings of length `dim`; `None` if the loss has no closed form here.
    ///
    /// Losses: either cosine as distance, with a scale of at most 64 in Quaterion's form and 32 in the
    /// plain one.
    pub(super) fn new(loss: &MultipleNegativesRanking, dim: usize) -> Option<Self> {
        Some(Self {
            ranking: Ranking::new(loss)?,
            counter: Counter::default(),
            dim,
            unit: Vec::new(),
            inverse: Vec::new(),
            slopes: Vec::new(),
            parts: Vec::new(),
        })
    }

    /// Creates a batch for the loss of the settings; `None` if it has no closed form here.
    pub(super) fn of(settings: &Settings, dim: usize) -> Option<Self> {
        if settings.loss != LossKind::MultipleNegativesRanking {
            return None;
        }
        Self::new(&settings.ranking_loss(), dim)
    }

    /// Buffer for the embeddings of `n` pairs, `[2n, dim]`, to fill before [`compare`](Self::compare).
    pub(super) fn embeddings(&mut self, n: usize) -> &mut [f32] {
        self.unit.resize(2 * n * self.dim, 0.0);
        &mut self.unit
    }

    /// Normalises the embeddings and compares their halves. Returns whether every length was finite.
    pub(super) fn compare(&mut self) -> Result<bool, ShapeError> {
        let rows = self.unit.len() / self.dim;
        self.inverse.resize(rows, 0.0);
        self.unit
            .par_chunks_mut(ROWS * self.dim)
            .zip(self.inverse.par_chunks_mut(ROWS))
            .for_each(|(y, inverse)| Arch::new().dispatch(|| normalize(y, inverse)));
        self.ranking.compare(&self.unit, rows / 2, all_threads())?;
        Ok(self.inverse.iter().all(|inverse| inverse.is_finite()))
    }

    /// Ranks of the last comparison. Call it before [`loss`](Self::loss), which overwrites masked cosines.
    pub(super) fn rank(
        &mut self,
        targets: &PairTargets,
        ranks: &mut Ranks,
    ) -> Result<(), ShapeError> {
        let ranking = &self.ranking;
        self.counter.rank(
            &self.unit,
            &ranking.similarities,
            ranking.span,
            targets,
            ranks,
        )
    }

    /// Loss of the last comparison.
    pub(super) fn loss(&mut self, targets: &PairTargets) -> f32 {
        self.ranking.loss(targets)
    }

    /// Gradient of the last loss, `∂L/∂Y`, `[2n, dim]`; `total` receives the sum of its rows, `[dim]`.
    pub(super) fn slopes(&mut self, total: &mut [f32]) -> Result<&[f32], ShapeError> {
        let dim = self.dim;
        let n = self.inverse.len() / 2;
        self.ranking.differentiate(n);
        self.slopes.resize(2 * n * dim, 0.0);
        let similarities = View::new(&self.ranking.similarities, n, n);
        let (anchors, positives) = self.unit.split_at(n * dim);
        let (of_anchors, of_positives) = self.slopes.split_at_mut(n * dim);
        for (slopes, similarities, other) in [
            (of_anchors, similarities, positives),
            (of_positives, similarities.t(), anchors),
        ] {
            let slopes = ViewMut::new(slopes, n, dim);
            let other = View::new(other, n, dim);
            matmul(slopes, 0.0, 1.0, similarities, other, all_threads())?;
        }
        self.parts.resize((2 * n).div_ceil(ROWS) * dim, 0.0);
        self.slopes
            .par_chunks_mut(ROWS * dim)
            .zip(self.unit.par_chunks(ROWS * dim))
            .zip(self.inverse.par_chunks(ROWS))
            .zip(self.parts.par_chunks_mut(dim))
            .for_each(|(((slopes, unit), inverse), sum)| {
                Arch::new().dispatch(|| project(slopes, unit, inverse, sum));
            });
        total.fill(0.0);
        for part in self.parts.chunks_exact(dim) {
            total.iter_mut().zip(part).for_each(|(s, p)| *s += p);
        }
        Ok(&self.slopes)
    }
}

/// Computes `y ← y/‖y‖` per row and stores the factors.
#[inline(always)]
fn normalize(y: &mut [f32], inverse: &mut [f32]) {
    let dim = y.len() / inverse.len();
    for (y, inverse) in y.chunks_exact_mut(dim).zip(inverse) {
        let square = dot(y, y);
        *inverse = if square.is_finite() {
            1.0 / square.sqrt().max(SHORTEST)
        } else {
            f32::NAN
        };
        y.iter_mut().for_each(|y| *y *= *inverse);
    }
}

/// Converts gradients of normalised rows to gradients of the rows, and sums them.
#[inline(always)]
fn project(slopes: &mut [f32], unit: &[f32], inverse: &[f32], sum: &mut [f32]) {
    let dim = sum.len();
    sum.fill(0.0);
    let rows = slopes.chunks_exact_mut(dim).zip(unit.chunks_exact(dim));
    for ((slopes, unit), &inverse) in rows.zip(inverse) {
        // A row below the lower bound is divided by a constant.
        let along = if inverse < 1.0 / SHORTEST {
            dot(slopes, unit)
        } else {
            0.0
        };
        for ((slope, unit), sum) in slopes.iter_mut().zip(unit).zip(sum.iter_mut()) {
            *slope = (*slope - along * unit) * inverse;
            *sum += *slope;
        }
    }
}
