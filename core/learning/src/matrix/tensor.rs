//! [`Tensor`] for [`Matrix`].

use super::{Matrix, ShapeError, dot};
use crate::tensor::Tensor;
use alloc::vec::Vec;

impl Matrix {
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
        let (Some(rows), Some(columns)) = (
            broadcast_axis(self.rows, rhs.rows),
            broadcast_axis(self.columns, rhs.columns),
        ) else {
            return Err(ShapeError {
                operation,
                left: self.dims(),
                right: rhs.dims(),
            });
        };
        let mut data = Vec::with_capacity(rows * columns);
        for row in 0..rows {
            for column in 0..columns {
                data.push(f(
                    self.broadcast_value(row, column),
                    rhs.broadcast_value(row, column),
                ));
            }
        }
        Ok(Self {
            rows,
            columns,
            data,
        })
    }

    /// Value at a position of the broadcast shape.
    fn broadcast_value(&self, row: usize, column: usize) -> f32 {
        let row = if self.rows == 1 { 0 } else { row };
        let column = if self.columns == 1 { 0 } else { column };
        self.data[row * self.columns + column]
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

/// Length of an axis after broadcasting, or `None` if the lengths don't match.
fn broadcast_axis(a: usize, b: usize) -> Option<usize> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (1, b) => Some(b),
        (a, 1) => Some(a),
        _ => None,
    }
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
