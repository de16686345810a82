use super::{Head, HeadError, Linear, Mode, Take, Weight, Weights};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// A linear map near the identity: `y = x + x·Wᵀ`, without bias and starting at `W = 0`.
///
/// It starts as the frozen encoder itself and, having no bias, does not care about the length of
/// `x`: trained on normalised embeddings it means the same on pooled ones, so that it folds into a
/// plain linear layer `I + W` right after pooling. It learns much faster than a gated head, whose
/// gates start almost closed (σ(−4) = 0.018).
#[derive(Clone, Debug)]
pub struct Residual<T> {
    dim: usize,
    weight: T,
}

const NAME: &str = "fc.weight";

pub(super) fn init(dim: usize) -> Weights {
    let value = Matrix::new(dim, dim, vec![0.0; dim * dim]).unwrap_or_default();
    vec![Weight {
        name: String::from(NAME),
        value,
    }]
}

impl<T: Tensor> Residual<T> {
    pub(super) fn build(dim: usize, take: Take<'_, T>) -> Result<Self, HeadError<T::Error>> {
        Ok(Self {
            dim,
            weight: take(String::from(NAME), dim, dim)?,
        })
    }
}

impl<T: Tensor> Head<T> for Residual<T> {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, _mode: Mode) -> Result<T, T::Error> {
        x.add(&x.matmul_t(&self.weight)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from(NAME), &self.weight)]
    }

    fn fold(&self) -> Result<Option<Linear>, T::Error> {
        let mut weight = self.weight.to_vec()?;
        for i in 0..self.dim {
            weight[i * self.dim + i] += 1.0;
        }
        Ok(Some(Linear {
            weight: Matrix::new(self.dim, self.dim, weight).unwrap_or_default(),
            bias: Matrix::new(1, self.dim, vec![0.0; self.dim]).unwrap_or_default(),
        }))
    }
}
