//! Layer 0: a plain `f32` matrix that needs nothing but an allocator.
//!
//! The reference back end: every head, loss and metric is checked on it beside candle, and it is
//! what answers questions where there is no operating system. It computes values only; gradients
//! are candle's business.

use crate::tensor::Tensor;
use alloc::vec::Vec;
use core::fmt;

/// A row-major `f32` matrix, `[rows, columns]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    data: Vec<f32>,
}

/// Two shapes that do not fit an operation, or data that does not fill a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeError {
    /// The operation, for example `"matmul_t"`.
    pub operation: &'static str,
    /// `(rows, columns)` of the left or only operand.
    pub left: (usize, usize),
    /// `(rows, columns)` of the right operand, or the length of the data as `(length, 1)`.
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
            "{operation}: a {}×{} matrix does not fit a {}×{} one",
            left.0, left.1, right.0, right.1
        )
    }
}

impl core::error::Error for ShapeError {}

impl Matrix {
    /// A matrix of `rows × columns` values, row by row.
    ///
    /// # Errors
    /// When `data.len() != rows * columns`.
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

    /// A matrix of `rows × columns` values, each made of its `(row, column)`, row by row.
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

    /// A matrix of zeros.
    #[must_use]
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self::from_fn(rows, columns, |_, _| 0.0)
    }

    /// The square matrix with ones on its diagonal and zeros elsewhere.
    #[must_use]
    pub fn identity(dim: usize) -> Self {
        Self::from_fn(dim, dim, |row, column| f32::from(row == column))
    }

    /// A matrix from its rows.
    ///
    /// # Errors
    /// When the rows differ in length.
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

    /// A matrix from the little-endian bytes of its values, row by row, as safetensors keeps them.
    ///
    /// # Errors
    /// When there are not four bytes for each value.
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

    /// The little-endian bytes of all values, row by row.
    #[must_use]
    pub fn to_le_bytes(&self) -> Vec<u8> {
        self.data.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    /// Whether every value is a finite number.
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

    /// All values, row by row.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, row by row, to be changed.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The values themselves, row by row.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// One row; empty when there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f32] {
        let start = row.saturating_mul(self.columns);
        self.data
            .get(start..start.saturating_add(self.columns))
            .unwrap_or(&[])
    }

    /// One row, to be changed; empty when there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let start = row.saturating_mul(self.columns);
        self.data
            .get_mut(start..start.saturating_add(self.columns))
            .unwrap_or_default()
    }

    /// The rows, one after the other.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.rows).map(|row| self.row(row))
    }

    fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Self {
            data: self.data.iter().map(|&x| f(x)).collect(),
            ..*self
        }
    }

    fn zip(
        &self,
        rhs: &Self,
        operation: &'static str,
        f: impl Fn(f32, f32) -> f32,
    ) -> Result<Self, ShapeError> {
        let stretch = |a: usize, b: usize| match (a, b) {
            (a, b) if a == b => Some(a),
            (1, b) => Some(b),
            (a, 1) => Some(a),
            _ => None,
        };
        let (Some(rows), Some(columns)) = (
            stretch(self.rows, rhs.rows),
            stretch(self.columns, rhs.columns),
        ) else {
            return Err(ShapeError {
                operation,
                left: self.dims(),
                right: rhs.dims(),
            });
        };
        let at = |m: &Self, row: usize, column: usize| {
            let row = if m.rows == 1 { 0 } else { row };
            let column = if m.columns == 1 { 0 } else { column };
            m.data[row * m.columns + column]
        };
        let mut data = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                data.push(f(at(self, row, column), at(rhs, row, column)));
            }
        }
        Ok(Self {
            rows,
            columns,
            data,
        })
    }

    fn fold_rows(&self, start: f32, f: impl Fn(f32, f32) -> f32) -> Self {
        let data = self
            .iter_rows()
            .map(|row| row.iter().fold(start, |a, &b| f(a, b)))
            .collect();
        Self {
            rows: self.rows,
            columns: 1,
            data,
        }
    }
}

/// Sums of [`dot`] that run beside each other.
const LANES: usize = 16;

