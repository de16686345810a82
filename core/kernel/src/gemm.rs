//! Products of matrices that lie in slices: `gemm`'s, behind a check of every length.

pub use gemm::Parallelism;
use nearsay_core::matrix::ShapeError;

/// A matrix in a slice, `[rows, columns]`: row `i` starts at `i · stride`, its numbers side by side.
///
/// Nothing is checked before [`matmul`].
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    stride: usize,
    transposed: bool,
}

impl<'a> View<'a> {
    /// Rows that follow right upon one another.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows that start `stride` numbers apart: columns of a wider matrix, or one row over and over.
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            stride,
            transposed: false,
        }
    }

    /// The same numbers read the other way: `[columns, rows]`. Nothing is moved.
    pub fn t(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }

    /// `(rows, columns)` as they are read.
    fn dims(&self) -> (usize, usize) {
        match self.transposed {
            false => (self.rows, self.columns),
            true => (self.columns, self.rows),
        }
    }

    /// Steps between columns and between rows, as they are read.
    fn steps(&self) -> (isize, isize) {
        match self.transposed {
            false => (1, self.stride as isize),
            true => (self.stride as isize, 1),
        }
    }
}

/// A matrix in a slice that is written to; see [`View`]. Its rows do not overlap.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> ViewMut<'a> {
    /// Rows that follow right upon one another.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows that start `stride` numbers apart; what lies between them is left alone.
    pub fn strided(data: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            stride,
        }
    }
}

/// Whether the last row of a matrix ends within `len` numbers.
fn ends_within(len: usize, rows: usize, columns: usize, stride: usize) -> bool {
    if rows == 0 || columns == 0 {
        return true;
    }
    let last = (rows - 1).checked_mul(stride);
    let end = last.and_then(|last| last.checked_add(columns));
    end.is_some_and(|end| end <= len)
}

