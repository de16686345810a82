use alloc::{vec, vec::Vec};
use nearsay_core::matrix::Matrix;

/// Embeddings of the tokens of a vocabulary, one row per token.
#[derive(Clone, Debug, PartialEq)]
pub enum StaticEmbeddings<'a> {
    /// One signed byte per number and one scale per row: `E[t] = scale[t] · value[t]`.
    Int8 {
        /// Embedding length.
        dim: usize,
        /// Scales, one little-endian `f32` per row.
        scales: &'a [u8],
        /// Rows in order of token ids.
        values: &'a [u8],
    },
    /// `f32` rows, `[tokens, dim]`, for example after training.
    Full(Matrix),
}

impl StaticEmbeddings<'_> {
    /// Embedding length.
    #[must_use]
    pub fn dim(&self) -> usize {
        match self {
            Self::Int8 { dim, .. } => *dim,
            Self::Full(rows) => rows.columns(),
        }
    }

    /// Number of tokens.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            Self::Int8 { scales, .. } => scales.len() / 4,
            Self::Full(rows) => rows.rows(),
        }
    }

    /// Adds the row of a token to `sum`; a token out of range adds nothing.
    fn add_row(&self, token: u32, sum: &mut [f32]) {
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
                    let scale = f32::from_le_bytes(*scale);
                    for (sum, &value) in sum.iter_mut().zip(row) {
                        *sum += scale * f32::from(value.cast_signed());
                    }
                }
            }
            Self::Full(rows) if token < rows.rows() => {
                for (sum, value) in sum.iter_mut().zip(rows.row(token)) {
                    *sum += value;
                }
            }
            Self::Full(_) => {}
        }
    }

    /// Writes the mean of the rows of `tokens` to `mean`, `[dim]`; zeros without tokens.
    pub fn mean_into(&self, tokens: &[u32], mean: &mut [f32]) {
        mean.fill(0.0);
        for &token in tokens {
            self.add_row(token, mean);
        }
        let weight = 1.0 / tokens.len().max(1) as f32;
        for value in mean {
            *value *= weight;
        }
    }

    /// Copies the rows of `tokens` as `f32`, `[tokens.len(), dim]`.
    #[must_use]
    pub fn gather(&self, tokens: &[u32]) -> Matrix {
        let dim = self.dim();
        let mut data = vec![0.0; tokens.len() * dim];
        for (token, row) in tokens.iter().zip(data.chunks_exact_mut(dim.max(1))) {
            self.add_row(*token, row);
        }
        Matrix::new(tokens.len(), dim, data).unwrap_or_default()
    }

    /// Copies all rows as `f32`, `[tokens, dim]`.
    #[must_use]
    pub fn to_matrix(&self) -> Matrix {
        match self {
            Self::Full(rows) => rows.clone(),
            Self::Int8 { .. } => {
                let tokens: Vec<u32> = (0..self.rows() as u32).collect();
                self.gather(&tokens)
            }
        }
    }
}

/// Quantises rows to signed bytes with one scale per row, `scale = max|x| / 127`. Returns scales and
/// values in the form of [`StaticEmbeddings::Int8`].
pub(super) fn quantize(rows: &Matrix) -> (Vec<u8>, Vec<u8>) {
    let mut scales = Vec::with_capacity(rows.rows() * 4);
    let mut values = Vec::with_capacity(rows.data().len());
    for row in rows.iter_rows() {
        let largest = row.iter().fold(0.0f32, |max, x| max.max(x.abs()));
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
        fn quantize_error_is_at_most_half_a_step(
            data in prop::collection::vec(-3.0f32..3.0, 5 * 6),
        ) {
            let rows = Matrix::new(5, 6, data).unwrap();
            let (scales, values) = quantize(&rows);
            let embeddings = StaticEmbeddings::Int8 { dim: 6, scales: &scales, values: &values };
            prop_assert_eq!((embeddings.rows(), embeddings.dim()), (5, 6));
            for (found, row) in embeddings.to_matrix().iter_rows().zip(rows.iter_rows()) {
                let step = row.iter().fold(0.0f32, |m, x| m.max(x.abs())) / 127.0;
                for (a, b) in found.iter().zip(row) {
                    prop_assert!((a - b).abs() <= 0.5001 * step, "{} {}", a, b);
                }
            }
        }
    }

    #[test]
    fn mean_into_ignores_unknown_tokens_and_keeps_zeros() {
        let (scales, values) = quantize(&Matrix::new(2, 2, vec![0.0, 0.0, 1.0, -2.0]).unwrap());
        let embeddings = StaticEmbeddings::Int8 {
            dim: 2,
            scales: &scales,
            values: &values,
        };
        let mut mean = [5.0; 2];
        embeddings.mean_into(&[0, 9], &mut mean);
        assert_eq!(mean, [0.0; 2]);
        embeddings.mean_into(&[], &mut mean);
        assert_eq!(mean, [0.0; 2]);
        embeddings.mean_into(&[1, 0], &mut mean);
        assert!((mean[1] + 1.0).abs() < 1e-6);
    }
}
