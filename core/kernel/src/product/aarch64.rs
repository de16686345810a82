//! Products of eight-bit integers with ARM's dot product.

use super::{LANES, Output, Panels, Quad, Tile, VECTORS};
use std::arch::{
    aarch64::{
        int8x16_t, int32x4_t, vcvtq_f32_s32, vdupq_n_s32, vld1q_s8, vreinterpretq_s8_s32, vst1q_f32,
    },
    asm,
};

/// Registers for a line of a panel.
const QUARTERS: usize = 4;

/// Adds to each lane the sum of the four products of its integers. Both sides are signed: no integer of the left-hand
/// side exceeds `MAX_LEFT`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // The intrinsic `vdotq_s32` is not stable yet.
    // SAFETY: the instruction only reads and writes these registers, and the caller has the feature.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// Sums `R` rows by `V` lines over the whole depth into the first `R` rows of a tile.
///
/// # Safety
/// The processor must have the features. `left` must be readable for `R` rows of `depth` words and `right` for
/// `depth · V` lines, with `R ≤ ROWS` and `V ≤ VECTORS`.
#[target_feature(enable = "neon,dotprod")]
unsafe fn block<const R: usize, const V: usize>(
    left: *const i32,
    right: *const i8,
    depth: usize,
    tile: &mut Tile,
) {
    let mut sums = [[[vdupq_n_s32(0); QUARTERS]; V]; R];
    for k in 0..depth {
        let mut words = [vreinterpretq_s8_s32(vdupq_n_s32(0)); R];
        for (r, word) in words.iter_mut().enumerate() {
            // SAFETY: the caller guarantees `R` rows of `depth` words; this is word `k` of row `r`.
            *word = vreinterpretq_s8_s32(vdupq_n_s32(unsafe { *left.add(r * depth + k) }));
        }
        for v in 0..V {
            for quarter in 0..QUARTERS {
                // SAFETY: line `k · V + v` is one of the `depth · V` lines that the caller guarantees; a line has
                // four quarters of 16 bytes.
                let line = unsafe { vld1q_s8(right.add(((k * V + v) * QUARTERS + quarter) * 16)) };
                for r in 0..R {
                    sums[r][v][quarter] = dot(sums[r][v][quarter], words[r], line);
                }
            }
        }
    }
    for (sums, row) in sums.iter().zip(tile) {
        for (sums, vector) in sums.iter().zip(row) {
            for (sum, quarter) in sums.iter().zip(vector.as_chunks_mut::<4>().0) {
                // SAFETY: `quarter` is an array of 4 numbers, the size of the register.
                unsafe { vst1q_f32(quarter.as_mut_ptr(), vcvtq_f32_s32(*sum)) };
            }
        }
    }
}

/// Computes the whole product, block by block.
///
/// # Safety
/// The processor must have the features, and `check_lengths` must have accepted the lengths.
#[target_feature(enable = "neon,dotprod")]
pub unsafe fn i8(
    left: &[Quad],
    rows: usize,
    right: &Panels<Quad>,
    output: Output<'_>,
    result: &mut [f32],
) {
    let (depth, columns) = (right.depth, right.columns);
    let mut tile = Tile::default();
    for column in (0..columns).step_by(VECTORS * LANES) {
        let vectors = VECTORS.min((columns - column) / LANES);
        for row in (0..rows).step_by(2) {
            let count = 2.min(rows - row);
            // SAFETY: `left` has rows · depth words of 32 bits, so `count` rows starting at `row` are inside it. The
            // panels before this one have column · depth words, in lines of LANES words, and this panel has
            // vectors · depth lines.
            unsafe {
                let left = left.as_ptr().cast::<i32>().add(row * depth);
                let lines = right.lines.as_ptr().add(column / LANES * depth);
                let lines = lines.cast::<i8>();
                match (count, vectors) {
                    (1, 1) => block::<1, 1>(left, lines, depth, &mut tile),
                    (1, 2) => block::<1, 2>(left, lines, depth, &mut tile),
                    (1, _) => block::<1, 3>(left, lines, depth, &mut tile),
                    (_, 1) => block::<2, 1>(left, lines, depth, &mut tile),
                    (_, 2) => block::<2, 2>(left, lines, depth, &mut tile),
                    (_, _) => block::<2, 3>(left, lines, depth, &mut tile),
                }
            }
            for (r, sums) in tile[..count].iter().enumerate() {
                let place = (row + r) * columns + column;
                let result = &mut result[place..place + vectors * LANES];
                output.write_sums(row + r, column, sums.as_flattened(), result);
            }
        }
    }
}
