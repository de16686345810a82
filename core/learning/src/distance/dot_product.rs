use super::Distance;
use crate::tensor::Tensor;

/// Dot product as similarity and its negative as distance, so distances can be negative.
///
/// Source: `quaterion/distances/dot_product.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DotProduct;

impl<T: Tensor> Distance<T> for DotProduct {
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
        x.mul(y)?.sum_rows()?.affine(-1.0, 0.0)
    }

    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        x.matmul_t(y)?.affine(-1.0, 0.0)
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        distance.affine(-1.0, 0.0)
    }
}