/// `dst ← keep · dst + factor · a·b`: `[m, k] × [k, n] → [m, n]`.
///
/// With `keep` 0 what was in `dst` is not read, so that it may be anything. Neither how the work is
/// shared out nor how many rows or columns are asked for at once changes a number: each is one sum over
/// `k`, in an order that only `k` decides.
///
/// # Errors
/// Before anything is computed: when `a`'s columns are not as many as `b`'s rows, when `dst` is not
/// `[m, n]`, when a slice is too short for its matrix, or when rows of `dst` overlap.
pub fn matmul(
    dst: ViewMut<'_>,
    keep: f32,
    factor: f32,
    a: View<'_>,
    b: View<'_>,
    parallelism: Parallelism,
) -> Result<(), ShapeError> {
    let ((m, k), (inner, n)) = (a.dims(), b.dims());
    let error = |operation, left, right| {
        Err(ShapeError {
            operation,
            left,
            right,
        })
    };
    if k != inner {
        return error("matmul", (m, k), (inner, n));
    }
    if (dst.rows, dst.columns) != (m, n) {
        return error("matmul into", (dst.rows, dst.columns), (m, n));
    }
    for operand in [&a, &b] {
        let View {
            data,
            rows,
            columns,
            stride,
            ..
        } = *operand;
        if !ends_within(data.len(), rows, columns, stride) {
            return error("matmul of a slice", (rows, columns), (data.len(), stride));
        }
    }
    let (len, stride) = (dst.data.len(), dst.stride);
    let overlap = stride < n && m > 1;
    if overlap || !ends_within(len, m, n, stride) {
        return error("matmul into a slice", (m, n), (len, stride));
    }
    if m == 0 || n == 0 {
        return Ok(());
    }
    let (a_columns, a_rows) = a.steps();
    let (b_columns, b_rows) = b.steps();
    // SAFETY: `gemm` reads `a[i·a_rows + p·a_columns]` and `b[p·b_rows + j·b_columns]`, and reads and
    // writes `dst[i·stride + j]`, for i < m, p < k, j < n. All steps are at least 0, so the last of each
    // is the furthest, and `ends_within` has found it inside its slice; its product and sum did not
    // overflow, and no slice is longer than `isize::MAX` bytes, so no step does when cast. Where a
    // matrix has no rows or no columns nothing of it is read. No two (i, j) are the same place, as
    // stride ≥ n or m ≤ 1, so threads never share one; `dst` is borrowed alone, so neither `a` nor `b`
    // lies in it. A pointer of a slice is aligned, and its numbers are initialised.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.data.as_mut_ptr(),
            1,
            stride as isize,
            keep != 0.0,
            a.data.as_ptr(),
            a_columns,
            a_rows,
            b.data.as_ptr(),
            b_columns,
            b_rows,
            keep,
            factor,
            false,
            false,
            false,
            parallelism,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers whose sums are exact, so that any order of adding gives the same.
    fn numbers(random: &mut fastrand::Rng, len: usize) -> Vec<f32> {
        (0..len).map(|_| f32::from(random.i8(-8..8))).collect()
    }

    fn at(data: &[f32], stride: usize, transposed: bool, i: usize, j: usize) -> f32 {
        match transposed {
            false => data[i * stride + j],
            true => data[j * stride + i],
        }
    }

    fn view(data: &[f32], rows: usize, columns: usize, stride: usize, turn: bool) -> View<'_> {
        let view = View::strided(data, rows, columns, stride);
        if turn { view.t() } else { view }
    }

    proptest! {
        #[test]
        fn agrees_with_sums_one_by_one(
            (m, n, k) in (0usize..40, 0usize..40, 0usize..40),
            (gap_a, gap_b, gap_dst) in (0usize..5, 0usize..5, 0usize..5),
            (turn_a, turn_b) in any::<(bool, bool)>(),
            (keep, factor) in (-2i8..3, -2i8..3),
            threads in 0usize..3,
            seed in any::<u64>(),
        ) {
            let random = &mut fastrand::Rng::with_seed(seed);
            let (keep, factor) = (f32::from(keep), f32::from(factor));
            let shape = |rows, columns, turn| if turn { (columns, rows) } else { (rows, columns) };
            let (a_rows, a_columns) = shape(m, k, turn_a);
            let (b_rows, b_columns) = shape(k, n, turn_b);
            let (a_stride, b_stride, stride) = (a_columns + gap_a, b_columns + gap_b, n + gap_dst);
            let a = numbers(random, a_rows * a_stride);
            let b = numbers(random, b_rows * b_stride);
            let before = numbers(random, m * stride);
            let mut dst = before.clone();
            if keep == 0.0 {
                for row in dst.chunks_exact_mut(stride.max(1)) {
                    row[..n].fill(f32::NAN);
                }
            }
            let parallelism = match threads {
                0 => Parallelism::None,
                threads => Parallelism::Rayon(threads),
            };
            matmul(
                ViewMut::strided(&mut dst, m, n, stride),
                keep,
                factor,
                view(&a, a_rows, a_columns, a_stride, turn_a),
                view(&b, b_rows, b_columns, b_stride, turn_b),
                parallelism,
            )
            .unwrap();
            for i in 0..m {
                for j in 0..stride {
                    let old = before[i * stride + j];
                    let expected = if j < n {
                        let sum: f32 = (0..k)
                            .map(|p| at(&a, a_stride, turn_a, i, p) * at(&b, b_stride, turn_b, p, j))
                            .sum();
                        keep * old + factor * sum
                    } else {
                        old
                    };
                    prop_assert_eq!(dst[i * stride + j], expected, "{} {}", i, j);
                }
            }
        }
    }

    /// What the training relies on when it promises the same numbers on any machine's threads.
    #[test]
    fn neither_threads_nor_blocks_change_a_number() {
        let random = &mut fastrand::Rng::with_seed(3);
        let (m, n, k) = (150, 170, 1100);
        let a: Vec<f32> = (0..m * k).map(|_| random.f32() - 0.5).collect();
        let b: Vec<f32> = (0..n * k).map(|_| random.f32() - 0.5).collect();
        let mut whole = vec![0.0; m * n];
        let b = View::new(&b, n, k).t();
        let product = |dst: &mut [f32], a: &[f32], rows, parallelism| {
            let (dst, a) = (ViewMut::new(dst, rows, n), View::new(a, rows, k));
            matmul(dst, 0.0, 1.0, a, b, parallelism).unwrap();
        };
        product(&mut whole, &a, m, Parallelism::None);
        let mut shared = vec![0.0; m * n];
        product(&mut shared, &a, m, Parallelism::Rayon(4));
        assert_eq!(whole, shared);
        for (dst, a) in shared.chunks_mut(64 * n).zip(a.chunks(64 * k)) {
            product(dst, a, a.len() / k, Parallelism::None);
        }
        assert_eq!(whole, shared);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let ten = [1.0; 10];
        let product = |dst: ViewMut<'_>, a, b| matmul(dst, 0.0, 1.0, a, b, Parallelism::None);
        let mut room = [0.0; 10];
        let two = |rows, columns| View::new(&ten, rows, columns);
        let mut dst = |rows, columns, stride, a, b| {
            product(ViewMut::strided(&mut room, rows, columns, stride), a, b).is_ok()
        };
        assert!(dst(2, 2, 2, two(2, 5), two(5, 2)));
        assert!(!dst(2, 2, 2, two(2, 5), two(2, 5)), "other inner length");
        assert!(!dst(2, 3, 3, two(2, 5), two(5, 2)), "other result");
        assert!(!dst(2, 2, 2, two(2, 6), two(6, 2)), "slice too short");
        assert!(!dst(2, 2, 1, two(2, 5), two(5, 2)), "rows overlap");
        assert!(!dst(2, 2, 9, two(2, 5), two(5, 2)), "no room");
        let huge = View::strided(&ten, usize::MAX, 2, usize::MAX);
        assert!(!dst(2, 2, 2, two(2, 5), huge), "overflow");
        assert!(!dst(2, 2, 2, huge.t(), two(2, 5).t()), "overflow");
        assert!(dst(1, 2, 0, two(1, 5), two(5, 2)), "one row has no stride");
    }
}
