//! Dynamic quantization of rows to the integers of products.

use nearsay_kernel::product::{MAX_LEFT, Quad, Word};
use pulp::{Arch, Simd, WithSimd};

/// Quantizes rows to integers from 0 to [`MAX_LEFT`]: `x ≈ scale · code + low`, with scale and low of each row.
pub(crate) struct Quantize<'a> {
    /// `[rows, inner]`
    pub(crate) x: &'a [f32],
    /// `[rows, inner / 4]`
    pub(crate) codes: &'a mut [Quad],
    /// `[scale, low]` of each row.
    pub(crate) rows: &'a mut [[f32; 2]],
}

impl Quantize<'_> {
    pub(crate) fn run(self) {
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
            let scale = if range > 0.0 {
                range / f32::from(MAX_LEFT)
            } else {
                1.0
            };
            let inverse = 1.0 / scale;
            // Adding 2²³ moves the rounded integer to the lowest bits. `Simd` has no conversion to bytes, so
            // this is a scalar loop, which the compiler vectorises for the instructions of this dispatch.
            for (code, x) in codes.iter_mut().zip(x.as_chunks::<4>().0) {
                code.0 = x.map(|x| ((x - low).mul_add(inverse, 8_388_608.0)).to_bits() as u8);
            }
            *row = [scale, low];
        }
    }
}
