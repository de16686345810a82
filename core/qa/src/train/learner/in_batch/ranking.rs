//! The multiple negatives ranking loss over cosines, and its gradient, in closed form.

use super::ROWS;
use nearsay_bert::kernels::exp;
use nearsay_core::{
    distance::DistanceKind, loss::MultipleNegativesRanking, matrix::ShapeError, sample::PairTargets,
};
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Maximum sharpness; see [`Ranking`].
const SHARPEST: f32 = 32.0;

/// Upper bound on the lanes of a vector register.
const LANES: usize = 16;

/// [`MultipleNegativesRanking`] with a cosine distance, over normalised embeddings.
///
/// With `c` the *sharpness*, the loss's scale times the similarity's slope (½ in Quaterion's form, 1 in
/// the plain one), `uᵢⱼ` the cosine of anchor `i` and positive `j`, and `e` 0 where the mask excludes `j`
/// from the negatives of `i`:
///
/// ```text
/// eᵢⱼ = exp(c·(uᵢⱼ − 1))        rᵢ = Σⱼ eᵢⱼ        kⱼ = Σᵢ eᵢⱼ
/// L   = mean over i of ln rᵢ − c·(uᵢᵢ − 1)                                  one way
/// L   = mean over i of ½·(ln rᵢ + ln kᵢ) − c·(uᵢᵢ − 1)                      symmetric
/// ∂L/∂uᵢⱼ = c/n · (eᵢⱼ/rᵢ − [i = j])                                        one way
/// ∂L/∂uᵢⱼ = c/n · (½·eᵢⱼ·(1/rᵢ + 1/kⱼ) − [i = j])                           symmetric
/// ```
///
/// A constant subtracted from all similarities of a row or column cancels. Subtracting 1 instead of the row
/// maximum makes one exponential serve both directions. A cosine is at least −1, so `e ≥ exp(−2c)`: with
/// `c ≤ 32` no product below is denormal for any permitted batch size. Autograd handles sharper losses.
pub(super) struct Ranking {
    sharpness: f32,
    /// Slope of the distance, `span·(1 − cos)`.
    pub(super) span: f32,
    symmetric: bool,
    mask: bool,
    /// `u`, later its gradient, `[n, n]`.
    pub(super) similarities: Vec<f32>,
    /// `r`, later the factor of each row.
    rows: Vec<f32>,
    /// `k`, later the factor of each column.
    columns: Vec<f32>,
    /// Partial sums of `k`, one per block.
    parts: Vec<f32>,
    same: SameAnswers,
}

impl Ranking {
    /// Creates the loss; `None` if it has no closed form here.
    pub(super) fn new(loss: &MultipleNegativesRanking) -> Option<Self> {
        let span = match loss.distance {
            DistanceKind::Cosine => 0.5,
            DistanceKind::PlainCosine => 1.0,
            _ => return None,
        };
        let sharpness = loss.scale * span;
        (sharpness <= SHARPEST).then(|| Self {
            sharpness,
            span,
            symmetric: loss.symmetric,
            mask: loss.mask_subgroups,
            similarities: Vec::new(),
            rows: Vec::new(),
            columns: Vec::new(),
            parts: Vec::new(),
            same: SameAnswers::default(),
        })
    }

    /// Computes the cosines `u` of normalised embeddings, `[2n, d]`, all anchors first.
    pub(super) fn compare(
        &mut self,
        unit: &[f32],
        n: usize,
        parallelism: Parallelism,
    ) -> Result<(), ShapeError> {
        let dim = unit.len() / (2 * n);
        let (anchors, positives) = unit.split_at(n * dim);
        self.similarities.resize(n * n, 0.0);
        matmul(
            ViewMut::new(&mut self.similarities, n, n),
            0.0,
            1.0,
            View::new(anchors, n, dim),
            View::new(positives, n, dim).t(),
            parallelism,
        )
    }

    /// Computes the loss of the last cosines.
    pub(super) fn loss(&mut self, targets: &PairTargets) -> f32 {
        let n = targets.len();
        let sharpness = self.sharpness;
        if self.mask {
            self.same.set(&targets.subgroups);
            for i in 0..n {
                for j in self.same.others(i) {
                    self.similarities[i * n + j] = NEVER;
                }
            }
        }
        self.rows.resize(n, 0.0);
        self.columns.resize(n, 0.0);
        self.parts.resize(n.div_ceil(ROWS) * n, 0.0);
        self.similarities
            .par_chunks(ROWS * n)
            .zip(self.rows.par_chunks_mut(ROWS))
            .zip(self.parts.par_chunks_mut(n))
            .for_each(|((similarities, rows), columns)| {
                columns.fill(0.0);
                Arch::new().dispatch(Sums {
                    similarities,
                    sharpness,
                    rows,
                    columns,
                });
            });
        self.columns.fill(0.0);
        for part in self.parts.chunks_exact(n) {
            let columns = self.columns.iter_mut();
            columns.zip(part).for_each(|(sum, part)| *sum += part);
        }
        let mut total = 0.0;
        for i in 0..n {
            let own = f64::from(sharpness * (self.similarities[i * (n + 1)] - 1.0));
            let row = f64::from(self.rows[i]).ln();
            total += if self.symmetric {
                0.5 * (row + f64::from(self.columns[i]).ln()) - own
            } else {
                row - own
            };
        }
        (total / n as f64) as f32
    }

