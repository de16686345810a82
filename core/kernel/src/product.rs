//! Products with a right-hand side that is used again and again, such as a layer's weights.
//!
//! The right-hand side is brought into [`Panels`] once; a product then reads it in the very order it
//! lies in memory. Eight rows by 48 columns of the result are held in registers while all of the depth
//! is summed, so that each instruction that multiplies needs a third of one that reads.
//!
//! | [`Word`] | numbers in it | instruction | multiplications a word, 16 words at once |
//! | --- | --- | --- | --- |
//! | `f32` | 1 | AVX-512F `vfmadd231ps` | 1 |
//! | [`Pair`] | 2 bfloat16 | AVX-512 BF16 `vdpbf16ps` | 2 |
//! | [`Quad`] | 4 integers, unsigned by signed | AVX-512 VNNI `vpdpbusd` | 4 |
//!
//! All three cost the same time a word, so halving or quartering the numbers halves or quarters it.
//! The method is that of Goto and van de Geijn, "Anatomy of high-performance matrix multiplication",
//! 2008, less the packing of the left-hand side, which is small here.

use std::marker::PhantomData;

/// Columns that lie side by side: one vector of the widest kind.
pub const LANES: usize = 16;
/// Vectors side by side in a panel.
const VECTORS: usize = 3;
/// Rows of the result in registers at once.
const ROWS: usize = 8;

/// 32 bits of a row or a column: one number, or several that are multiplied pair by pair and summed.
pub trait Word: Copy + Default + Send + Sync + 'static {
    /// Numbers in a word.
    const NUMBERS: usize;
    /// What a sum is made in.
    type Sum: Copy + Default + std::ops::AddAssign;
    /// Whether this machine has the instruction for it.
    fn fast() -> bool;
    /// The sum of the products of its numbers, as the instruction forms it.
    fn dot(left: Self, right: Self) -> Self::Sum;
}

impl Word for f32 {
    const NUMBERS: usize = 1;
    type Sum = f32;

    fn fast() -> bool {
        detect::avx512f()
    }

    fn dot(left: Self, right: Self) -> f32 {
        left * right
    }
}

/// Two bfloat16 numbers: the upper halves of two `f32`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(4))]
pub struct Pair(pub [u16; 2]);

impl Word for Pair {
    const NUMBERS: usize = 2;
    type Sum = f32;

    fn fast() -> bool {
        detect::bf16()
    }

    fn dot(left: Self, right: Self) -> f32 {
        let product = |n: usize| from_bf16(left.0[n]) * from_bf16(right.0[n]);
        product(0) + product(1)
    }
}

/// The bfloat16 nearest to a number, ties to even; not for what is no number.
#[inline]
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// The number that a bfloat16 stands for.
#[inline]
fn from_bf16(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// Four small integers: unsigned on the left, signed on the right.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(4))]
pub struct Quad(pub [u8; 4]);

impl Word for Quad {
    const NUMBERS: usize = 4;
    type Sum = i32;

    fn fast() -> bool {
        detect::vnni()
    }

    fn dot(left: Self, right: Self) -> i32 {
        let product = |n: usize| i32::from(left.0[n]) * i32::from(right.0[n].cast_signed());
        product(0) + product(1) + product(2) + product(3)
    }
}

/// One vector of words.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<W>([W; LANES]);

/// The right-hand side of products, `[depth, columns]`, `depth` counted in words.
///
/// Panels of 48 columns (the last of 16, 32 or 48), each word by word: word `k` of all its columns,
/// then word `k + 1`.
pub struct Panels<W> {
    lines: Vec<Line<W>>,
    depth: usize,
    columns: usize,
    word: PhantomData<W>,
}

impl<W: Word> Panels<W> {
    /// Room for a right-hand side of this shape, to be filled by [`fill`](Self::fill); `columns` must
    /// be a multiple of [`LANES`].
    pub fn new(depth: usize, columns: usize) -> Self {
        assert!(columns.is_multiple_of(LANES), "{columns} columns");
        Self {
            lines: vec![Line([W::default(); LANES]); depth * columns / LANES],
            depth,
            columns,
            word: PhantomData,
        }
    }

    /// Words a column.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Its columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Takes another shape, for [`fill`](Self::fill); memory is kept. `columns` must be a multiple of
    /// [`LANES`].
    pub fn reshape(&mut self, depth: usize, columns: usize) {
        assert!(columns.is_multiple_of(LANES), "{columns} columns");
        let lines = depth * columns / LANES;
        self.lines.resize(lines, Line([W::default(); LANES]));
        (self.depth, self.columns) = (depth, columns);
    }

    /// Writes every vector: `write(k, column, words)` gives word `k` of the [`LANES`] columns from
    /// `column` on.
    pub fn fill(&mut self, mut write: impl FnMut(usize, usize, &mut [W; LANES])) {
        let width = VECTORS * LANES;
        let panels = self.lines.chunks_mut((self.depth * VECTORS).max(1));
        for (panel, lines) in panels.enumerate() {
            let vectors = VECTORS.min((self.columns - panel * width) / LANES);
            for (k, lines) in lines.chunks_exact_mut(vectors).enumerate() {
                for (vector, line) in lines.iter_mut().enumerate() {
                    write(k, panel * width + vector * LANES, &mut line.0);
                }
            }
        }
    }
}

/// What becomes of the sums.
#[derive(Clone, Copy)]
pub enum Output<'a> {
    /// They are the result.
    Set,
    /// They are added to what is there.
    Add,
    /// Of [`Quad`]s: the result is `scaleᵢ·(scaleⱼ·sum) + lowᵢ·totalⱼ` for row `i` and column `j`.
    Scaled {
        /// `(scale, low)` of each row.
        rows: &'a [[f32; 2]],
        /// The scale of each column.
        scales: &'a [f32],
        /// The total of each column.
        totals: &'a [f32],
    },
}

