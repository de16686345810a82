use alloc::{vec, vec::Vec};
use nearsay_core::matrix::Matrix;

/// One row of numbers a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Table<'a> {
    /// One signed byte a number and one scale a row: `E[t] = scale[t] · value[t]`.
    Int8 {
        /// Length of a row.
        dim: usize,
        /// One little-endian `f32` a row.
        scales: &'a [u8],
        /// The rows, one after another.
        values: &'a [u8],
    },
    /// Full numbers, `[tokens, dim]`: what training makes.
    Full(Matrix),
}

impl Table<'_> {
    /// Length of a row.
    #[must_use]
    pub fn dim(&self) -> usize {
        match self {
            Self::Int8 { dim, .. } => *dim,
            Self::Full(rows) => rows.columns(),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Int8 { scales, .. } => scales.len() / 4,
            Self::Full(rows) => rows.rows(),
        }
    }

    /// Adds `factor` times a token's row to `sum`; a token without a row adds nothing.
    fn add_row(&self, token: u32, factor: f32, sum: &mut [f32]) {
        let token = token as usize;
        match self {
            Self::Int8 {
                dim,
                scales,
                values,
            } => {
                let row = values.get(token * dim..(token + 1) * dim);
                let scale = scales.as_chunks::<4>().0.get(token);
                if let (Some(row), Some(scale)) = (row, scale) {
                    let factor = factor * f32::from_le_bytes(*scale);
                    for (sum, &value) in sum.iter_mut().zip(row) {
                        *sum += factor * f32::from(value.cast_signed());
                    }
                }
            }
            Self::Full(rows) if token < rows.rows() => {
                for (sum, value) in sum.iter_mut().zip(rows.row(token)) {
                    *sum += factor * value;
                }
            }
            Self::Full(_) => {}
        }
    }

    /// The mean of some tokens' rows into `mean`, `[dim]`; zeros without tokens.
    pub fn mean(&self, tokens: &[u32], mean: &mut [f32]) {
        mean.fill(0.0);
        for &token in tokens {
            self.add_row(token, 1.0, mean);
        }
        let share = 1.0 / tokens.len().max(1) as f32;
        for value in mean {
            *value *= share;
        }
    }

    /// Some tokens' rows as full numbers, `[tokens.len(), dim]`.
    #[must_use]
    pub fn to_full(&self, tokens: &[u32]) -> Matrix {
        let dim = self.dim();
        let mut data = vec![0.0; tokens.len() * dim];
        for (token, row) in tokens.iter().zip(data.chunks_exact_mut(dim.max(1))) {
            self.add_row(*token, 1.0, row);
        }
        Matrix::new(tokens.len(), dim, data).unwrap_or_default()
    }

    /// The whole table as full numbers, `[tokens, dim]`.
    #[must_use]
    pub fn full(&self) -> Matrix {
        match self {
            Self::Full(rows) => rows.clone(),
            Self::Int8 { .. } => {
                let tokens: Vec<u32> = (0..self.rows() as u32).collect();
                self.to_full(&tokens)
            }
        }
    }
}

/// A matrix as one signed byte a number and one scale a row, `scale = max|x| / 127`: (scales,
/// values) as [`Table::Int8`] has them.
pub(super) fn quantize(rows: &Matrix) -> (Vec<u8>, Vec<u8>) {
    let mut scales = Vec::with_capacity(rows.rows() * 4);
    let mut values = Vec::with_capacity(rows.data().len());
    for row in rows.iter_rows() {
        let largest = row.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let scale = largest / 127.0;
        scales.extend(scale.to_le_bytes());
        values.extend(row.iter().map(|&x| {
            let steps = if scale > 0.0 { x / scale } else { 0.0 };
            (libm::roundf(steps) as i8).cast_unsigned()
        }));
    }
    (scales, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_quantized_row_is_off_by_half_a_step_at_most(
            data in prop::collection::vec(-3.0f32..3.0, 5 * 6),
        ) {
            let rows = Matrix::new(5, 6, data).unwrap();
            let (scales, values) = quantize(&rows);
            let table = Table::Int8 { dim: 6, scales: &scales, values: &values };
            prop_assert_eq!((table.rows(), table.dim()), (5, 6));
            for (found, row) in table.full().iter_rows().zip(rows.iter_rows()) {
                let step = row.iter().fold(0.0f32, |m, x| m.max(x.abs())) / 127.0;
                for (a, b) in found.iter().zip(row) {
                    prop_assert!((a - b).abs() <= 0.5001 * step, "{} {}", a, b);
                }
            }
        }
    }

    #[test]
    fn zeros_stay_zeros_and_unknown_tokens_add_nothing() {
        let (scales, values) = quantize(&Matrix::new(2, 2, vec![0.0, 0.0, 1.0, -2.0]).unwrap());
        let table = Table::Int8 {
            dim: 2,
            scales: &scales,
            values: &values,
        };
        let mut mean = [5.0; 2];
        table.mean(&[0, 9], &mut mean);
        assert_eq!(mean, [0.0; 2]);
        table.mean(&[], &mut mean);
        assert_eq!(mean, [0.0; 2]);
        table.mean(&[1, 0], &mut mean);
        assert!((mean[1] + 1.0).abs() < 1e-6);
    }
}
