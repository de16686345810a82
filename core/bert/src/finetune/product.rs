//! The three products of a trained linear layer: its output, the gradient of its input, the gradient of its weights.

use nearsay_core::matrix::ShapeError;
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use nearsay_kernel::product::{LANES, Output, Pair, Panels, Word, product_bf16, to_bf16};
use pulp::{Arch, Simd, WithSimd};

/// Number format of matrix products in training. Everything else, including weights and moments, is in `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MatmulPrecision {
    /// Single precision.
    #[default]
    F32,
    /// Factors rounded to bfloat16 and summed in `f32`, like PyTorch's autocast, if the processor has AVX-512 BF16;
    /// otherwise single precision.
    Bf16,
}

impl MatmulPrecision {
    /// This precision if the processor supports it, and single precision otherwise.
    #[must_use]
    pub fn supported(self) -> Self {
        match self {
            Self::Bf16 if Pair::is_accelerated() => Self::Bf16,
            _ => Self::F32,
        }
    }
}

/// Packed copies of a layer's weights, `[out, inner]`.
pub(super) enum Packed {
    /// No copy: gemm reads the weights.
    F32,
    /// Rounded copies: `Wᵀ` for the forward pass and `W` for the backward pass.
    Bf16 {
        forward: Panels<Pair>,
        backward: Panels<Pair>,
    },
}

/// Memory for rounded factors, reused for the next product.
pub(super) struct Rounded {
    left: Vec<Pair>,
    right: Panels<Pair>,
}

impl Default for Rounded {
    fn default() -> Self {
        Self {
            left: Vec::new(),
            right: Panels::new(0, LANES),
        }
    }
}

impl Packed {
    pub(super) fn new(precision: MatmulPrecision, out: usize, inner: usize) -> Self {
        match precision.supported() {
            MatmulPrecision::F32 => Self::F32,
            MatmulPrecision::Bf16 => Self::Bf16 {
                forward: Panels::new(inner / Pair::NUMBERS, out),
                backward: Panels::new(out / Pair::NUMBERS, inner),
            },
        }
    }

    /// Copies the weights again after a change.
    pub(super) fn update(&mut self, weights: &[f32], inner: usize) {
        if let Self::Bf16 { forward, backward } = self {
            forward.fill(|k, column, line: &mut [Pair; LANES]| {
                let rows = weights[column * inner..].chunks_exact(inner);
                for (word, row) in line.iter_mut().zip(rows) {
                    *word = Pair([to_bf16(row[2 * k]), to_bf16(row[2 * k + 1])]);
                }
            });
            pack_row_pairs(weights, inner, backward);
        }
    }
}

/// Fills panels from `x`, `[rows, width]`: word `(k, column)` holds rows `2k` and `2k + 1` of that column. A missing
/// last row counts as zeros.
fn pack_row_pairs(x: &[f32], width: usize, panels: &mut Panels<Pair>) {
    panels.fill(|k, column, line: &mut [Pair; LANES]| {
        let first = &x[2 * k * width + column..][..LANES];
        match x.get((2 * k + 1) * width + column..) {
            Some(second) if second.len() >= LANES => {
                for (word, (a, b)) in line.iter_mut().zip(first.iter().zip(second)) {
                    *word = Pair([to_bf16(*a), to_bf16(*b)]);
                }
            }
            _ => {
                for (word, a) in line.iter_mut().zip(first) {
                    *word = Pair([to_bf16(*a), 0]);
                }
            }
        }
    });
}

/// Rounds neighbouring numbers of a row to one word.
struct Round<'a> {
    x: &'a [f32],
    words: &'a mut Vec<Pair>,
}

impl WithSimd for Round<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        self.words.resize(self.x.len() / 2, Pair::default());
        for (word, x) in self.words.iter_mut().zip(self.x.as_chunks::<2>().0) {
            *word = Pair(x.map(to_bf16));
        }
    }
}

/// Rounds columns to words: word `(column, k)` holds rows `2k` and `2k + 1` of that column.
struct RoundColumns<'a> {
    /// `[rows, width]`
    x: &'a [f32],
    width: usize,
    words: &'a mut Vec<Pair>,
}

impl WithSimd for RoundColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.width;
        let depth = (self.x.len() / width).div_ceil(2);
        self.words.resize(width * depth, Pair::default());
        // Square blocks keep both the reads and the writes local.
        for top in (0..depth).step_by(LANES) {
            for left in (0..width).step_by(LANES) {
                let mut square = [[Pair::default(); LANES]; LANES];
                let rows = LANES.min(depth - top);
                for (k, square) in square.iter_mut().enumerate().take(rows) {
                    let place = 2 * (top + k) * width + left;
                    let first = &self.x[place..place + LANES];
                    let second = self.x.get(place + width..place + width + LANES);
                    for (n, word) in square.iter_mut().enumerate() {
                        *word = Pair([to_bf16(first[n]), second.map_or(0, |row| to_bf16(row[n]))]);
                    }
                }
                for n in 0..LANES {
                    let place = (left + n) * depth + top;
                    for (k, word) in self.words[place..place + rows].iter_mut().enumerate() {
                        *word = square[k][n];
                    }
                }
            }
        }
    }
}

/// A linear layer: weights `[out, inner]` and their packed copies.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) weights: &'a [f32],
    pub(super) packed: &'a Packed,
    pub(super) inner: usize,
}

