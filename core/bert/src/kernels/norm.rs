//! Layer normalisation.

use pulp::{Arch, Simd, WithSimd};

/// z ← z − mean(z) with z = x + bias + residual, for one row. Returns 1/√(variance(z) + eps).
#[inline(always)]
pub(crate) fn standardize<S: Simd>(
    simd: S,
    x: &mut [S::f32s],
    residual: &[S::f32s],
    bias: &[S::f32s],
    width: usize,
    eps: f32,
) -> f32 {
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
    1.0 / (variance + eps).sqrt()
}

/// x ← norm(x + bias + residual)·gamma + beta, row by row.
pub(crate) struct AddNorm<'a> {
    pub(crate) x: &'a mut [f32],
    pub(crate) residual: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) gamma: &'a [f32],
    pub(crate) beta: &'a [f32],
    pub(crate) eps: f32,
}

impl AddNorm<'_> {
    pub(crate) fn run(self) {
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
            let scale = standardize(simd, x, residual, bias, width, self.eps);
            let scale = simd.splat_f32s(scale);
            for ((x, gamma), beta) in x.iter_mut().zip(gamma).zip(beta) {
                *x = simd.mul_add_e_f32s(simd.mul_f32s(*x, scale), *gamma, *beta);
            }
        }
    }
}
