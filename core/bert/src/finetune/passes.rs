//! Forward and backward passes of the operations between the matrix products.
//!
//! A forward pass keeps the intermediate results that its backward pass needs. `DERIVATIONS.md` derives the gradients.

use crate::kernels::{gelu, gelu_derivative, standardize};
use pulp::{Arch, Simd, WithSimd};

/// y ← x̂·γ + β with x̂ = (z − mean)/√(variance + ε) and z = x + bias + residual, row by row.
pub(super) struct Norm<'a> {
    /// `[rows, width]`: x before, x̂ after.
    pub(super) x: &'a mut [f32],
    pub(super) residual: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) gamma: &'a [f32],
    pub(super) beta: &'a [f32],
    pub(super) eps: f32,
    /// `[rows, width]`
    pub(super) y: &'a mut [f32],
    /// 1/√(variance + ε), `[rows]`
    pub(super) scales: &'a mut [f32],
}

impl Norm<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Norm<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.bias.len();
        let bias = S::as_simd_f32s(self.bias).0;
        let gamma = S::as_simd_f32s(self.gamma).0;
        let beta = S::as_simd_f32s(self.beta).0;
        let rows = self.x.chunks_exact_mut(width);
        let rows = rows.zip(self.residual.chunks_exact(width));
        let outs = self.y.chunks_exact_mut(width).zip(self.scales);
        for ((x, residual), (y, scale)) in rows.zip(outs) {
            let x = S::as_mut_simd_f32s(x).0;
            let residual = S::as_simd_f32s(residual).0;
            let y = S::as_mut_simd_f32s(y).0;
            *scale = standardize(simd, x, residual, bias, width, self.eps);
            let scale = simd.splat_f32s(*scale);
            for (((x, y), gamma), beta) in x.iter_mut().zip(y).zip(gamma).zip(beta) {
                *x = simd.mul_f32s(*x, scale);
                *y = simd.mul_add_e_f32s(*x, *gamma, *beta);
            }
        }
    }
}

/// Backward pass of [`Norm`]:
///
/// ```text
/// ĝ = dy ∘ γ     dz = (ĝ − mean(ĝ) − x̂ · mean(ĝ ∘ x̂)) · scale
/// dγ += Σ dy ∘ x̂     dβ += Σ dy     dbias += Σ dz
/// ```
pub(super) struct NormBackward<'a> {
    /// `[rows, width]`: dy before, dz after.
    pub(super) d: &'a mut [f32],
    /// x̂, `[rows, width]`
    pub(super) x: &'a [f32],
    /// 1/√(variance + ε), `[rows]`
    pub(super) scales: &'a [f32],
    pub(super) gamma: &'a [f32],
    pub(super) d_gamma: &'a mut [f32],
    pub(super) d_beta: &'a mut [f32],
    pub(super) d_bias: &'a mut [f32],
}

impl NormBackward<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for NormBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.gamma.len();
        let gamma = S::as_simd_f32s(self.gamma).0;
        let d_gamma = S::as_mut_simd_f32s(self.d_gamma).0;
        let d_beta = S::as_mut_simd_f32s(self.d_beta).0;
        let d_bias = S::as_mut_simd_f32s(self.d_bias).0;
        let rows = self.d.chunks_exact_mut(width);
        for ((d, x), scale) in rows.zip(self.x.chunks_exact(width)).zip(self.scales) {
            let d = S::as_mut_simd_f32s(d).0;
            let x = S::as_simd_f32s(x).0;
            let (mut sum, mut along) = (simd.splat_f32s(0.0), simd.splat_f32s(0.0));
            let sums = d_gamma.iter_mut().zip(d_beta.iter_mut());
            for (((d, x), gamma), (d_gamma, d_beta)) in d.iter_mut().zip(x).zip(gamma).zip(sums) {
                *d_gamma = simd.mul_add_e_f32s(*d, *x, *d_gamma);
                *d_beta = simd.add_f32s(*d_beta, *d);
                *d = simd.mul_f32s(*d, *gamma);
                sum = simd.add_f32s(sum, *d);
                along = simd.mul_add_e_f32s(*d, *x, along);
            }
            let mean = simd.splat_f32s(simd.reduce_sum_f32s(sum) / width as f32);
            let along = simd.splat_f32s(-simd.reduce_sum_f32s(along) / width as f32);
            let scale = simd.splat_f32s(*scale);
            for ((d, x), d_bias) in d.iter_mut().zip(x).zip(d_bias.iter_mut()) {
                let centred = simd.mul_add_e_f32s(*x, along, simd.sub_f32s(*d, mean));
                *d = simd.mul_f32s(centred, scale);
                *d_bias = simd.add_f32s(*d_bias, *d);
            }
        }
    }
}

/// g ← gelu(u + bias), keeping u + bias.
pub(super) struct Gelu<'a> {
    /// `[rows, width]`: u before, u + bias after.
    pub(super) u: &'a mut [f32],
    pub(super) bias: &'a [f32],
    /// `[rows, width]`
    pub(super) g: &'a mut [f32],
}

impl Gelu<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.bias.len();
        let bias = S::as_simd_f32s(self.bias).0;
        let rows = self.u.chunks_exact_mut(width);
        for (u, g) in rows.zip(self.g.chunks_exact_mut(width)) {
            let u = S::as_mut_simd_f32s(u).0.iter_mut();
            let g = S::as_mut_simd_f32s(g).0;
            for ((u, g), bias) in u.zip(g).zip(bias) {
                *u = simd.add_f32s(*u, *bias);
                *g = gelu(simd, *u);
            }
        }
    }
}

/// Backward pass of [`Gelu`]: `du = dg · (Φ(u) + u·φ(u))`, `dbias += Σ du`.
pub(super) struct GeluBackward<'a> {
    /// `[rows, width]`: dg before, du after.
    pub(super) d: &'a mut [f32],
    /// u + bias, `[rows, width]`
    pub(super) u: &'a [f32],
    pub(super) d_bias: &'a mut [f32],
}

impl GeluBackward<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for GeluBackward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.d_bias.len();
        let d_bias = S::as_mut_simd_f32s(self.d_bias).0;
        let rows = self.d.chunks_exact_mut(width);
        for (d, u) in rows.zip(self.u.chunks_exact(width)) {
            let d = S::as_mut_simd_f32s(d).0.iter_mut();
            for ((d, u), d_bias) in d.zip(S::as_simd_f32s(u).0).zip(d_bias.iter_mut()) {
                *d = simd.mul_f32s(*d, gelu_derivative(simd, *u));
                *d_bias = simd.add_f32s(*d_bias, *d);
            }
        }
    }
}

/// sums += sum of the rows of x.
pub(super) struct ColumnSums<'a> {
    /// `[rows, width]`
    pub(super) x: &'a [f32],
    /// `[width]`
    pub(super) sums: &'a mut [f32],
}

impl ColumnSums<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for ColumnSums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for x in self.x.chunks_exact(self.sums.len()) {
            let sums = S::as_mut_simd_f32s(self.sums).0;
            for (sum, x) in sums.iter_mut().zip(S::as_simd_f32s(x).0) {
                *sum = simd.add_f32s(*sum, *x);
            }
        }
    }
}
