use super::{Distance, inverse_similarity};
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Largest number of rows per side for which a matrix is computed from differences.
///
/// Larger matrices use `‖x‖² + ‖y‖² − 2x·y`: one matrix product, but about three digits less
/// precise near 0. PyTorch's `cdist` has the same limit.
const EXACT_ROWS: usize = 25;

/// Euclidean distance `d = ‖x − y‖₂`, similarity `1 / (1 + d)`.
///
/// The row-wise form adds `1e-6` to each difference, like PyTorch's `pairwise_distance`, so its
/// gradient exists everywhere. In a matrix, the gradient of a zero distance is 0.
/// Source: `quaterion/distances/euclidean.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Euclidean;

impl<T: Tensor> Distance<T> for Euclidean {
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
        let difference = x.sub(y)?.affine(1.0, 1e-6)?;
        difference.mul(&difference)?.sum_rows()?.sqrt()
    }

    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        let (rows, columns) = (x.dims().0, y.dims().0);
        let squares = if rows > EXACT_ROWS || columns > EXACT_ROWS {
            let (xx, yy) = (x.mul(x)?.sum_rows()?, y.mul(y)?.sum_rows()?);
            xx.add(&yy.transpose()?)?
                .sub(&x.matmul_t(y)?.affine(2.0, 0.0)?)?
        } else {
            let columns = (0..columns as u32)
                .map(|j| {
                    let difference = x.sub(&y.select_rows(&[j])?)?;
                    difference.mul(&difference)?.sum_rows()
                })
                .collect::<Result<Vec<_>, _>>()?;
            T::concat_columns(&columns)?
        };
        // The root has an infinite slope at 0; below the clamp the slope is 0.
        squares.clamp_min(1e-20)?.sqrt()
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        inverse_similarity(distance)
    }
}
