//! Backward pass of self-attention.

use crate::kernels::{multiply, padded_shape, reset, softmax};
use pulp::{Arch, Simd, WithSimd};

/// Backward pass of [`Attention`](crate::kernels::Attention) of one text, for each head:
///
/// ```text
/// P = softmax(q·kᵀ/√d)     dv = Pᵀ·dout     dP = dout·vᵀ
/// dS = P ∘ (dP − rowsum(P ∘ dP))     dq = dS·k/√d     dk = dSᵀ·q/√d
/// ```
///
/// P is computed again instead of kept, because its size grows with the square of a text's length and it is cheap to
/// compute.
pub(super) struct AttentionBackward<'a> {
    /// `[tokens, 3 · hidden]`: rows `[q | k | v]` without bias.
    pub(super) qkv: &'a [f32],
    /// `[3 · hidden]`
    pub(super) bias: &'a [f32],
    /// `[tokens, hidden]`: the heads side by side.
    pub(super) d_out: &'a [f32],
    /// `[tokens, 3 · hidden]`: written, in the layout of `qkv`.
    pub(super) d_qkv: &'a mut [f32],
    pub(super) heads: usize,
    /// Length of a head's vectors, a multiple of `TILE`.
    pub(super) dim: usize,
    pub(super) scratch: &'a mut Scratch,
}

/// Buffers for one head of one text, reused for the next.
///
/// `q`, `k`, `d_out` and `result` are `[rows, dim]`, `k_t` and `v_t` are `[dim, columns]`, and `p`, `d_s` and
/// `transposed` are `[rows, columns]`, where rows and columns are the numbers of tokens, padded.
#[derive(Default)]
pub(super) struct Scratch {
    q: Vec<f32>,
    k: Vec<f32>,
    d_out: Vec<f32>,
    result: Vec<f32>,
    k_t: Vec<f32>,
    v_t: Vec<f32>,
    p: Vec<f32>,
    d_s: Vec<f32>,
    transposed: Vec<f32>,
}

impl AttentionBackward<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for AttentionBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (dim, hidden) = (self.dim, self.heads * self.dim);
        let tokens = self.qkv.len() / (3 * hidden);
        let (rows, columns) = padded_shape(tokens);
        let Scratch {
            q,
            k,
            d_out,
            result,
            k_t,
            v_t,
            p,
            d_s,
            transposed,
        } = self.scratch;
        reset([
            (&mut *q, rows * dim),
            (&mut *k, rows * dim),
            (&mut *d_out, rows * dim),
            (&mut *result, rows * dim),
            (&mut *k_t, dim * columns),
            (&mut *v_t, dim * columns),
            (&mut *p, rows * columns),
            (&mut *d_s, rows * columns),
            (&mut *transposed, rows * columns),
        ]);
        let scale = 1.0 / (dim as f32).sqrt();
        for head in 0..self.heads {
            let part = |which: usize| which * hidden + head * dim;
            let (bias_q, bias_k, bias_v) = (
                &self.bias[part(0)..][..dim],
                &self.bias[part(1)..][..dim],
                &self.bias[part(2)..][..dim],
            );
            for (token, row) in self.qkv.chunks_exact(3 * hidden).enumerate() {
                let d = &self.d_out[token * hidden + head * dim..][..dim];
                let place = token * dim;
                d_out[place..place + dim].copy_from_slice(d);
                for n in 0..dim {
                    q[place + n] = (row[part(0) + n] + bias_q[n]) * scale;
                    k[place + n] = row[part(1) + n] + bias_k[n];
                    k_t[n * columns + token] = k[place + n];
                    v_t[n * columns + token] = row[part(2) + n] + bias_v[n];
                }
            }
            multiply(simd, q, dim, k_t, columns, p, columns);
            multiply(simd, d_out, dim, v_t, columns, d_s, columns);
            for (p, d_s) in p
                .chunks_exact_mut(columns)
                .zip(d_s.chunks_exact_mut(columns))
                .take(tokens)
            {
                softmax(simd, p, tokens);
                // Padding and negligible probabilities become 0, because products with them would be denormal,
                // which is slow.
                p.iter_mut()
                    .for_each(|p| *p = if *p < 1e-30 { 0.0 } else { *p });
                let mut sum = simd.splat_f32s(0.0);
                let (p, d_s) = (S::as_simd_f32s(p).0, S::as_mut_simd_f32s(d_s).0);
                for (p, d) in p.iter().zip(&*d_s) {
                    sum = simd.mul_add_e_f32s(*p, *d, sum);
                }
                let sum = simd.splat_f32s(simd.reduce_sum_f32s(sum));
                for (p, d) in p.iter().zip(d_s) {
                    *d = simd.mul_f32s(*p, simd.sub_f32s(*d, sum));
                }
            }
            let mut write = |result: &[f32], which: usize, scale: f32| {
                let rows = self.d_qkv.chunks_exact_mut(3 * hidden);
                for (row, result) in rows.zip(result.chunks_exact(dim)) {
                    for (d, x) in row[part(which)..][..dim].iter_mut().zip(result) {
                        *d = x * scale;
                    }
                }
            };
            multiply(simd, d_s, columns, k, dim, result, tokens);
            write(result, 0, scale);
            transpose(d_s, columns, tokens, transposed);
            multiply(simd, transposed, columns, q, dim, result, tokens);
            write(result, 1, 1.0); // q is already scaled
            transpose(p, columns, tokens, transposed);
            multiply(simd, transposed, columns, d_out, dim, result, tokens);
            write(result, 2, 1.0);
        }
    }
}

/// Transposes the first `count` rows and columns of a matrix with rows of length `width`.
#[inline(always)]
fn transpose(x: &[f32], width: usize, count: usize, transposed: &mut [f32]) {
    for (i, row) in x.chunks_exact(width).enumerate().take(count) {
        for (j, x) in row[..count].iter().enumerate() {
            transposed[j * width + i] = *x;
        }
    }
}
