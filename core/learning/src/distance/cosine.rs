use super::Distance;
use crate::tensor::Tensor;

/// Cosine of each pair of rows, with norms clamped to at least `1e-8`: `[n, d], [n, d] → [n, 1]`.
fn cosine_rows<T: Tensor>(x: &T, y: &T) -> Result<T, T::Error> {
    let lengths = x.norm_rows(1e-8)?.mul(&y.norm_rows(1e-8)?)?;
    x.mul(y)?.sum_rows()?.div(&lengths)
}

/// Cosine of the angle between two embeddings, as defined by Quaterion.
///
/// Pairwise: similarity `cos ∈ [−1, 1]`, distance `1 − cos ∈ [0, 2]`. As matrices: similarity
/// `(cos + 1) / 2`, distance `(1 − cos) / 2`, both in `[0, 1]`. A zero vector has cosine 0 with
/// every vector. Source: `quaterion/distances/cosine.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cosine;

impl<T: Tensor> Distance<T> for Cosine {
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
        cosine_rows(x, y)?.affine(-1.0, 1.0)
    }

    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        x.normalize_rows()?
            .matmul_t(&y.normalize_rows()?)?
            .affine(-0.5, 0.5)
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        distance.affine(-1.0, 1.0)
    }
}

/// Cosine of the angle between two embeddings, as defined by sentence-transformers.
///
/// Similarity `cos ∈ [−1, 1]` and distance `1 − cos ∈ [0, 2]`, both pairwise and as matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlainCosine;

impl<T: Tensor> Distance<T> for PlainCosine {
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
        Cosine.distance(x, y)
    }

    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        x.normalize_rows()?
            .matmul_t(&y.normalize_rows()?)?
            .affine(-1.0, 1.0)
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        distance.affine(-1.0, 1.0)
    }

    fn similarity_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        x.normalize_rows()?.matmul_t(&y.normalize_rows()?)
    }
}