/// `Σ aᵢ·bᵢ` over the shorter of the two, in sixteen parallel sums so that compilers vectorise it and
/// no addition waits for the one before.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let len = a.len().min(b.len());
    let (a, a_rest) = a[..len].as_chunks::<LANES>();
    let (b, b_rest) = b[..len].as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (x, y) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum();
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0] + rest
}

impl Tensor for Matrix {
    type Error = ShapeError;

    fn dims(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    fn to_vec(&self) -> Result<Vec<f32>, ShapeError> {
        Ok(self.data.clone())
    }

    fn constant(&self, data: &[f32], rows: usize, columns: usize) -> Result<Self, ShapeError> {
        Self::new(rows, columns, data.to_vec())
    }

    fn detach(&self) -> Self {
        self.clone()
    }

    fn matmul_t(&self, rhs: &Self) -> Result<Self, ShapeError> {
        if self.columns != rhs.columns {
            return Err(ShapeError {
                operation: "matmul_t",
                left: self.dims(),
                right: rhs.dims(),
            });
        }
        let mut data = Vec::with_capacity(self.rows * rhs.rows);
        for a in self.iter_rows() {
            data.extend(rhs.iter_rows().map(|b| dot(a, b)));
        }
        Ok(Self {
            rows: self.rows,
            columns: rhs.rows,
            data,
        })
    }

    fn transpose(&self) -> Result<Self, ShapeError> {
        let mut data = Vec::with_capacity(self.data.len());
        for column in 0..self.columns {
            data.extend((0..self.rows).map(|row| self.data[row * self.columns + column]));
        }
        Ok(Self {
            rows: self.columns,
            columns: self.rows,
            data,
        })
    }

    fn select_rows(&self, rows: &[u32]) -> Result<Self, ShapeError> {
        let mut data = Vec::with_capacity(rows.len() * self.columns);
        for &row in rows {
            if row as usize >= self.rows {
                return Err(ShapeError {
                    operation: "select_rows",
                    left: self.dims(),
                    right: (row as usize, 1),
                });
            }
            data.extend_from_slice(self.row(row as usize));
        }
        Ok(Self {
            rows: rows.len(),
            columns: self.columns,
            data,
        })
    }

    fn concat_columns(parts: &[Self]) -> Result<Self, ShapeError> {
        let rows = parts.first().map_or(0, Self::rows);
        let mut columns = 0;
        for part in parts {
            if part.rows != rows {
                return Err(ShapeError {
                    operation: "concat_columns",
                    left: (rows, columns),
                    right: part.dims(),
                });
            }
            columns += part.columns;
        }
        if parts.is_empty() {
            return Err(ShapeError {
                operation: "concat_columns",
                left: (0, 0),
                right: (0, 0),
            });
        }
        let mut data = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for part in parts {
                data.extend_from_slice(part.row(row));
            }
        }
        Ok(Self {
            rows,
            columns,
            data,
        })
    }

    fn add(&self, rhs: &Self) -> Result<Self, ShapeError> {
        self.zip(rhs, "add", |a, b| a + b)
    }

    fn mul(&self, rhs: &Self) -> Result<Self, ShapeError> {
        self.zip(rhs, "mul", |a, b| a * b)
    }

    fn div(&self, rhs: &Self) -> Result<Self, ShapeError> {
        self.zip(rhs, "div", |a, b| a / b)
    }

    fn affine(&self, scale: f32, shift: f32) -> Result<Self, ShapeError> {
        Ok(self.map(|x| scale * x + shift))
    }

    fn exp(&self) -> Result<Self, ShapeError> {
        Ok(self.map(libm::expf))
    }

    fn ln(&self) -> Result<Self, ShapeError> {
        Ok(self.map(libm::logf))
    }

    fn sqrt(&self) -> Result<Self, ShapeError> {
        Ok(self.map(libm::sqrtf))
    }

    fn relu(&self) -> Result<Self, ShapeError> {
        Ok(self.map(|x| if x > 0.0 || x.is_nan() { x } else { 0.0 }))
    }

