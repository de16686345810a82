use super::{Distance, inverse_similarity};
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Manhattan distance `d = Σ|xᵢ − yᵢ|`, similarity `1 / (1 + d)`.
///
/// A matrix is built column by column, so it takes `n·m` numbers instead of `n·m·d`.
/// Source: `quaterion/distances/manhattan.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manhattan;

impl<T: Tensor> Distance<T> for Manhattan {
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
        x.sub(y)?.abs()?.sum_rows()
    }

    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        let columns = (0..y.dims().0 as u32)
            .map(|j| x.sub(&y.select_rows(&[j])?)?.abs()?.sum_rows())
            .collect::<Result<Vec<_>, _>>()?;
        T::concat_columns(&columns)
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        inverse_similarity(distance)
    }
}
