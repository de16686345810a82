//! Products of eight-bit integers on vectors of 256 bits: AVX-VNNI, and AVX2 without it.

use super::{LANES, Output, Panels, Quad, Tile, VECTORS};
use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_dpbusd_avx_epi32, _mm256_load_si256,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_storeu_ps,
};

/// Registers for a line of a panel.
const HALVES: usize = 2;

macro_rules! kernel {
    (
        $(#[$doc:meta])* $name:ident, $block:ident, $features:literal,
        |$s:ident, $a:ident, $b:ident| $step:expr
    ) => {
        /// Sums `R` rows by `V` lines over the whole depth into the first `R` rows of a tile.
        ///
        /// # Safety
        /// The processor must have the features. `left` must be readable for `R` rows of `depth` words and
        /// `right` for `depth · V` lines, with `R ≤ ROWS` and `V ≤ VECTORS`.
        #[target_feature(enable = $features)]
        unsafe fn $block<const R: usize, const V: usize>(
            left: *const u32,
            right: *const __m256i,
            depth: usize,
            tile: &mut Tile,
        ) {
            let mut sums = [[[_mm256_setzero_si256(); HALVES]; V]; R];
            for k in 0..depth {
                let mut words = [_mm256_setzero_si256(); R];
                for (r, word) in words.iter_mut().enumerate() {
                    // SAFETY: the caller guarantees `R` rows of `depth` words; this is word `k` of row `r`.
                    *word = _mm256_set1_epi32(unsafe { *left.add(r * depth + k) }.cast_signed());
                }
                for v in 0..V {
                    for half in 0..HALVES {
                        // SAFETY: line `k · V + v` is one of the `depth · V` lines that the caller guarantees;
                        // the type of a line aligns both halves to 32 bytes.
                        let $b =
                            unsafe { _mm256_load_si256(right.add((k * V + v) * HALVES + half)) };
                        for r in 0..R {
                            let ($s, $a) = (sums[r][v][half], words[r]);
                            sums[r][v][half] = $step;
                        }
                    }
                }
            }
            for (sums, row) in sums.iter().zip(tile) {
                for (sums, vector) in sums.iter().zip(row) {
                    for (sum, half) in sums.iter().zip(vector.as_chunks_mut::<8>().0) {
                        // SAFETY: `half` is an array of 8 numbers, the size of the register.
                        unsafe { _mm256_storeu_ps(half.as_mut_ptr(), _mm256_cvtepi32_ps(*sum)) };
                    }
                }
            }
        }

        $(#[$doc])*
        ///
        /// # Safety
        /// The processor must have the features, and `check_lengths` must have accepted the lengths.
        #[target_feature(enable = $features)]
        pub unsafe fn $name(
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
                    // SAFETY: `left` has rows · depth words of 32 bits, so `count` rows starting at `row`
                    // are inside it. The panels before this one have column · depth words, in lines of
                    // LANES words, and this panel has vectors · depth lines.
                    unsafe {
                        let left = left.as_ptr().cast::<u32>().add(row * depth);
                        let lines = right.lines.as_ptr().add(column / LANES * depth);
                        let lines = lines.cast::<__m256i>();
                        match (count, vectors) {
                            (1, 1) => $block::<1, 1>(left, lines, depth, &mut tile),
                            (1, 2) => $block::<1, 2>(left, lines, depth, &mut tile),
                            (1, _) => $block::<1, 3>(left, lines, depth, &mut tile),
                            (_, 1) => $block::<2, 1>(left, lines, depth, &mut tile),
                            (_, 2) => $block::<2, 2>(left, lines, depth, &mut tile),
                            (_, _) => $block::<2, 3>(left, lines, depth, &mut tile),
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
    };
}

kernel!(
    /// Computes the whole product with AVX-VNNI, block by block.
    i8_vnni,
    block_vnni,
    "avx2,avxvnni",
    |sum, a, b| _mm256_dpbusd_avx_epi32(sum, a, b)
);
kernel!(
    /// Computes the whole product with AVX2, block by block. Sums of two products fit 16 bits, because no integer of
    /// the left-hand side exceeds `MAX_LEFT`.
    i8_madd,
    block_madd,
    "avx2",
    |sum, a, b| _mm256_add_epi32(
        sum,
        _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1))
    )
);
