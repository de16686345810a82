//! What happens between the matrix products, each in one pass over memory and with the widest vector
//! instructions the machine has, chosen at run time.
//!
//! All lengths are multiples of [`LANES`]: see [`fits`](super::ragged::fits).

use nearsay_kernel::product::{Quad, Word};
use pulp::{Arch, Simd, WithSimd};

/// More lanes than any machine's vectors have.
pub(super) const LANES: usize = 16;
/// Columns are padded to this in [`Attention`], two of the widest vectors.
pub(super) const TILE: usize = 2 * LANES;
/// Rows are padded to this there.
pub(super) const ROWS: usize = 4;

/// x ← gelu(x + bias), row by row, with gelu(x) = x·Φ(x).
pub(super) struct BiasGelu<'a> {
    pub(super) x: &'a mut [f32],
    pub(super) bias: &'a [f32],
}

impl BiasGelu<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for BiasGelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let bias = S::as_simd_f32s(self.bias).0;
        let half = simd.splat_f32s(0.5);
        let root = simd.splat_f32s(core::f32::consts::FRAC_1_SQRT_2);
        for row in self.x.chunks_exact_mut(self.bias.len()) {
            for (x, bias) in S::as_mut_simd_f32s(row).0.iter_mut().zip(bias) {
                let y = simd.add_f32s(*x, *bias);
                let erf = erf(simd, simd.mul_f32s(y, root));
                let y = simd.mul_f32s(y, half);
                *x = simd.mul_add_e_f32s(y, erf, y);
            }
        }
    }
}

/// The error function to single precision: a quotient of two polynomials, as in Eigen
/// (`generic_fast_erf_float`).
#[inline(always)]
pub(super) fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const ABOVE: [f32; 7] = [
        -2.726_142_4e-10,
        2.770_681_5e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [
        -1.456_607_2e-5,
        -2.133_740_5e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ];
    // Beyond ±4 it is ±1 to single precision.
    let x = simd.max_f32s(x, simd.splat_f32s(-4.0));
    let x = simd.min_f32s(x, simd.splat_f32s(4.0));
    let square = simd.mul_f32s(x, x);
    let above = polynomial(simd, &ABOVE, square);
    let below = polynomial(simd, &BELOW, square);
    simd.div_f32s(simd.mul_f32s(x, above), below)
}

/// Horner's rule, the coefficient of the highest power first.
#[inline(always)]
fn polynomial<S: Simd>(simd: S, coefficients: &[f32], x: S::f32s) -> S::f32s {
    let mut sum = simd.splat_f32s(0.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(*coefficient));
    }
    sum
}

/// eˣ for x ≤ 0 to single precision; below −87 it stays at e⁻⁸⁷, so that no denormal number, which
/// processors are slow with, comes out.
///
/// x = n·ln 2 + r with |r| ≤ ½ ln 2; eʳ by a polynomial (Cephes `expf`), 2ⁿ through the exponent bits.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    const POLYNOMIAL: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    // Adding 1.5·2²³ leaves the rounded integer in the lowest bits.
    let magic = simd.splat_f32s(12_582_912.0);
    let x = simd.max_f32s(x, simd.splat_f32s(-87.0));
    let shifted = simd.mul_add_e_f32s(x, simd.splat_f32s(core::f32::consts::LOG2_E), magic);
    let n = simd.sub_f32s(shifted, magic);
    // ln 2 in two parts, the first with zeros at its end so that n times it is exact.
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, simd.splat_f32s(2.121_944_4e-4), r);
    let p = polynomial(simd, &POLYNOMIAL, r);
    let p = simd.mul_add_e_f32s(p, simd.mul_f32s(r, r), r);
    let p = simd.add_f32s(p, simd.splat_f32s(1.0));
    let power = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(p), power))
}

/// x ← layer norm of (x + bias + residual), row by row, times gamma plus beta.
pub(super) struct AddNorm<'a> {
    pub(super) x: &'a mut [f32],
    pub(super) residual: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
    pub(super) eps: f32,
}

impl AddNorm<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for AddNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.bias.len();
        let bias = S::as_simd_f32s(self.bias).0;
        let gamma = S::as_simd_f32s(self.gamma).0;
        let beta = S::as_simd_f32s(self.beta).0;
        let rows = self.x.chunks_exact_mut(width);
        for (x, residual) in rows.zip(self.residual.chunks_exact(width)) {
            let x = S::as_mut_simd_f32s(x).0;
            let residual = S::as_simd_f32s(residual).0;
            let mut sum = simd.splat_f32s(0.0);
            for ((x, residual), bias) in x.iter_mut().zip(residual).zip(bias) {
                *x = simd.add_f32s(simd.add_f32s(*x, *bias), *residual);
                sum = simd.add_f32s(sum, *x);
            }
            let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum) / width as f32);
            let mut squares = simd.splat_f32s(0.0);
            for x in x.iter_mut() {
                *x = simd.sub_f32s(*x, mean);
                squares = simd.mul_add_e_f32s(*x, *x, squares);
            }
            let variance = simd.reduce_sum_f32s(squares) / width as f32;
            let scale = simd.splat_f32s(1.0 / (variance + self.eps).sqrt());
            for ((x, gamma), beta) in x.iter_mut().zip(gamma).zip(beta) {
                *x = simd.mul_add_e_f32s(simd.mul_f32s(*x, scale), *gamma, *beta);
            }
        }
    }
}

