//! Batch metrics from cosines: the rank of each embedding's other half.
//!
//! The ranks equal those of [`rank_pairs`](nearsay_core::metric::rank_pairs), with ties in batch order. Cosines are
//! symmetric, so each product among the anchors, and among the positives, is computed once. Only the metrics need
//! these products: they are computed in bfloat16 if the processor supports it, and again in single precision if
//! a comparison stays open. The counts are integers, so they don't depend on the order in which threads add
//! them.

use super::{
    ROWS,
    coarse::{self, Block, Coarse},
};
use nearsay_core::{
    matrix::ShapeError,
    metric::{PositiveRank, Ranks},
    sample::PairTargets,
};
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use pulp::Arch;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Number of blocks whose cosines are in memory at a time.
const AT_ONCE: usize = 8;

/// Counts nearer embeddings. Reuses its memory between batches.
#[derive(Default)]
pub(super) struct Counter {
    /// Distance between the halves of each pair.
    limits: Vec<f32>,
    /// For each of the `2n` embeddings, the number of embeddings nearer than its other half.
    before: Vec<AtomicU32>,
    /// Counts per column, one part per block.
    columns: Vec<u32>,
    /// First column of each block compared within one side, and whether that side is the anchors.
    tasks: Vec<(usize, bool)>,
    /// Cosines of some of the blocks.
    cosines: Vec<f32>,
    /// Vectors in bfloat16.
    coarse: Coarse,
    /// Columns of some of the blocks.
    blocks: Vec<Block>,
}

/// Counts, for one row and some columns, the embeddings nearer than the own half: returns the count of the row and
/// adds to those of the columns. Ties count only as specified. NaN counts as nearer.
#[inline(always)]
#[allow(clippy::neg_cmp_op_on_partial_ord)] // what is not a number must count
fn tally<const ROW_TIES: bool, const COLUMN_TIES: bool>(
    cosines: &[f32],
    span: f32,
    limit: f32,
    limits: &[f32],
    counts: &mut [u32],
) -> u32 {
    let mut nearer = 0;
    for ((&cosine, &of_column), count) in cosines.iter().zip(limits).zip(counts) {
        let d = span - span * cosine;
        let row = if ROW_TIES {
            !(d > limit)
        } else {
            !(d >= limit)
        };
        let column = if COLUMN_TIES {
            !(d > of_column)
        } else {
            !(d >= of_column)
        };
        nearer += u32::from(row);
        *count += u32::from(column);
    }
    nearer
}

fn add(to: &[AtomicU32], counts: &[u32]) {
    for (total, count) in to.iter().zip(counts) {
        total.fetch_add(*count, Ordering::Relaxed);
    }
}

impl Counter {
    /// Ranks a batch: `unit` is `[2n, d]`, the normalised embeddings, all anchors first; `similarities`
    /// the `[n, n]` cosines of anchors and positives. A distance is `span·(1 − cos)`.
    pub(super) fn rank(
        &mut self,
        unit: &[f32],
        similarities: &[f32],
        span: f32,
        targets: &PairTargets,
        ranks: &mut Ranks,
    ) -> Result<(), ShapeError> {
        let n = targets.len();
        let own = similarities.iter().step_by(n + 1);
        self.limits.clear();
        self.limits.extend(own.map(|cosine| span - span * cosine));
        self.before.clear();
        self.before.resize_with(2 * n, AtomicU32::default);
        self.across(similarities, span);
        self.within(unit, span)?;

        ranks.rows = 2 * n;
        ranks.positives.clear();
        let labels = targets.scores.iter().chain(&targets.scores);
        for (row, (before, &label)) in self.before.iter().zip(labels).enumerate() {
            if label > 0.0 {
                let rank = before.load(Ordering::Relaxed) as usize + 1;
                ranks.positives.push(PositiveRank { row, rank, label });
            }
        }
        Ok(())
    }

    /// Ranks positives for anchors and anchors for positives. In batch order, positive `j` precedes that of anchor
    /// `i` if `j < i`, and anchor `i` precedes that of positive `j` if `i < j`.
    fn across(&mut self, similarities: &[f32], span: f32) {
        let n = self.limits.len();
        let (of_anchors, of_positives) = self.before.split_at(n);
        let limits = &self.limits;
        let blocks = n.div_ceil(ROWS);
        self.columns.resize(self.columns.len().max(blocks * n), 0);
        similarities
            .par_chunks(ROWS * n)
            .zip(self.columns.par_chunks_mut(n))
            .enumerate()
            .for_each(|(block, (rows, columns))| {
                columns.fill(0);
                Arch::new().dispatch(|| {
                    for (i, row) in (block * ROWS..).zip(rows.chunks_exact(n)) {
                        let (head, tail) = columns.split_at_mut(i + 1);
                        let (limit, left, right) = (limits[i], &limits[..i], &limits[i + 1..]);
                        let nearer = tally::<true, false>(&row[..i], span, limit, left, head)
                            + tally::<false, true>(&row[i + 1..], span, limit, right, tail);
                        of_anchors[i].fetch_add(nearer, Ordering::Relaxed);
                    }
                });
                add(of_positives, columns);
            });
    }

