//! Products with a right-hand side that is used many times, such as the weights of a layer.
//!
//! The right-hand side is packed into [`Panels`] once; each product then reads it in memory order. Eight rows by 48
//! columns of the result stay in registers while the whole depth is summed, so each multiply instruction needs a
//! third of a load.
//!
//! | [`Word`] | numbers in a word | instruction |
//! | --- | --- | --- |
//! | `f32` | 1 | AVX-512F `vfmadd231ps` |
//! | [`Pair`] | 2 bfloat16 | AVX-512 BF16 `vdpbf16ps` |
//! | [`Quad`] | 4 integers, at most [`MAX_LEFT`] × signed | `vpdpbusd` of AVX-512 VNNI or AVX-VNNI, AVX2 `vpmaddubsw`, ARM `sdot` |
//!
//! With AVX-512 an instruction multiplies 16 words at once. The method is that of Goto and van de Geijn, "Anatomy of
//! high-performance matrix multiplication", 2008, without packing the left-hand side.

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod aarch64;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2;
mod detect;
mod integers;
mod panels;
mod words;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86;

pub use integers::{MAX_LEFT, product_i8};
use panels::Line;
pub use panels::Panels;
pub use words::{Pair, Quad, Word, to_bf16};

/// Numbers in the widest vector register; the number of columns of a product is a multiple of it.
pub const LANES: usize = 16;
/// Vectors side by side in a panel.
const VECTORS: usize = 3;
/// Rows of the result that are summed in registers at once.
const ROWS: usize = 8;

/// How the sums of a product are written to the result.
#[derive(Clone, Copy)]
pub enum Output<'a> {
    /// Overwrites the result with the sums.
    Set,
    /// Adds the sums to the result.
    Add,
    /// Dequantizes sums of [`Quad`]s: writes `scaleᵢ·(scaleⱼ·sum) + lowᵢ·totalⱼ` for row `i` and column `j`.
    Scaled {
        /// `[scale, low]` of each row.
        rows: &'a [[f32; 2]],
        /// Scale of each column.
        scales: &'a [f32],
        /// Scaled sum of each column's integers.
        totals: &'a [f32],
    },
}

/// Sums of one block of the result.
type Tile = [[[f32; LANES]; VECTORS]; ROWS];

impl Output<'_> {
    /// Writes sums of one row, starting at a column, to `result`.
    #[inline(always)]
    fn write_sums(self, row: usize, column: usize, sums: &[f32], result: &mut [f32]) {
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
        /// `left` is `[rows, depth]` in words and `result` is `[rows, columns]`, both row-major.
        ///
        /// # Panics
        /// If a length doesn't match the panels.
        pub fn $name(
            left: &[$word],
            right: &Panels<$word>,
            output: Output<'_>,
            result: &mut [f32],
        ) {
            let rows = check_lengths(left.len(), right, output, result.len());
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            if <$word>::is_accelerated() {
                // SAFETY: `is_accelerated` has just detected the instructions, and `check_lengths` has
                // checked all slices against `rows`, as the kernel requires.
                unsafe { x86::$kernel(left, rows, right, output, result) };
                return;
            }
            product_portable(left, rows, right, output, result);
        }
    };
}

products!(
    /// Multiplies `f32` numbers.
    product_f32, f32, f32
);
products!(
    /// Multiplies bfloat16 numbers and sums them in `f32`.
    product_bf16, Pair, bf16
);

/// Checks all lengths and returns the number of rows.
fn check_lengths<W: Word>(
    left: usize,
    right: &Panels<W>,
    output: Output<'_>,
    result: usize,
) -> usize {
    let rows = result / right.columns.max(1);
    assert_eq!(result, rows * right.columns, "length of the result");
    assert_eq!(left, rows * right.depth, "length of the left-hand side");
    assert_eq!(
        right.lines.len() * LANES,
        right.depth * right.columns,
        "length of the panels"
    );
    if let Output::Scaled {
        rows: scales,
        scales: columns,
        totals,
    } = output
    {
        assert_eq!(scales.len(), rows, "number of row scales");
        assert_eq!(columns.len(), right.columns, "number of column scales");
        assert_eq!(totals.len(), right.columns, "number of column totals");
    }
    rows
}

/// The portable version, which also serves as the reference in tests.
fn product_portable<W: Word>(
    left: &[W],
    rows: usize,
    right: &Panels<W>,
    output: Output<'_>,
    result: &mut [f32],
) where
    W::Sum: ToF32,
{
    let (depth, columns) = (right.depth, right.columns);
    for panel in (0..columns).step_by(VECTORS * LANES) {
        let vectors = VECTORS.min((columns - panel) / LANES);
        let lines = &right.lines[panel / LANES * depth..][..vectors * depth];
        for row in 0..rows {
            let left = &left[row * depth..(row + 1) * depth];
            for vector in 0..vectors {
                let mut sums = [W::Sum::default(); LANES];
                for (&left, lines) in left.iter().zip(lines.chunks_exact(vectors)) {
                    for (sum, &right) in sums.iter_mut().zip(&lines[vector].0) {
                        *sum += W::dot(left, right);
                    }
                }
                let column = panel + vector * LANES;
                let place = row * columns + column;
                let result = &mut result[place..place + LANES];
                output.write_sums(row, column, &sums.map(ToF32::to_f32), result);
            }
        }
    }
}

