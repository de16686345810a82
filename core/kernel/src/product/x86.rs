//! AVX-512 versions of the products: one loop, instantiated for each [`Word`](super::Word) type.

use super::{LANES, Line, Output, Pair, Panels, Quad, ROWS, Tile, VECTORS};
use std::arch::x86_64::{
    __m512bh, __m512i, _mm512_castsi512_ps, _mm512_cvtepi32_ps, _mm512_dpbf16_ps,
    _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_load_si512, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_storeu_ps,
};
use std::mem::transmute;

const _: () = assert!(ROWS == 8 && VECTORS == 3);
const _: () = assert!(size_of::<Pair>() == 4 && align_of::<Pair>() == 4);
const _: () = assert!(size_of::<Quad>() == 4 && align_of::<Quad>() == 4);
const _: () = assert!(size_of::<Line<Quad>>() == 64 && align_of::<Line<Quad>>() == 64);

macro_rules! kernel {
    (
        $name:ident, $block:ident, $word:ty, $features:literal, $zero:expr,
        |$s:ident, $a:ident, $b:ident| $step:expr, |$end:ident| $to_f32:expr
    ) => {
        /// Sums `R` rows by `V` vectors over the whole depth into the first `R` rows of a tile.
        ///
        /// # Safety
        /// The processor must have the features. `left` must be readable for `R` rows of `depth` words and
        /// `right` for `depth · V` lines, with `R ≤ ROWS` and `V ≤ VECTORS`.
        #[target_feature(enable = $features)]
        unsafe fn $block<const R: usize, const V: usize>(
            left: *const u32,
            right: *const __m512i,
            depth: usize,
            tile: &mut Tile,
        ) {
            let mut sums = [[$zero; V]; R];
            for k in 0..depth {
                let mut lines = [_mm512_setzero_si512(); V];
                for (v, line) in lines.iter_mut().enumerate() {
                    // SAFETY: line `k · V + v` is one of the `depth · V` lines that the caller guarantees;
                    // the type of a line aligns it to 64 bytes.
                    *line = unsafe { _mm512_load_si512(right.add(k * V + v)) };
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: the caller guarantees `R` rows of `depth` words; this is word `k` of row `r`.
                    let word = unsafe { *left.add(r * depth + k) };
                    let $a = _mm512_set1_epi32(word.cast_signed());
                    for (sum, line) in sums.iter_mut().zip(lines) {
                        let ($s, $b) = (*sum, line);
                        *sum = $step;
                    }
                }
            }
            for (sums, row) in sums.into_iter().zip(tile) {
                for ($end, vector) in sums.into_iter().zip(row) {
                    // SAFETY: `vector` is an array of LANES numbers, the size of the register.
                    unsafe { _mm512_storeu_ps(vector.as_mut_ptr(), $to_f32) };
                }
            }
        }

        /// Computes the whole product, block by block.
        ///
        /// # Safety
        /// The processor must have the features, and `check_lengths` must have accepted the lengths.
        #[target_feature(enable = $features)]
        pub unsafe fn $name(
            left: &[$word],
            rows: usize,
            right: &Panels<$word>,
            output: Output<'_>,
            result: &mut [f32],
        ) {
            let (depth, columns) = (right.depth, right.columns);
            let mut tile = Tile::default();
            for column in (0..columns).step_by(VECTORS * LANES) {
                let vectors = VECTORS.min((columns - column) / LANES);
                let mut row = 0;
                while row < rows {
                    let count = match rows - row {
                        8.. => 8,
                        4.. => 4,
                        2.. => 2,
                        _ => 1,
                    };
                    // SAFETY: `left` has rows · depth words of 32 bits, so `count` rows starting at `row`
                    // are inside it. The panels before this one have column · depth words, in lines of
                    // LANES words, and this panel has vectors · depth lines.
                    unsafe {
                        let left = left.as_ptr().cast::<u32>().add(row * depth);
                        let lines = right.lines.as_ptr().cast::<__m512i>();
                        let lines = lines.add(column / LANES * depth);
                        match vectors {
                            1 => in_rows!($block, 1, count, left, lines, depth, &mut tile),
                            2 => in_rows!($block, 2, count, left, lines, depth, &mut tile),
                            _ => in_rows!($block, 3, count, left, lines, depth, &mut tile),
                        }
                    }
                    for (r, sums) in tile[..count].iter().enumerate() {
                        let place = (row + r) * columns + column;
                        let result = &mut result[place..place + vectors * LANES];
                        output.write_sums(row + r, column, sums.as_flattened(), result);
                    }
                    row += count;
                }
            }
        }
    };
}

/// Calls a block function with the number of rows as a constant.
macro_rules! in_rows {
    ($block:ident, $vectors:literal, $count:ident, $($argument:expr),*) => {
        match $count {
            1 => $block::<1, $vectors>($($argument),*),
            2 => $block::<2, $vectors>($($argument),*),
            4 => $block::<4, $vectors>($($argument),*),
            _ => $block::<8, $vectors>($($argument),*),
        }
    };
}

kernel!(
    f32,
    block_f32,
    f32,
    "avx512f",
    _mm512_setzero_ps(),
    |sum, a, b| _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sum),
    |sum| sum
);
kernel!(
    bf16,
    block_bf16,
    Pair,
    "avx512f,avx512bf16",
    _mm512_setzero_ps(),
    // SAFETY: both types have 64 bytes, and every bit pattern is a valid vector of bfloat16.
    |sum, a, b| _mm512_dpbf16_ps(sum, unsafe { transmute::<__m512i, __m512bh>(a) }, unsafe {
        transmute::<__m512i, __m512bh>(b)
    }),
    |sum| sum
);
kernel!(
    i8,
    block_i8,
    Quad,
    "avx512f,avx512vnni",
    _mm512_setzero_si512(),
    |sum, a, b| _mm512_dpbusd_epi32(sum, a, b),
    |sum| _mm512_cvtepi32_ps(sum)
);
