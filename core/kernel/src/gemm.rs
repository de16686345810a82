//! General matrix products over slices: the `gemm` crate behind checks of every length.

pub use gemm::Parallelism;
use nearsay_core::matrix::ShapeError;

/// A read-only matrix in a slice, `[rows, columns]`: row `i` starts at `i · stride`, and its numbers are
/// contiguous.
///
/// The constructors check nothing; [`matmul`] checks every length.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    stride: usize,
    transposed: bool,
}

impl<'a> View<'a> {
    /// A view of contiguous rows.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// A view of rows that start `stride` numbers apart: some columns of a wider matrix, or with stride 0 one row
    /// repeated.
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            stride,
            transposed: false,
        }
    }

    /// The transposed view, `[columns, rows]`; the numbers stay in place.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }

    /// `(rows, columns)` after transposition.
    fn dims(&self) -> (usize, usize) {
        if self.transposed {
            (self.columns, self.rows)
        } else {
            (self.rows, self.columns)
        }
    }

    /// Strides between columns and between rows, after transposition.
    fn strides(&self) -> (isize, isize) {
        if self.transposed {
            (self.stride as isize, 1)
        } else {
            (1, self.stride as isize)
        }
    }
}

/// A writable matrix in a slice, laid out like [`View`]; its rows must not overlap.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> ViewMut<'a> {
    /// A view of contiguous rows.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// A view of rows that start `stride` numbers apart; numbers between the rows are not written.
    pub fn strided(data: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        Self {
            data,
            rows,
            columns,
            stride,
        }
    }
}

/// Whether a matrix fits in a slice of `len` numbers.
fn fits_in(len: usize, rows: usize, columns: usize, stride: usize) -> bool {
    if rows == 0 || columns == 0 {
        return true;
    }
    (rows - 1)
        .checked_mul(stride)
        .and_then(|last| last.checked_add(columns))
        .is_some_and(|end| end <= len)
}

