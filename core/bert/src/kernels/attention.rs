//! Self-attention of one text, and the matrix product and softmax it is made of.

use super::{LANES, elementary::exp};
use pulp::{Arch, Simd, WithSimd};

/// The number of columns is padded to a multiple of this, two of the widest vectors.
pub(crate) const TILE: usize = 2 * LANES;
/// The number of rows is padded to a multiple of this.
const ROWS: usize = 4;

/// Numbers of tokens, padded as rows and as columns of a matrix.
pub(crate) fn padded_shape(tokens: usize) -> (usize, usize) {
    (tokens.next_multiple_of(ROWS), tokens.next_multiple_of(TILE))
}

/// Resizes buffers and fills them with zeros.
///
/// Padding is multiplied although its results are not used, so it must be finite.
pub(crate) fn reset<const N: usize>(buffers: [(&mut Vec<f32>, usize); N]) {
    for (buffer, size) in buffers {
        buffer.clear();
        buffer.resize(size, 0.0);
    }
}

/// Self-attention of one text: softmax(q·kᵀ/√d)·v for each head.
pub(crate) struct Attention<'a> {
    /// `[tokens, 3 · hidden]`: rows `[q | k | v]` without bias.
    pub(crate) qkv: &'a [f32],
    /// `[3 · hidden]`
    pub(crate) bias: &'a [f32],
    /// `[tokens, hidden]`: the heads side by side.
    pub(crate) out: &'a mut [f32],
    pub(crate) heads: usize,
    /// Length of a head's vectors, a multiple of [`TILE`].
    pub(crate) dim: usize,
    pub(crate) scratch: &'a mut Scratch,
}

/// Buffers for one head of one text, reused for the next.
#[derive(Default)]
pub(crate) struct Scratch {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    scores: Vec<f32>,
    context: Vec<f32>,
}

impl Attention<'_> {
    pub(crate) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (dim, hidden) = (self.dim, self.heads * self.dim);
        let tokens = self.qkv.len() / (3 * hidden);
        let (rows, columns) = padded_shape(tokens);
        let Scratch {
            q,
            k,
            v,
            scores,
            context,
        } = self.scratch;
        reset([
            (&mut *q, rows * dim),
            (&mut *k, dim * columns),
            (&mut *v, tokens * dim),
            (&mut *scores, rows * columns),
            (&mut *context, rows * dim),
        ]);
        let scale = 1.0 / (dim as f32).sqrt();
        for head in 0..self.heads {
            let part =
                |which: usize| which * hidden + head * dim..which * hidden + (head + 1) * dim;
            let (bias_q, bias_k, bias_v) = (
                &self.bias[part(0)],
                &self.bias[part(1)],
                &self.bias[part(2)],
            );
            for (token, row) in self.qkv.chunks_exact(3 * hidden).enumerate() {
                let place = token * dim..(token + 1) * dim;
                for ((q, x), bias) in q[place.clone()].iter_mut().zip(&row[part(0)]).zip(bias_q) {
                    *q = (x + bias) * scale;
                }
                for ((v, x), bias) in v[place].iter_mut().zip(&row[part(2)]).zip(bias_v) {
                    *v = x + bias;
                }
                let column = k.iter_mut().skip(token).step_by(columns);
                for ((k, x), bias) in column.zip(&row[part(1)]).zip(bias_k) {
                    *k = x + bias;
                }
            }
            multiply(simd, q, dim, k, columns, scores, columns);
            for row in scores.chunks_exact_mut(columns).take(tokens) {
                softmax(simd, row, tokens);
            }
            multiply(simd, scores, columns, v, dim, context, tokens);
            let rows = self.out.chunks_exact_mut(hidden);
            for (out, context) in rows.zip(context.chunks_exact(dim)) {
                out[head * dim..(head + 1) * dim].copy_from_slice(context);
            }
        }
    }
}

/// Replaces the first `count` values of a row by their softmax. The other values may hold anything
/// and become negligible (e⁻⁸⁷ before scaling).
#[inline(always)]
pub(crate) fn softmax<S: Simd>(simd: S, row: &mut [f32], count: usize) {
    row[count..].fill(-1e30);
    let row = S::as_mut_simd_f32s(row).0;
    let mut max = simd.splat_f32s(-1e30);
    for x in row.iter() {
        max = simd.max_f32s(max, *x);
    }
    let max = simd.splat_f32s(simd.reduce_max_f32s(max));
    let mut sum = simd.splat_f32s(0.0);
    for x in row.iter_mut() {
        *x = exp(simd, simd.sub_f32s(*x, max));
        sum = simd.add_f32s(sum, *x);
    }
    let scale = simd.splat_f32s(1.0 / simd.reduce_sum_f32s(sum));
    for x in row.iter_mut() {
        *x = simd.mul_f32s(*x, scale);
    }
}

/// Computes `c ← a·b`: `[rows, inner] × [inner, columns] → [rows, columns]`, all row-major.
///
/// `rows` must be a multiple of [`ROWS`] and `columns` of [`TILE`]. A row of `a` has `a_width` numbers, of which
/// the first `inner` are used.
#[inline(always)]
pub(crate) fn multiply<S: Simd>(
    simd: S,
    a: &[f32],
    a_width: usize,
    b: &[f32],
    columns: usize,
    c: &mut [f32],
    inner: usize,
) {
    let inner = inner.min(a_width);
    let step = 2 * S::F32_LANES;
    let blocks = a.chunks_exact(ROWS * a_width);
    for (a, c) in blocks.zip(c.chunks_exact_mut(ROWS * columns)) {
        let row = |n: usize| &a[n * a_width..n * a_width + inner];
        let (a0, a1, a2, a3) = (row(0), row(1), row(2), row(3));
        for j in (0..columns).step_by(step) {
            let mut sums = [[simd.splat_f32s(0.0); 2]; ROWS];
            let b = b.chunks_exact(columns);
            for ((((b, a0), a1), a2), a3) in b.zip(a0).zip(a1).zip(a2).zip(a3) {
                let b = S::as_simd_f32s(&b[j..j + step]).0;
                for (sums, a) in sums.iter_mut().zip([a0, a1, a2, a3]) {
                    let a = simd.splat_f32s(*a);
                    for (sum, b) in sums.iter_mut().zip(b) {
                        *sum = simd.mul_add_e_f32s(a, *b, *sum);
                    }
                }
            }
            for (n, sums) in sums.iter().enumerate() {
                let place = n * columns + j;
                let c = S::as_mut_simd_f32s(&mut c[place..place + step]).0;
                c.copy_from_slice(sums);
            }
        }
    }
}