    fn erf(&self) -> Result<Self, ShapeError> {
        Ok(self.map(libm::erff))
    }

    fn sum_rows(&self) -> Result<Self, ShapeError> {
        Ok(self.fold_rows(0.0, |a, b| a + b))
    }

    fn max_rows(&self) -> Result<Self, ShapeError> {
        if self.columns == 0 {
            return Err(ShapeError {
                operation: "max_rows",
                left: self.dims(),
                right: (0, 0),
            });
        }
        Ok(self.fold_rows(f32::NEG_INFINITY, f32::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn m(rows: &[&[f32]]) -> Matrix {
        Matrix::from_rows(rows).unwrap()
    }

    #[test]
    fn multiplies_by_the_transpose() {
        let product = m(&[&[1.0, 2.0], &[3.0, 4.0]])
            .matmul_t(&m(&[&[5.0, 6.0]]))
            .unwrap();
        assert_eq!(product, m(&[&[17.0], &[39.0]]));
    }

    #[test]
    fn broadcasts_rows_columns_and_scalars() {
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
    fn refuses_shapes_that_do_not_fit() {
        let x = m(&[&[1.0, 2.0, 3.0]]);
        assert!(x.matmul_t(&m(&[&[1.0]])).is_err());
        assert!(x.add(&m(&[&[1.0, 2.0]])).is_err());
        assert!(x.select_rows(&[1]).is_err());
        assert!(Matrix::concat_columns(&[]).is_err());
        assert!(Matrix::new(2, 2, vec![0.0; 3]).is_err());
        assert!(Matrix::new(usize::MAX, 2, vec![]).is_err());
    }

    #[test]
    fn bytes_come_back_exactly() {
        let x = m(&[&[1.5, -0.0], &[f32::MIN_POSITIVE, f32::MAX]]);
        let bytes = x.to_le_bytes();
        assert_eq!(Matrix::from_le_bytes(2, 2, &bytes), Ok(x.clone()));
        assert!(Matrix::from_le_bytes(2, 2, &bytes[1..]).is_err());
        assert!(Matrix::from_le_bytes(2, 1, &bytes).is_err());
        assert!(x.is_finite() && !m(&[&[f32::NAN]]).is_finite());
    }

    #[test]
    fn dot_uses_every_element() {
        for len in 0..40 {
            let a: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let expected: f32 = a.iter().map(|x| x * x).sum();
            assert_eq!(dot(&a, &a), expected, "length {len}");
        }
        assert_eq!(dot(&[1.0; 20], &[1.0; 9]), 9.0);
    }

    #[test]
    fn logsumexp_does_not_overflow() {
        let x = m(&[&[1000.0, 1000.0], &[-1000.0, -1000.0]])
            .logsumexp_rows()
            .unwrap();
        assert!((x.data()[0] - 1_000.693_1).abs() < 1e-3);
        assert!((x.data()[1] + 999.306_9).abs() < 1e-3);
    }

    /// Far from 0 the values are the limits, and nowhere are they no numbers.
    #[test]
    fn activations_do_not_overflow() {
        let x = m(&[&[-1e30, -100.0, -1.0, 0.0, 1.0, 100.0, 1e30]]);
        let expect = |found: Matrix, expected: [f32; 7]| {
            for (a, b) in found.data().iter().zip(expected) {
                assert!((a - b).abs() <= 2e-7 * b.abs().max(1.0), "{found:?}");
            }
        };
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
    fn made_of_their_places() {
        assert_eq!(
            Matrix::from_fn(2, 3, |row, column| (10 * row + column) as f32),
            m(&[&[0.0, 1.0, 2.0], &[10.0, 11.0, 12.0]])
        );
        assert_eq!(Matrix::identity(2), m(&[&[1.0, 0.0], &[0.0, 1.0]]));
        assert_eq!(Matrix::zeros(1, 2), m(&[&[0.0, 0.0]]));
    }

    #[test]
    fn normalizing_a_zero_row_keeps_it_zero() {
        assert_eq!(
            m(&[&[0.0, 0.0]]).normalize_rows().unwrap().data(),
            [0.0, 0.0]
        );
    }
}
