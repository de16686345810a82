//! [`Matrix`]: a plain `f32` matrix that needs only an allocator.
//!
//! The reference back end: tests compare every head, loss and metric on it with candle, and
//! programs without an operating system answer questions with it. It computes values only;
//! gradients need candle.

mod dot;
mod tensor;

pub use dot::dot;

use alloc::vec::Vec;
use core::fmt;

/// Row-major `f32` matrix, `[rows, columns]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f32>,
}

/// Error of an operation on shapes that don't match, or of data that doesn't fill a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// Name of the operation, for example `"matmul_t"`.
    pub operation: &'static str,
    /// `(rows, columns)` of the left or only operand.
    pub left: (usize, usize),
    /// `(rows, columns)` of the right operand; `(length, 1)` for data that doesn't fill a shape.
    pub right: (usize, usize),
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            left,
            right,
        } = self;
        write!(
            f,
            "{operation}: shapes {}×{} and {}×{} don't match",
            left.0, left.1, right.0, right.1
        )
    }
}

impl core::error::Error for ShapeError {}

impl Matrix {
    /// Creates a matrix from `rows × columns` values in row-major order.
    ///
    /// # Errors
    /// If `data.len() != rows * columns`.
    pub fn new(rows: usize, columns: usize, data: Vec<f32>) -> Result<Self, ShapeError> {
        if rows.checked_mul(columns) != Some(data.len()) {
            return Err(ShapeError {
                operation: "new",
                left: (rows, columns),
                right: (data.len(), 1),
            });
        }
        Ok(Self {
            rows,
            columns,
            data,
        })
    }

    /// Creates a matrix by calling `value(row, column)` for each element in row-major order.
    #[must_use]
    pub fn from_fn(
        rows: usize,
        columns: usize,
        mut value: impl FnMut(usize, usize) -> f32,
    ) -> Self {
        let mut data = Vec::with_capacity(rows.saturating_mul(columns));
        for row in 0..rows {
            data.extend((0..columns).map(|column| value(row, column)));
        }
        Self {
            rows,
            columns,
            data,
        }
    }

