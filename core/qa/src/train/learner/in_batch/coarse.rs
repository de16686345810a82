//! Cosines in bfloat16 with an error bound, in half the time of single precision.
//!
//! They decide most comparisons of two cosines; the others are computed again.

use nearsay_core::matrix::dot;
use nearsay_kernel::product::{LANES, Output, Pair, Panels, Word as _, product_bf16, to_bf16};
use rayon::prelude::*;

/// Added to the bound for rounding errors of the sums, which are smaller in single precision.
const SLACK: f32 = 1e-5;

/// Unit vectors in bfloat16.
#[derive(Default)]
pub(super) struct Coarse {
    /// `[n, depth]`
    words: Vec<Pair>,
    /// Words per vector.
    depth: usize,
    /// Maximum length of a rounding error.
    off: f32,
}

/// Vectors packed as the right-hand side of a product. Reuses its memory.
pub(super) type Block = Panels<Pair>;

/// Room for a block.
pub(super) fn block() -> Block {
    Panels::new(0, LANES)
}

impl Coarse {
    /// Rounds vectors, `[n, dim]`, of length 1 or 0. `false` if the processor can't multiply in bfloat16, `dim` is
    /// odd, or a number isn't finite.
    pub(super) fn set(&mut self, unit: &[f32], dim: usize) -> bool {
        if !Pair::is_accelerated() || !dim.is_multiple_of(Pair::NUMBERS) {
            return false;
        }
        self.depth = dim / Pair::NUMBERS;
        self.words
            .resize(unit.len() / Pair::NUMBERS, Pair::default());
        let off = unit
            .par_chunks(dim)
            .zip(self.words.par_chunks_mut(self.depth))
            .with_min_len(64)
            .map(|(unit, words)| {
                // A non-finite number makes the sum non-finite.
                if !dot(unit, unit).is_finite() {
                    return f32::INFINITY;
                }
                let mut off = 0.0;
                for (word, unit) in words.iter_mut().zip(unit.as_chunks::<2>().0) {
                    word.0 = unit.map(to_bf16);
                    for (rounded, exact) in word.0.iter().zip(unit) {
                        let error = f32::from_bits(u32::from(*rounded) << 16) - exact;
                        off += error * error;
                    }
                }
                off
            })
            .reduce(|| 0.0, f32::max);
        self.off = off.sqrt();
        off.is_finite()
    }

    /// Error bound of a cosine against single precision.
    ///
    /// With `x̂ = x + e`, `x̂·ŷ − x·y = e·y + x·f + e·f`, where `‖x‖ = ‖y‖ = 1`.
    pub(super) fn margin(&self) -> f32 {
        2.0 * self.off + self.off * self.off + SLACK
    }

    /// Computes the cosines of the vectors in `rows` with the first `width` of them, `[rows, stride]`. Returns
    /// `stride`: `width` rounded up to whole vector registers.
    pub(super) fn compare(
        &self,
        rows: std::ops::Range<usize>,
        width: usize,
        block: &mut Block,
        cosines: &mut [f32],
    ) -> usize {
        let depth = self.depth;
        let left = &self.words[rows.start * depth..rows.end * depth];
        let stride = stride(width);
        block.reshape(depth, stride);
        block.fill(|k, column, words| {
            for (place, word) in (column..).zip(words) {
                *word = if place < width {
                    left[place * depth + k]
                } else {
                    Pair::default()
                };
            }
        });
        product_bf16(
            left,
            block,
            Output::Set,
            &mut cosines[..rows.len() * stride],
        );
        stride
    }
}

/// Rounds `width` up to whole vector registers.
pub(super) fn stride(width: usize) -> usize {
    width.next_multiple_of(LANES)
}