impl Layer<'_> {
    fn out(&self) -> usize {
        self.weights.len() / self.inner
    }

    /// Output: `y ← x·Wᵀ`, `[rows, inner] → [rows, out]`.
    pub(super) fn forward(
        &self,
        x: &[f32],
        y: &mut [f32],
        rounded: &mut Rounded,
    ) -> Result<(), ShapeError> {
        let (out, inner) = (self.out(), self.inner);
        let rows = y.len() / out;
        match self.packed {
            Packed::F32 => {
                let (x, w) = (
                    View::new(x, rows, inner),
                    View::new(self.weights, out, inner),
                );
                matmul(
                    ViewMut::new(y, rows, out),
                    0.0,
                    1.0,
                    x,
                    w.t(),
                    Parallelism::None,
                )
            }
            Packed::Bf16 { forward, .. } => {
                let words = &mut rounded.left;
                Arch::new().dispatch(Round { x, words });
                product_bf16(&rounded.left, forward, Output::Set, y);
                Ok(())
            }
        }
    }

    /// Gradient of the input: `dx ← dy·W`, or `dx += dy·W` with `add`; `[rows, out] → [rows, inner]`.
    pub(super) fn backward(
        &self,
        dy: &[f32],
        dx: &mut [f32],
        add: bool,
        rounded: &mut Rounded,
    ) -> Result<(), ShapeError> {
        let (out, inner) = (self.out(), self.inner);
        let rows = dx.len() / inner;
        match self.packed {
            Packed::F32 => {
                let (dy, w) = (
                    View::new(dy, rows, out),
                    View::new(self.weights, out, inner),
                );
                let beta = f32::from(u8::from(add));
                matmul(
                    ViewMut::new(dx, rows, inner),
                    beta,
                    1.0,
                    dy,
                    w,
                    Parallelism::None,
                )
            }
            Packed::Bf16 { backward, .. } => {
                let words = &mut rounded.left;
                Arch::new().dispatch(Round { x: dy, words });
                let output = if add { Output::Add } else { Output::Set };
                product_bf16(&rounded.left, backward, output, dx);
                Ok(())
            }
        }
    }

    /// Gradient of the weights: `dW += dyᵀ·x`, `[rows, out]`, `[rows, inner] → [out, inner]`.
    pub(super) fn backward_weights(
        &self,
        dy: &[f32],
        x: &[f32],
        dw: &mut [f32],
        rounded: &mut Rounded,
    ) -> Result<(), ShapeError> {
        let (out, inner) = (self.out(), self.inner);
        let rows = x.len() / inner;
        match self.packed {
            Packed::F32 => {
                let (dy, x) = (View::new(dy, rows, out), View::new(x, rows, inner));
                matmul(
                    ViewMut::new(dw, out, inner),
                    1.0,
                    1.0,
                    dy.t(),
                    x,
                    Parallelism::None,
                )
            }
            Packed::Bf16 { .. } => {
                let Rounded { left: words, right } = rounded;
                Arch::new().dispatch(RoundColumns {
                    x: dy,
                    width: out,
                    words,
                });
                right.reshape(rows.div_ceil(2), inner);
                pack_row_pairs(x, inner, right);
                product_bf16(words, right, Output::Add, dw);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..count).map(|_| random.f32() - 0.5).collect()
    }

    #[test]
    fn layer_products_match_definition() {
        let (out, inner) = (80, 48);
        let weights = numbers(out * inner, 1);
        for rows in [1, 2, 7, 33] {
            let (x, dy) = (numbers(rows * inner, 2), numbers(rows * out, 3));
            for (precision, tolerance) in
                [(MatmulPrecision::F32, 1e-5), (MatmulPrecision::Bf16, 0.05)]
            {
                let mut packed = Packed::new(precision, out, inner);
                packed.update(&weights, inner);
                let layer = Layer {
                    weights: &weights,
                    packed: &packed,
                    inner,
                };
                let mut rounded = Rounded::default();
                let mut y = vec![9.0; rows * out];
                layer.forward(&x, &mut y, &mut rounded).unwrap();
                let mut dx = vec![1.0; rows * inner];
                layer.backward(&dy, &mut dx, true, &mut rounded).unwrap();
                let mut fresh = vec![9.0; rows * inner];
                layer
                    .backward(&dy, &mut fresh, false, &mut rounded)
                    .unwrap();
                let mut dw = vec![2.0; out * inner];
                layer
                    .backward_weights(&dy, &x, &mut dw, &mut rounded)
                    .unwrap();
                let assert_close = |a: f32, b: f32| {
                    assert!((a - b).abs() < tolerance, "{precision:?}: {a} {b}");
                };
                for r in 0..rows {
                    for o in 0..out {
                        let sum: f32 = (0..inner)
                            .map(|i| x[r * inner + i] * weights[o * inner + i])
                            .sum();
                        assert_close(y[r * out + o], sum);
                    }
                    for i in 0..inner {
                        let sum: f32 = (0..out)
                            .map(|o| dy[r * out + o] * weights[o * inner + i])
                            .sum();
                        assert_close(dx[r * inner + i], 1.0 + sum);
                        assert_close(fresh[r * inner + i], sum);
                    }
                }
                for o in 0..out {
                    for i in 0..inner {
                        let sum: f32 = (0..rows).map(|r| dy[r * out + o] * x[r * inner + i]).sum();
                        assert_close(dw[o * inner + i], 2.0 + sum);
                    }
                }
            }
        }
    }
}