    /// Ranks anchors among anchors and positives among positives. All anchors precede all positives in batch order,
    /// so a tie counts for an anchor and not for a positive.
    ///
    /// A block of columns is compared with the rows from its first column on: a product packs the operand of the
    /// columns, which is the smaller one.
    fn within(&mut self, unit: &[f32], span: f32) -> Result<(), ShapeError> {
        let n = self.limits.len();
        let dim = unit.len() / (2 * n);
        let coarse = self.coarse.set(unit, dim).then_some(&self.coarse);
        let (of_anchors, of_positives) = self.before.split_at(n);
        let limits = &self.limits;
        // Tall blocks first, so that the threads finish together.
        let tasks = (0..n)
            .step_by(ROWS)
            .flat_map(|first| [(first, true), (first, false)]);
        self.tasks.clear();
        self.tasks.extend(tasks);
        let cosines = &mut self.cosines;
        let most = self.tasks.len().min(AT_ONCE);
        cosines.resize(cosines.len().max(most * ROWS * n), 0.0);
        self.blocks
            .resize_with(most.max(self.blocks.len()), coarse::block);
        for tasks in self.tasks.chunks(AT_ONCE) {
            tasks
                .par_iter()
                .zip(cosines.par_chunks_mut(ROWS * n))
                .zip(self.blocks.par_iter_mut())
                .with_max_len(1)
                .try_for_each(|((&(first, side), cosines), block)| {
                    let (offset, before) = if side {
                        (0, of_anchors)
                    } else {
                        (n, of_positives)
                    };
                    let width = ROWS.min(n - first);
                    let rows = offset + first..offset + n;
                    let exact = Exact {
                        unit: &unit[rows.start * dim..rows.end * dim],
                        dim,
                    };
                    let (stride, margin) = match coarse {
                        Some(coarse) => {
                            let stride = coarse.compare(rows, width, block, cosines);
                            (stride, coarse.margin() * span)
                        }
                        None => (exact.compare(width, cosines)?, 0.0),
                    };
                    let (limits, before) = (&limits[first..], &before[first..]);
                    let mut columns = [0; ROWS];
                    Arch::new().dispatch(|| {
                        for (i, row) in cosines.chunks_exact(stride).take(n - first).enumerate() {
                            let row = &row[..i.min(width)];
                            let (limit, counts) = (limits[i], &mut columns);
                            let nearer = match (coarse.is_some(), side) {
                                (true, true) => {
                                    let open = Open { i, margin, exact };
                                    roughly::<true>(row, span, limit, limits, counts, open)?
                                }
                                (true, false) => {
                                    let open = Open { i, margin, exact };
                                    roughly::<false>(row, span, limit, limits, counts, open)?
                                }
                                (false, true) => {
                                    tally::<true, true>(row, span, limit, limits, counts)
                                }
                                (false, false) => {
                                    tally::<false, false>(row, span, limit, limits, counts)
                                }
                            };
                            before[i].fetch_add(nearer, Ordering::Relaxed);
                        }
                        Ok::<(), ShapeError>(())
                    })?;
                    add(before, &columns);
                    Ok(())
                })?;
        }
        Ok(())
    }
}

/// Vectors in single precision, `[n, dim]`.
#[derive(Clone, Copy)]
struct Exact<'a> {
    unit: &'a [f32],
    dim: usize,
}

impl Exact<'_> {
    /// Computes the cosines of all vectors with the first `width`, `[n, width]`; returns `width`.
    fn compare(&self, width: usize, cosines: &mut [f32]) -> Result<usize, ShapeError> {
        let rows = self.unit.len() / self.dim;
        matmul(
            ViewMut::new(&mut cosines[..rows * width], rows, width),
            0.0,
            1.0,
            View::new(self.unit, rows, self.dim),
            View::new(&self.unit[..width * self.dim], width, self.dim).t(),
            Parallelism::None,
        )?;
        Ok(width)
    }

    /// Cosine of two vectors.
    fn cosine(&self, i: usize, j: usize) -> Result<f32, ShapeError> {
        let vector = |i: usize| View::new(&self.unit[i * self.dim..][..self.dim], 1, self.dim);
        let mut cosine = [0.0];
        let to = ViewMut::new(&mut cosine, 1, 1);
        matmul(to, 0.0, 1.0, vector(i), vector(j).t(), Parallelism::None)?;
        Ok(cosine[0])
    }
}

/// Decides comparisons that approximate cosines leave open.
#[derive(Clone, Copy)]
struct Open<'a> {
    /// Index of the row.
    i: usize,
    /// Error bound of a distance.
    margin: f32,
    exact: Exact<'a>,
}

/// Like [`tally`], from finite cosines with an error bound. Open comparisons are repeated in single precision.
#[inline(always)]
fn roughly<const TIES: bool>(
    cosines: &[f32],
    span: f32,
    limit: f32,
    limits: &[f32],
    counts: &mut [u32],
    open: Open<'_>,
) -> Result<u32, ShapeError> {
    let margin = open.margin;
    let (mut nearer, mut left) = (0, 0);
    for ((&cosine, &of_column), count) in cosines.iter().zip(limits).zip(counts.iter_mut()) {
        let d = span - span * cosine;
        let gaps = [d - limit, d - of_column];
        nearer += u32::from(gaps[0] < -margin);
        *count += u32::from(gaps[1] < -margin);
        left += u32::from(gaps[0].abs() <= margin) | u32::from(gaps[1].abs() <= margin);
    }
    if left == 0 {
        return Ok(nearer);
    }
    for (j, ((&cosine, &of_column), count)) in cosines
        .iter()
        .zip(limits)
        .zip(counts.iter_mut())
        .enumerate()
    {
        let d = span - span * cosine;
        let sides = [(d - limit).abs() <= margin, (d - of_column).abs() <= margin];
        if sides == [false, false] {
            continue;
        }
        let exact = [open.exact.cosine(open.i, j)?];
        let mut found = [0];
        let row = tally::<TIES, TIES>(&exact, span, limit, &[of_column], &mut found);
        nearer += if sides[0] { row } else { 0 };
        *count += if sides[1] { found[0] } else { 0 };
    }
    Ok(nearer)
}
