use super::{
    Activation, Dense, Folded, Head, HeadError, Mode, Start, Take, WeightShape, WeightSpec, read,
};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// Linear map near the identity: `y = x + x·Wᵀ`, without bias and with initial `W = 0`.
///
/// Training starts from the frozen encoder. Without a bias the head works for embeddings of any
/// norm, so a head trained on normalised embeddings folds into a linear layer `I + W` directly after
/// pooling. It learns faster than [`SkipConnection`](super::SkipConnection), whose gates start
/// almost closed (σ(−4) = 0.018). Quaterion has no counterpart.
#[derive(Clone, Debug)]
pub struct Residual<T> {
    dim: usize,
    weight: T,
}

const NAME: &str = "fc.weight";

pub(super) fn specs(dim: usize) -> Vec<WeightSpec> {
    vec![WeightSpec {
        name: String::from(NAME),
        shape: WeightShape::Matrix(dim, dim),
        start: Start::Constant(0.0),
    }]
}

impl<T: Tensor> Residual<T> {
    pub(super) fn build(dim: usize, take: Take<'_, T>) -> Result<Self, HeadError<T::Error>> {
        let weight = take(NAME)?;
        Ok(Self { dim, weight })
    }
}

impl<T: Tensor> Head<T> for Residual<T> {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
        Ok(x.add(&x.matmul_t(&self.weight)?)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from(NAME), &self.weight)]
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        let weight = read(&self.weight)?.add(&Matrix::identity(self.dim));
        Ok(Folded::Layers(vec![Dense {
            weight: weight.map_err(HeadError::Fold)?,
            bias: Matrix::zeros(1, self.dim),
            activation: Activation::Identity,
        }]))
    }
}
