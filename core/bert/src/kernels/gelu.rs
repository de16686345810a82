//! GELU, x·Φ(x), and its derivative.

use super::elementary::{erf, exp};
use pulp::{Arch, Simd, WithSimd};

/// Computes gelu(x) = x·Φ(x) = ½·x·(1 + erf(x/√2)).
#[inline(always)]
pub(crate) fn gelu<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let erf = erf(
        simd,
        simd.mul_f32s(x, simd.splat_f32s(core::f32::consts::FRAC_1_SQRT_2)),
    );
    let half = simd.mul_f32s(x, simd.splat_f32s(0.5));
    simd.mul_add_e_f32s(half, erf, half)
}

/// Computes gelu′(x) = Φ(x) + x·φ(x), with the distribution function Φ and the density φ of the standard normal
/// distribution.
#[inline(always)]
pub(crate) fn gelu_derivative<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    let erf = erf(
        simd,
        simd.mul_f32s(x, simd.splat_f32s(core::f32::consts::FRAC_1_SQRT_2)),
    );
    let distribution = simd.mul_add_e_f32s(erf, half, half);
    let exponent = simd.mul_f32s(simd.mul_f32s(x, x), simd.splat_f32s(-0.5));
    // 1/√(2π)
    let density = simd.mul_f32s(exp(simd, exponent), simd.splat_f32s(0.398_942_3));
    simd.mul_add_e_f32s(x, density, distribution)
}

/// x ← gelu(x + bias), row by row.
pub(crate) struct BiasGelu<'a> {
    pub(crate) x: &'a mut [f32],
    pub(crate) bias: &'a [f32],
}

impl BiasGelu<'_> {
    pub(crate) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for BiasGelu<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let bias = S::as_simd_f32s(self.bias).0;
        for row in self.x.chunks_exact_mut(self.bias.len()) {
            for (x, bias) in S::as_mut_simd_f32s(row).0.iter_mut().zip(bias) {
                *x = gelu(simd, simd.add_f32s(*x, *bias));
            }
        }
    }
}
