use super::{Distance, inverse_similarity};
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Up to this many rows on both sides a matrix is made of differences, beyond by the binomial.
///
/// The binomial `‖x‖² + ‖y‖² − 2x·y` is one matrix product but loses about three digits next to 0.
/// The limit is the one of PyTorch's `cdist`.
const EXACT_ROWS: usize = 25;

/// Length of the difference: `d = ‖x − y‖₂`, similarity `1 / (1 + d)`.
///
/// The row-wise form adds `1e-6` to each difference, as PyTorch's `pairwise_distance` does, so that
/// its gradient exists everywhere; the gradient of a zero distance in a matrix is 0.
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
        // Clamped just above 0: the root's slope there is infinite, the clamp's is 0.
        squares.clamp_min(1e-20)?.sqrt()
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        inverse_similarity(distance)
    }
}