/// Sums of one block, row by row.
type Tile = [[[f32; LANES]; VECTORS]; ROWS];

impl Output<'_> {
    /// Puts sums of a row, from a column on, into the result.
    #[inline(always)]
    fn put(self, row: usize, column: usize, sums: &[f32], result: &mut [f32]) {
        let places = result.iter_mut().zip(sums);
        match self {
            Output::Set => places.for_each(|(place, sum)| *place = *sum),
            Output::Add => places.for_each(|(place, sum)| *place += *sum),
            Output::Scaled {
                rows,
                scales,
                totals,
            } => {
                let [scale, low] = rows[row];
                let columns = scales[column..].iter().zip(&totals[column..]);
                for ((place, sum), (column, total)) in places.zip(columns) {
                    *place = scale * (column * sum) + low * total;
                }
            }
        }
    }
}

macro_rules! products {
    ($(#[$doc:meta])* $name:ident, $word:ty, $kernel:ident) => {
        $(#[$doc])*
        ///
        /// `left` is `[rows, depth]` in words and `result` is `[rows, columns]`, both row by row;
        /// panics when they do not go with the panels.
        pub fn $name(
            left: &[$word],
            right: &Panels<$word>,
            output: Output<'_>,
            result: &mut [f32],
        ) {
            let rows = check(left.len(), right, output, result.len());
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            if <$word>::fast() {
                // SAFETY: the instructions are there, as `fast` has just found; `check` has compared
                // the lengths of all slices with `rows`, which is what `blocks` asks for.
                unsafe { x86::$kernel(left, rows, right, output, result) };
                return;
            }
            plain(left, rows, right, output, result);
        }
    };
}

products!(
    /// A product of `f32`.
    product_f32, f32, f32
);
products!(
    /// A product of bfloat16, summed in `f32`.
    product_bf16, Pair, bf16
);
products!(
    /// A product of small integers, which no sum can overflow up to a depth of 16,000 words.
    product_i8, Quad, i8
);

/// Compares all lengths and returns the number of rows.
fn check<W: Word>(left: usize, right: &Panels<W>, output: Output<'_>, result: usize) -> usize {
    let rows = result / right.columns.max(1);
    assert_eq!(result, rows * right.columns, "the result's length");
    assert_eq!(left, rows * right.depth, "the left side's length");
    assert_eq!(
        right.lines.len() * LANES,
        right.depth * right.columns,
        "the panels' length"
    );
    if let Output::Scaled {
        rows: scales,
        scales: columns,
        totals,
    } = output
    {
        assert_eq!(scales.len(), rows, "the rows' scales");
        assert_eq!(columns.len(), right.columns, "the columns' scales");
        assert_eq!(totals.len(), right.columns, "the columns' totals");
    }
    rows
}

/// What the fast versions are compared with, and what runs where there are none.
fn plain<W: Word>(
    left: &[W],
    rows: usize,
    right: &Panels<W>,
    output: Output<'_>,
    result: &mut [f32],
) where
    W::Sum: ToF32,
{
    let (depth, width) = (right.depth, VECTORS * LANES);
    for row in 0..rows {
        let left = &left[row * depth..(row + 1) * depth];
        for column in 0..right.columns {
            let (panel, inside) = (column / width, column % width);
            let vectors = VECTORS.min((right.columns - panel * width) / LANES);
            let start = panel * depth * VECTORS + inside / LANES;
            let mut sum = W::Sum::default();
            for (k, &left) in left.iter().enumerate() {
                let line = &right.lines[start + k * vectors].0;
                sum += W::dot(left, line[inside % LANES]);
            }
            let place = row * right.columns + column;
            output.put(row, column, &[sum.to_f32()], &mut result[place..=place]);
        }
    }
}

/// A sum as it is written down.
trait ToF32 {
    fn to_f32(self) -> f32;
}

impl ToF32 for f32 {
    fn to_f32(self) -> f32 {
        self
    }
}

impl ToF32 for i32 {
    fn to_f32(self) -> f32 {
        self as f32
    }
}

/// What this machine has.
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod detect {
    pub fn avx512f() -> bool {
        is_x86_feature_detected!("avx512f")
    }

    pub fn bf16() -> bool {
        avx512f() && is_x86_feature_detected!("avx512bf16")
    }

    pub fn vnni() -> bool {
        avx512f() && is_x86_feature_detected!("avx512vnni")
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
mod detect {
    pub fn avx512f() -> bool {
        false
    }

    pub fn bf16() -> bool {
        false
    }

    pub fn vnni() -> bool {
        false
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use super::{LANES, Line, Output, Pair, Panels, Quad, ROWS, Tile, VECTORS};
    use std::arch::x86_64::{
        __m512bh, __m512i, _mm512_castsi512_ps, _mm512_cvtepi32_ps, _mm512_dpbf16_ps,
        _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_load_si512, _mm512_set1_epi32,
        _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps,
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
            /// Sums `R` rows by `V` vectors over all of the depth, into the first `R` rows of a tile.
            ///
            /// # Safety
            /// The processor has the features; `left` can be read at `depth` words of each of `R` rows,
            /// `right` at `depth · V` lines; `R ≤ ROWS`, `V ≤ VECTORS`.
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
                        // SAFETY: line `k · V + v` of `depth · V`, which the caller vouches for; lines
                        // are aligned to 64 bytes by their type.
                        *line = unsafe { _mm512_load_si512(right.add(k * V + v)) };
                    }
                    for (r, sums) in sums.iter_mut().enumerate() {
                        // SAFETY: word `k` of row `r`, which the caller vouches for.
                        let word = unsafe { *left.add(r * depth + k) };
                        let $a = _mm512_set1_epi32(word.cast_signed());
                        for (sum, line) in sums.iter_mut().zip(lines) {
                            let ($s, $b) = (*sum, line);
                            *sum = $step;
                        }
                    }
                }
                for (sums, row) in sums.into_iter().zip(tile) {
                    for ($end, place) in sums.into_iter().zip(row) {
                        // SAFETY: a place is LANES numbers, as many as the vector.
                        unsafe { _mm512_storeu_ps(place.as_mut_ptr(), $to_f32) };
                    }
                }
            }

            /// The whole product, block by block.
            ///
            /// # Safety
            /// The processor has the features; all lengths are those that `check` asks for.
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
                        // SAFETY: `count` rows from `row` on are inside left's rows · depth words; the
                        // panels before this one have column · depth words, in lines of LANES words,
                        // and this one has vectors · depth lines. A word is 32 bits.
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
                            output.put(row + r, column, sums.as_flattened(), result);
                        }
                        row += count;
                    }
                }
            }
        };
    }

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
        // SAFETY: both are 64 bytes, and every bit pattern is a vector of bfloat16.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Words from numbers that a seed makes.
    fn words<W: Word>(count: usize, seed: u64, make: impl Fn(u64) -> W) -> Vec<W> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..count).map(|_| make(random.u64(..))).collect()
    }

    fn small(bits: u64) -> f32 {
        (bits % 2_000) as f32 / 1_000.0 - 1.0
    }

    fn panels<W: Word>(depth: usize, columns: usize, words: &[W]) -> Panels<W> {
        let mut panels = Panels::new(depth, columns);
        panels.fill(|k, column, line| {
            line.copy_from_slice(&words[k * columns + column..][..LANES]);
        });
        panels
    }

    type Product<W> = fn(&[W], &Panels<W>, Output<'_>, &mut [f32]);

    /// The product that runs here, the plain one, and one straight from the definition.
    fn agree<W: Word>(
        product: Product<W>,
        (rows, depth, vectors, seed): (usize, usize, usize, u64),
        make: impl Fn(u64) -> W,
    ) where
        W::Sum: ToF32,
    {
        let columns = vectors * LANES;
        let left = words(rows * depth, seed, &make);
        let right = words(depth * columns, seed + 1, &make);
        let packed = panels(depth, columns, &right);
        let mut random = fastrand::Rng::with_seed(seed + 2);
        let row_scales: Vec<[f32; 2]> = (0..rows)
            .map(|_| [random.f32() + 0.1, random.f32() - 0.5])
            .collect();
        let scales: Vec<f32> = (0..columns).map(|_| random.f32() + 0.1).collect();
        let totals: Vec<f32> = (0..columns).map(|_| random.f32() - 0.5).collect();
        let scaled = Output::Scaled {
            rows: &row_scales,
            scales: &scales,
            totals: &totals,
        };
        for output in [Output::Set, Output::Add, scaled] {
            let mut here = vec![0.5f32; rows * columns];
            let mut plainly = here.clone();
            product(&left, &packed, output, &mut here);
            plain(&left, rows, &packed, output, &mut plainly);
            for row in 0..rows {
                for column in 0..columns {
                    let mut sum = 0f64;
                    for k in 0..depth {
                        let word = W::dot(left[row * depth + k], right[k * columns + column]);
                        sum += f64::from(word.to_f32());
                    }
                    let [scale, low] = row_scales[row].map(f64::from);
                    let expected = match output {
                        Output::Set => sum,
                        Output::Add => sum + 0.5,
                        Output::Scaled { .. } => {
                            scale * f64::from(scales[column]) * sum
                                + low * f64::from(totals[column])
                        }
                    };
                    let size = (depth * W::NUMBERS) as f64;
                    for found in [&here, &plainly] {
                        let found = f64::from(found[row * columns + column]);
                        let far = (found - expected).abs();
                        assert!(far <= 2e-6 * (size + expected.abs()), "{found} {expected}");
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]

        #[test]
        fn products_are_those_of_the_definition(
            rows in 0usize..20,
            depth in 0usize..20,
            vectors in 1usize..8,
            seed in 0u64..1_000_000,
        ) {
            let shape = (rows, depth, vectors, seed);
            agree(product_f32, shape, small);
            agree(product_bf16, shape, |bits| {
                Pair([to_bf16(small(bits)), to_bf16(small(bits >> 20))])
            });
            agree(product_i8, shape, |bits| Quad((bits as u32).to_le_bytes()));
        }
    }

    #[test]
    fn the_largest_integers_do_not_overflow() {
        let (depth, columns) = (16_000, LANES);
        let right = vec![Quad([0x80; 4]); depth * columns]; // −128
        let mut result = vec![0.0; columns];
        let left = vec![Quad([255; 4]); depth];
        product_i8(
            &left,
            &panels(depth, columns, &right),
            Output::Set,
            &mut result,
        );
        assert_eq!(result, vec![-255.0 * 128.0 * 4.0 * 16_000.0; columns]);
    }

    #[test]
    fn bfloat16_is_rounded_to_nearest_even() {
        for (x, expected) in [
            (1.0, 1.0),
            (1.003_906_3, 1.0),       // half way, to even
            (1.011_718_8, 1.015_625), // half way, to even
            (1.004, 1.007_812_5),
            (-2.5, -2.5),
            (0.0, 0.0),
        ] {
            assert_eq!(from_bf16(to_bf16(x)), expected, "{x}");
        }
    }

    #[test]
    #[should_panic(expected = "the left side's length")]
    fn lengths_must_go_together() {
        let right = panels(2, LANES, &[0.0; 2 * LANES]);
        product_f32(&[1.0], &right, Output::Set, &mut [0.0; LANES]);
    }
}