/// Rows as integers from 0 to 255: `x ≈ scale · code + low`, each row with its scale and low.
pub(super) struct Quantize<'a> {
    /// `[rows, inner]`
    pub(super) x: &'a [f32],
    /// `[rows, inner / 4]`
    pub(super) codes: &'a mut [Quad],
    /// `(scale, low)`
    pub(super) rows: &'a mut [[f32; 2]],
}

impl Quantize<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Quantize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let inner = self.x.len() / self.rows.len().max(1);
        let rows = self.x.chunks_exact(inner.max(1)).zip(&mut *self.rows);
        let codes = self.codes.chunks_exact_mut((inner / Quad::NUMBERS).max(1));
        for ((x, row), codes) in rows.zip(codes) {
            let vectors = S::as_simd_f32s(x).0;
            let (mut low, mut high) = (simd.splat_f32s(f32::MAX), simd.splat_f32s(f32::MIN));
            for x in vectors {
                low = simd.min_f32s(low, *x);
                high = simd.max_f32s(high, *x);
            }
            let low = simd.reduce_min_f32s(low);
            let range = simd.reduce_max_f32s(high) - low;
            let scale = if range > 0.0 { range / 255.0 } else { 1.0 };
            let inverse = 1.0 / scale;
            // Adding 2²³ leaves the rounded integer in the lowest bits. A loop of plain numbers: it is
            // compiled for the widest instructions here, and `Simd` has no conversion to bytes.
            for (code, x) in codes.iter_mut().zip(x.as_chunks::<4>().0) {
                code.0 = x.map(|x| ((x - low).mul_add(inverse, 8_388_608.0)).to_bits() as u8);
            }
            *row = [scale, low];
        }
    }
}

/// Self-attention of one text: softmax(q·kᵀ/√d)·v for each head.
///
/// `qkv` holds a row `[q | k | v]` for each token, without bias; `out` a row for each token, the heads
/// side by side.
pub(super) struct Attention<'a> {
    pub(super) qkv: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) out: &'a mut [f32],
    pub(super) heads: usize,
    /// Length of a head's vectors, a multiple of [`TILE`].
    pub(super) dim: usize,
    pub(super) scratch: &'a mut Scratch,
}

/// Memory for one head of one text, kept for the next.
#[derive(Default)]
pub(super) struct Scratch {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    scores: Vec<f32>,
    context: Vec<f32>,
}

impl Attention<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Attention<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (dim, hidden) = (self.dim, self.heads * self.dim);
        let tokens = self.qkv.len() / (3 * hidden);
        let (rows, columns) = (tokens.next_multiple_of(ROWS), tokens.next_multiple_of(TILE));
        let Scratch {
            q,
            k,
            v,
            scores,
            context,
        } = self.scratch;
        // What lies behind the last token must be finite: it is multiplied, though never used.
        for (buffer, size) in [
            (&mut *q, rows * dim),
            (&mut *k, dim * columns),
            (&mut *v, tokens * dim),
            (&mut *scores, rows * columns),
            (&mut *context, rows * dim),
        ] {
            buffer.clear();
            buffer.resize(size, 0.0);
        }
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
            product(simd, q, dim, k, columns, scores, columns);
            for row in scores.chunks_exact_mut(columns).take(tokens) {
                softmax(simd, row, tokens);
            }
            product(simd, scores, columns, v, dim, context, tokens);
            let rows = self.out.chunks_exact_mut(hidden);
            for (out, context) in rows.zip(context.chunks_exact(dim)) {
                out[head * dim..(head + 1) * dim].copy_from_slice(context);
            }
        }
    }
}