    /// Replaces the cosines by the gradient of the last loss, `∂L/∂u`.
    pub(super) fn differentiate(&mut self, n: usize) {
        let sharpness = self.sharpness;
        let whole = sharpness / n as f32;
        let half = if self.symmetric { 0.5 * whole } else { whole };
        self.rows.iter_mut().for_each(|sum| *sum = half / *sum);
        for sum in &mut self.columns {
            *sum = if self.symmetric { half / *sum } else { 0.0 };
        }
        let (rows, columns) = (&self.rows, &self.columns);
        let (same, mask) = (&self.same, self.mask);
        self.similarities
            .par_chunks_mut(ROWS * n)
            .enumerate()
            .for_each(|(block, similarities)| {
                let first = block * ROWS;
                Arch::new().dispatch(Slopes {
                    similarities,
                    sharpness,
                    rows: &rows[first..],
                    columns,
                });
                for (i, row) in (first..).zip(similarities.chunks_exact_mut(n)) {
                    row[i] -= whole;
                    if mask {
                        same.others(i).for_each(|j| row[j] = 0.0);
                    }
                }
            });
    }
}

/// Replaces the cosine of an excluded pair. Its exponential is negligible next to any other.
const NEVER: f32 = -1e4;

/// Groups of pairs with the same answer.
#[derive(Default)]
struct SameAnswers {
    /// Indices of the pairs, ordered by subgroup.
    order: Vec<u32>,
    /// For each pair, the range of its subgroup in `order`.
    ranges: Vec<(u32, u32)>,
}

impl SameAnswers {
    fn set(&mut self, subgroups: &[u64]) {
        self.order.clear();
        self.order.extend(0..subgroups.len() as u32);
        self.order
            .sort_unstable_by_key(|&pair| (subgroups[pair as usize], pair));
        self.ranges.resize(subgroups.len(), (0, 0));
        let mut start = 0;
        let groups = self
            .order
            .chunk_by(|&i, &j| subgroups[i as usize] == subgroups[j as usize]);
        for group in groups {
            let end = start + group.len() as u32;
            for &pair in group {
                self.ranges[pair as usize] = (start, end);
            }
            start = end;
        }
    }

    /// The other pairs with the same answer.
    fn others(&self, pair: usize) -> impl Iterator<Item = usize> {
        let (start, end) = self.ranges[pair];
        let group = &self.order[start as usize..end as usize];
        group
            .iter()
            .map(|&other| other as usize)
            .filter(move |&other| other != pair)
    }
}

/// Sums `exp(c·(u − 1))` over each row, and adds the sums over each column.
struct Sums<'a> {
    similarities: &'a [f32],
    sharpness: f32,
    rows: &'a mut [f32],
    columns: &'a mut [f32],
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (c, minus) = (
            simd.splat_f32s(self.sharpness),
            simd.splat_f32s(-self.sharpness),
        );
        let (columns, last_columns) = S::as_mut_simd_f32s(self.columns);
        let width = columns.len() * S::F32_LANES + last_columns.len();
        for (sum, row) in self
            .rows
            .iter_mut()
            .zip(self.similarities.chunks_exact(width))
        {
            let (row, last) = S::as_simd_f32s(row);
            let mut total = simd.splat_f32s(0.0);
            for (x, column) in row.iter().zip(columns.iter_mut()) {
                let e = exp(simd, simd.mul_add_e_f32s(*x, c, minus));
                total = simd.add_f32s(total, e);
                *column = simd.add_f32s(*column, e);
            }
            *sum = simd.reduce_sum_f32s(total);
            if !last.is_empty() {
                let mut e = [0.0; LANES];
                let e = &mut e[..last.len()];
                let x = simd.partial_load_f32s(last);
                simd.partial_store_f32s(e, exp(simd, simd.mul_add_e_f32s(x, c, minus)));
                for (column, e) in last_columns.iter_mut().zip(e) {
                    *column += *e;
                    *sum += *e;
                }
            }
        }
    }
}

/// Computes `u ← exp(c·(u − 1))·(row factor + column factor)`.
struct Slopes<'a> {
    similarities: &'a mut [f32],
    sharpness: f32,
    rows: &'a [f32],
    columns: &'a [f32],
}

impl WithSimd for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (c, minus) = (
            simd.splat_f32s(self.sharpness),
            simd.splat_f32s(-self.sharpness),
        );
        let (columns, last_columns) = S::as_simd_f32s(self.columns);
        let rows = self.similarities.chunks_exact_mut(self.columns.len());
        for (row, factor) in rows.zip(self.rows) {
            let factor = simd.splat_f32s(*factor);
            let (row, last) = S::as_mut_simd_f32s(row);
            for (x, column) in row.iter_mut().zip(columns) {
                let e = exp(simd, simd.mul_add_e_f32s(*x, c, minus));
                *x = simd.mul_f32s(e, simd.add_f32s(factor, *column));
            }
            if !last.is_empty() {
                let (x, column) = (
                    simd.partial_load_f32s(last),
                    simd.partial_load_f32s(last_columns),
                );
                let e = exp(simd, simd.mul_add_e_f32s(x, c, minus));
                simd.partial_store_f32s(last, simd.mul_f32s(e, simd.add_f32s(factor, column)));
            }
        }
    }
}