/// Conversion of a sum to the type of the result.
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

#[cfg(test)]
mod tests {
    use super::integers::{Instructions, product_i8_with};
    use super::words::from_bf16;
    use super::*;
    use proptest::prelude::*;

    fn random_words<W: Word>(count: usize, seed: u64, make: impl Fn(u64) -> W) -> Vec<W> {
        let mut random = fastrand::Rng::with_seed(seed);
        (0..count).map(|_| make(random.u64(..))).collect()
    }

    /// A number between −1 and 1.
    fn unit(bits: u64) -> f32 {
        (bits % 2_000) as f32 / 1_000.0 - 1.0
    }

    /// Integers for the left-hand side, a quarter of them the largest.
    fn make_quad(bits: u64) -> Quad {
        Quad((bits as u32).to_le_bytes().map(
            |byte| {
                if byte < 64 { MAX_LEFT } else { byte & MAX_LEFT }
            },
        ))
    }

    fn pack<W: Word>(depth: usize, columns: usize, words: &[W]) -> Panels<W> {
        let mut panels = Panels::new(depth, columns);
        panels.fill(|k, column, line| {
            line.copy_from_slice(&words[k * columns + column..][..LANES]);
        });
        panels
    }

    /// Compares the product, its portable version and the definition.
    fn check_product<W: Word>(
        product: impl Fn(&[W], &Panels<W>, Output<'_>, &mut [f32]),
        (rows, depth, vectors, seed): (usize, usize, usize, u64),
        make: impl Fn(u64) -> W,
    ) where
        W::Sum: ToF32,
    {
        let columns = vectors * LANES;
        let left = random_words(rows * depth, seed, &make);
        let right = random_words(depth * columns, seed + 1, &make);
        let packed = pack(depth, columns, &right);
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
            let mut fast = vec![0.5f32; rows * columns];
            let mut portable = fast.clone();
            product(&left, &packed, output, &mut fast);
            product_portable(&left, rows, &packed, output, &mut portable);
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
                    for result in [&fast, &portable] {
                        let found = f64::from(result[row * columns + column]);
                        let error = (found - expected).abs();
                        assert!(
                            error <= 2e-6 * (size + expected.abs()),
                            "{found} {expected}"
                        );
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]

        #[test]
        fn products_match_definition(
            rows in 0usize..20,
            depth in 0usize..20,
            vectors in 1usize..8,
            seed in 0u64..1_000_000,
        ) {
            let shape = (rows, depth, vectors, seed);
            check_product(product_f32, shape, unit);
            check_product(product_bf16, shape, |bits| {
                Pair([to_bf16(unit(bits)), to_bf16(unit(bits >> 20))])
            });
            check_product(product_i8, shape, make_quad);
        }

        #[test]
        fn product_i8_is_equal_with_all_instructions(
            rows in 0usize..20,
            depth in 0usize..20,
            vectors in 1usize..8,
            seed in 0u64..1_000_000,
        ) {
            let columns = vectors * LANES;
            let left = random_words(rows * depth, seed, make_quad);
            let right = random_words(depth * columns, seed + 1, |bits| {
                Quad((bits as u32).to_le_bytes().map(|byte| if byte < 64 { 0x80 } else { byte }))
            });
            let right = pack(depth, columns, &right);
            let mut expected = vec![0.0; rows * columns];
            product_portable(&left, rows, &right, Output::Set, &mut expected);
            for instructions in Instructions::available() {
                let mut result = vec![0.0; rows * columns];
                product_i8_with(instructions, &left, &right, Output::Set, &mut result);
                prop_assert_eq!(&result, &expected, "{:?}", instructions);
            }
        }
    }

    #[test]
    fn product_i8_of_largest_integers_does_not_overflow() {
        let (depth, columns) = (16_000, LANES);
        let right = vec![Quad([0x80; 4]); depth * columns]; // −128
        let mut result = vec![0.0; columns];
        let left = vec![Quad([MAX_LEFT; 4]); depth];
        let right = pack(depth, columns, &right);
        for instructions in Instructions::available() {
            product_i8_with(instructions, &left, &right, Output::Set, &mut result);
            let expected = -127.0 * 128.0 * 4.0 * 16_000.0;
            assert_eq!(result, vec![expected; columns], "{instructions:?}");
        }
    }

    #[test]
    fn to_bf16_rounds_to_nearest_even() {
        for (x, expected) in [
            (1.0, 1.0),
            (1.003_906_3, 1.0),       // halfway, to even
            (1.011_718_8, 1.015_625), // halfway, to even
            (1.004, 1.007_812_5),
            (-2.5, -2.5),
            (0.0, 0.0),
        ] {
            assert_eq!(from_bf16(to_bf16(x)), expected, "{x}");
        }
    }

    #[test]
    #[should_panic(expected = "length of the left-hand side")]
    fn product_panics_on_wrong_length() {
        let right = pack(2, LANES, &[0.0; 2 * LANES]);
        product_f32(&[1.0], &right, Output::Set, &mut [0.0; LANES]);
    }
}