/// The first `count` values of a row, padded by anything, to their softmax.
#[inline(always)]
pub(super) fn softmax<S: Simd>(simd: S, row: &mut [f32], count: usize) {
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

/// c ← a·b: `[rows, inner] × [inner, columns] → [rows, columns]`, all row by row.
///
/// `rows` is a multiple of [`ROWS`], `columns` of [`TILE`]; a row of `a` is `a_width` long, of which
/// the first `inner` count.
#[inline(always)]
pub(super) fn product<S: Simd>(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, from: f32, to: f32) -> Vec<f32> {
        (0..count)
            .map(|n| from + (to - from) * n as f32 / count as f32)
            .collect()
    }

    #[test]
    fn gelu_is_exact_to_single_precision() {
        let x = numbers(1 << 14, -8.0, 8.0);
        let bias = vec![0.25; LANES];
        let mut y = x.clone();
        BiasGelu {
            x: &mut y,
            bias: &bias,
        }
        .run();
        for (x, y) in x.iter().zip(&y) {
            let x = f64::from(*x) + 0.25;
            let exact = 0.5 * x * (1.0 + libm::erf(x / core::f64::consts::SQRT_2));
            assert!((f64::from(*y) - exact).abs() < 1e-6, "{x}: {y} {exact}");
        }
    }

    #[test]
    fn softmax_is_exact_and_ignores_what_is_behind() {
        for count in [1, 2, 31, 32] {
            let mut row = numbers(TILE, -120.0, 12.0);
            row[count..].fill(f32::MAX);
            let exact: Vec<f64> = row[..count].iter().map(|x| f64::from(*x)).collect();
            let max = exact.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = exact.iter().map(|x| (x - max).exp()).sum();
            struct Run<'a>(&'a mut [f32], usize);
            impl WithSimd for Run<'_> {
                type Output = ();
                fn with_simd<S: Simd>(self, simd: S) {
                    softmax(simd, self.0, self.1);
                }
            }
            Arch::new().dispatch(Run(&mut row, count));
            for (x, exact) in row.iter().zip(&exact) {
                let exact = (exact - max).exp() / sum;
                assert!((f64::from(*x) - exact).abs() < 1e-6, "{x} {exact}");
            }
        }
    }

    #[test]
    fn layer_norm_is_exact() {
        let width = TILE;
        let (mut x, residual) = (numbers(2 * width, -3.0, 5.0), numbers(2 * width, 2.0, 1.0));
        let (bias, gamma, beta) = (
            numbers(width, 0.0, 1.0),
            numbers(width, 0.5, 1.5),
            numbers(width, -1.0, 1.0),
        );
        let before = x.clone();
        AddNorm {
            x: &mut x,
            residual: &residual,
            bias: &bias,
            gamma: &gamma,
            beta: &beta,
            eps: 1e-12,
        }
        .run();
        for row in 0..2 {
            let at = |n: usize| {
                f64::from(before[row * width + n])
                    + f64::from(residual[row * width + n])
                    + f64::from(bias[n])
            };
            let mean = (0..width).map(at).sum::<f64>() / width as f64;
            let variance = (0..width).map(|n| (at(n) - mean).powi(2)).sum::<f64>() / width as f64;
            for n in 0..width {
                let exact =
                    (at(n) - mean) / variance.sqrt() * f64::from(gamma[n]) + f64::from(beta[n]);
                assert!((f64::from(x[row * width + n]) - exact).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn attention_is_exact_at_every_length() {
        let (heads, dim) = (2, TILE);
        let hidden = heads * dim;
        let mut scratch = Scratch::default();
        for tokens in [1, 3, 4, 5, 31, 32, 33, 70, 2] {
            let qkv: Vec<f32> = (0..tokens * 3 * hidden)
                .map(|n| ((n * 7919 % 1000) as f32 / 500.0 - 1.0) * 0.7)
                .collect();
            let bias = numbers(3 * hidden, -0.5, 0.5);
            let mut out = vec![0.0; tokens * hidden];
            Attention {
                qkv: &qkv,
                bias: &bias,
                out: &mut out,
                heads,
                dim,
                scratch: &mut scratch,
            }
            .run();
            let at = |token: usize, which: usize, head: usize, n: usize| {
                let place = which * hidden + head * dim + n;
                f64::from(qkv[token * 3 * hidden + place]) + f64::from(bias[place])
            };
            for head in 0..heads {
                for i in 0..tokens {
                    let score = |j: usize| {
                        let dot: f64 = (0..dim)
                            .map(|n| at(i, 0, head, n) * at(j, 1, head, n))
                            .sum();
                        (dot / (dim as f64).sqrt()).exp()
                    };
                    let scores: Vec<f64> = (0..tokens).map(score).collect();
                    let sum: f64 = scores.iter().sum();
                    for n in 0..dim {
                        let exact: f64 = (0..tokens)
                            .map(|j| scores[j] / sum * at(j, 2, head, n))
                            .sum();
                        let got = f64::from(out[i * hidden + head * dim + n]);
                        assert!((got - exact).abs() < 1e-5, "{tokens}: {got} {exact}");
                    }
                }
            }
        }
    }
}