    /// Creates a matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self::from_fn(rows, columns, |_, _| 0.0)
    }

    /// Creates the `dim × dim` identity matrix.
    #[must_use]
    pub fn identity(dim: usize) -> Self {
        Self::from_fn(dim, dim, |row, column| f32::from(row == column))
    }

    /// Creates a matrix from its rows.
    ///
    /// # Errors
    /// If the rows differ in length.
    pub fn from_rows<R: AsRef<[f32]>>(rows: &[R]) -> Result<Self, ShapeError> {
        let columns = rows.first().map_or(0, |row| row.as_ref().len());
        let mut data = Vec::with_capacity(rows.len() * columns);
        for row in rows {
            if row.as_ref().len() != columns {
                return Err(ShapeError {
                    operation: "from_rows",
                    left: (rows.len(), columns),
                    right: (1, row.as_ref().len()),
                });
            }
            data.extend_from_slice(row.as_ref());
        }
        Self::new(rows.len(), columns, data)
    }

    /// Creates a matrix from little-endian `f32` bytes in row-major order, the layout of
    /// safetensors.
    ///
    /// # Errors
    /// If `bytes.len() != 4 * rows * columns`.
    pub fn from_le_bytes(rows: usize, columns: usize, bytes: &[u8]) -> Result<Self, ShapeError> {
        let (values, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(ShapeError {
                operation: "from_le_bytes",
                left: (rows, columns),
                right: (bytes.len(), 1),
            });
        }
        let values = values.iter().map(|value| f32::from_le_bytes(*value));
        Self::new(rows, columns, values.collect())
    }

    /// All values as little-endian bytes in row-major order.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.data.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    /// Whether all values are finite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.data.iter().all(|x| x.is_finite())
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values in row-major order.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Mutable access to all values in row-major order.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Returns the values in row-major order.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// One row, or an empty slice if `row` is out of range.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        let start = row.saturating_mul(self.columns);
        self.data
            .get(start..start.saturating_add(self.columns))
            .unwrap_or(&[])
    }

    /// Mutable access to one row, or an empty slice if `row` is out of range.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let start = row.saturating_mul(self.columns);
        self.data
            .get_mut(start..start.saturating_add(self.columns))
            .unwrap_or_default()
    }

    /// Iterates over the rows.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.rows).map(|row| self.row(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;
    use alloc::vec;

    fn m(rows: &[&[f32]]) -> Matrix {
        Matrix::from_rows(rows).unwrap()
    }

    #[test]
    fn matmul_t_multiplies_by_transpose() {
        let product = m(&[&[1.0, 2.0], &[3.0, 4.0]])
            .matmul_t(&m(&[&[5.0, 6.0]]))
            .unwrap();
        assert_eq!(product, m(&[&[17.0], &[39.0]]));
    }

    #[test]
    fn elementwise_operations_broadcast_rows_columns_and_scalars() {
        let x = m(&[&[1.0, 2.0], &[3.0, 4.0]]);
        assert_eq!(
            x.add(&m(&[&[10.0, 20.0]])).unwrap(),
            m(&[&[11.0, 22.0], &[13.0, 24.0]])
        );
        assert_eq!(
            x.mul(&m(&[&[2.0], &[3.0]])).unwrap(),
            m(&[&[2.0, 4.0], &[9.0, 12.0]])
        );
        assert_eq!(
            x.sub(&m(&[&[1.0]])).unwrap(),
            m(&[&[0.0, 1.0], &[2.0, 3.0]])
        );
        let column = m(&[&[1.0], &[2.0]]);
        assert_eq!(
            column.add(&m(&[&[10.0, 20.0]])).unwrap(),
            m(&[&[11.0, 21.0], &[12.0, 22.0]])
        );
    }

    #[test]
    fn operations_reject_mismatched_shapes() {
        let x = m(&[&[1.0, 2.0, 3.0]]);
        assert!(x.matmul_t(&m(&[&[1.0]])).is_err());
        assert!(x.add(&m(&[&[1.0, 2.0]])).is_err());
        assert!(x.select_rows(&[1]).is_err());
        assert!(Matrix::concat_columns(&[]).is_err());
        assert!(Matrix::new(2, 2, vec![0.0; 3]).is_err());
        assert!(Matrix::new(usize::MAX, 2, vec![]).is_err());
    }

    #[test]
    fn le_bytes_round_trip_exactly() {
        let x = m(&[&[1.5, -0.0], &[f32::MIN_POSITIVE, f32::MAX]]);
        let bytes = x.to_le_bytes();
        assert_eq!(Matrix::from_le_bytes(2, 2, &bytes), Ok(x.clone()));
        assert!(Matrix::from_le_bytes(2, 2, &bytes[1..]).is_err());
        assert!(Matrix::from_le_bytes(2, 1, &bytes).is_err());
        assert!(x.is_finite() && !m(&[&[f32::NAN]]).is_finite());
    }

    #[test]
    fn dot_sums_every_element_up_to_shorter_length() {
        for len in 0..40 {
            let a: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let expected: f32 = a.iter().map(|x| x * x).sum();
            assert_eq!(dot(&a, &a), expected, "length {len}");
        }
        assert_eq!(dot(&[1.0; 20], &[1.0; 9]), 9.0);
    }

    #[test]
    fn logsumexp_rows_does_not_overflow() {
        let x = m(&[&[1000.0, 1000.0], &[-1000.0, -1000.0]])
            .logsumexp_rows()
            .unwrap();
        assert!((x.data()[0] - 1_000.693_1).abs() < 1e-3);
        assert!((x.data()[1] + 999.306_9).abs() < 1e-3);
    }

    #[test]
    fn activations_reach_limits_without_overflow() {
        let x = m(&[&[-1e30, -100.0, -1.0, 0.0, 1.0, 100.0, 1e30]]);
        fn expect(found: Matrix, expected: [f32; 7]) {
            for (a, b) in found.data().iter().zip(expected) {
                assert!((a - b).abs() <= 2e-7 * b.abs().max(1.0), "{found:?}");
            }
        }
        expect(
            x.sigmoid().unwrap(),
            [0.0, 0.0, 0.268_941_42, 0.5, 0.731_058_6, 1.0, 1.0],
        );
        expect(
            x.tanh().unwrap(),
            [-1.0, -1.0, -0.761_594_2, 0.0, 0.761_594_2, 1.0, 1.0],
        );
        expect(
            x.erf().unwrap(),
            [-1.0, -1.0, -0.842_700_8, 0.0, 0.842_700_8, 1.0, 1.0],
        );
        expect(
            x.gelu().unwrap(),
            [0.0, 0.0, -0.158_655_26, 0.0, 0.841_344_8, 100.0, 1e30],
        );
    }

    #[test]
    fn constructors_fill_elements_by_position() {
        assert_eq!(
            Matrix::from_fn(2, 3, |row, column| (10 * row + column) as f32),
            m(&[&[0.0, 1.0, 2.0], &[10.0, 11.0, 12.0]])
        );
        assert_eq!(Matrix::identity(2), m(&[&[1.0, 0.0], &[0.0, 1.0]]));
        assert_eq!(Matrix::zeros(1, 2), m(&[&[0.0, 0.0]]));
    }

    #[test]
    fn normalize_rows_keeps_zero_row() {
        assert_eq!(
            m(&[&[0.0, 0.0]]).normalize_rows().unwrap().data(),
            [0.0, 0.0]
        );
    }
}