/// Computes `dst ← beta · dst + alpha · a·b`: `[m, k] × [k, n] → [m, n]`.
///
/// With `beta` 0, `dst` is not read and may hold anything, NaN included. Each number of the result is one sum over
/// `k`, in an order that depends on `k` alone: neither the number of threads nor a division into blocks of rows or
/// columns changes it.
///
/// # Errors
/// Returns an error before computing anything if the inner dimensions differ, if `dst` is not `[m, n]`, if a slice
/// is too short for its matrix, or if rows of `dst` overlap.
pub fn matmul(
    dst: ViewMut<'_>,
    beta: f32,
    alpha: f32,
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
    for View {
        data,
        rows,
        columns,
        stride,
        ..
    } in [a, b]
    {
        if !fits_in(data.len(), rows, columns, stride) {
            return error("matmul of a slice", (rows, columns), (data.len(), stride));
        }
    }
    let (len, stride) = (dst.data.len(), dst.stride);
    let rows_overlap = stride < n && m > 1;
    if rows_overlap || !fits_in(len, m, n, stride) {
        return error("matmul into a slice", (m, n), (len, stride));
    }
    if m == 0 || n == 0 {
        return Ok(());
    }
    let (a_columns, a_rows) = a.strides();
    let (b_columns, b_rows) = b.strides();
    // SAFETY: for i < m, p < k and j < n, `gemm` reads `a[i·a_rows + p·a_columns]` and
    // `b[p·b_rows + j·b_columns]`, and reads and writes `dst[i·stride + j]`. No stride is negative, so the
    // last index of each matrix is its largest, and `fits_in` has found it inside the slice without
    // overflow. A slice has at most `isize::MAX` bytes, so the casts of its strides don't overflow either.
    // Nothing is read of a matrix without rows or columns. Since stride ≥ n or m ≤ 1, different (i, j) are
    // different numbers of `dst`, so threads write to disjoint places; `dst` is borrowed exclusively, so it
    // doesn't overlap `a` or `b`. Pointers of slices are aligned and their numbers initialised.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.data.as_mut_ptr(),
            1,
            stride as isize,
            beta != 0.0,
            a.data.as_ptr(),
            a_columns,
            a_rows,
            b.data.as_ptr(),
            b_columns,
            b_rows,
            beta,
            alpha,
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

    /// Small integers, whose sums are exact in any order.
    fn integers(random: &mut fastrand::Rng, len: usize) -> Vec<f32> {
        (0..len).map(|_| f32::from(random.i8(-8..8))).collect()
    }

    fn at(data: &[f32], stride: usize, transposed: bool, i: usize, j: usize) -> f32 {
        if transposed {
            data[j * stride + i]
        } else {
            data[i * stride + j]
        }
    }

    fn view(data: &[f32], rows: usize, columns: usize, stride: usize, transpose: bool) -> View<'_> {
        let view = View::strided(data, rows, columns, stride);
        if transpose { view.t() } else { view }
    }

    proptest! {
        #[test]
        fn matmul_matches_definition(
            (m, n, k) in (0usize..40, 0usize..40, 0usize..40),
            (gap_a, gap_b, gap_dst) in (0usize..5, 0usize..5, 0usize..5),
            (transpose_a, transpose_b) in any::<(bool, bool)>(),
            (beta, alpha) in (-2i8..3, -2i8..3),
            threads in 0usize..3,
            seed in any::<u64>(),
        ) {
            let random = &mut fastrand::Rng::with_seed(seed);
            let (beta, alpha) = (f32::from(beta), f32::from(alpha));
            let stored = |rows, columns, transpose| {
                if transpose { (columns, rows) } else { (rows, columns) }
            };
            let (a_rows, a_columns) = stored(m, k, transpose_a);
            let (b_rows, b_columns) = stored(k, n, transpose_b);
            let (a_stride, b_stride, stride) = (a_columns + gap_a, b_columns + gap_b, n + gap_dst);
            let a = integers(random, a_rows * a_stride);
            let b = integers(random, b_rows * b_stride);
            let before = integers(random, m * stride);
            let mut dst = before.clone();
            if beta == 0.0 {
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
                beta,
                alpha,
                view(&a, a_rows, a_columns, a_stride, transpose_a),
                view(&b, b_rows, b_columns, b_stride, transpose_b),
                parallelism,
            )
            .unwrap();
            for i in 0..m {
                for j in 0..stride {
                    let old = before[i * stride + j];
                    let expected = if j < n {
                        let sum: f32 = (0..k)
                            .map(|p| at(&a, a_stride, transpose_a, i, p) * at(&b, b_stride, transpose_b, p, j))
                            .sum();
                        beta * old + alpha * sum
                    } else {
                        old
                    };
                    prop_assert_eq!(dst[i * stride + j], expected, "{} {}", i, j);
                }
            }
        }
    }

    /// Training relies on this to give the same weights for any number of threads.
    #[test]
    fn matmul_does_not_depend_on_threads_or_blocks() {
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
    fn matmul_rejects_mismatched_shapes() {
        let ten = [1.0; 10];
        let product = |dst: ViewMut<'_>, a, b| matmul(dst, 0.0, 1.0, a, b, Parallelism::None);
        let mut buffer = [0.0; 10];
        let two = |rows, columns| View::new(&ten, rows, columns);
        let mut dst = |rows, columns, stride, a, b| {
            product(ViewMut::strided(&mut buffer, rows, columns, stride), a, b).is_ok()
        };
        assert!(dst(2, 2, 2, two(2, 5), two(5, 2)));
        assert!(
            !dst(2, 2, 2, two(2, 5), two(2, 5)),
            "inner dimensions differ"
        );
        assert!(
            !dst(2, 3, 3, two(2, 5), two(5, 2)),
            "wrong shape of the result"
        );
        assert!(!dst(2, 2, 2, two(2, 6), two(6, 2)), "slice too short");
        assert!(!dst(2, 2, 1, two(2, 5), two(5, 2)), "rows overlap");
        assert!(!dst(2, 2, 9, two(2, 5), two(5, 2)), "dst too short");
        let huge = View::strided(&ten, usize::MAX, 2, usize::MAX);
        assert!(!dst(2, 2, 2, two(2, 5), huge), "overflow");
        assert!(!dst(2, 2, 2, huge.t(), two(2, 5).t()), "overflow");
        assert!(
            dst(1, 2, 0, two(1, 5), two(5, 2)),
            "one row needs no stride"
        );
    }
}
