use super::{
    Activation, Dense, Folded, Head, HeadError, Mode, Start, Take, WeightShape, WeightSpec, read,
};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

const WEIGHT: &str = "weight";
const BIAS: &str = "bias";

/// Linear layer: `y = x·Wᵀ + b`.
///
/// `W` is `[out_dim, in_dim]` and `b`, if present, `[1, out_dim]`. Both are initialised uniformly in
/// ±`1/√in_dim`, PyTorch's default. Folds into one layer. Source: `torch.nn.Linear`.
#[derive(Clone, Debug)]
pub struct Linear<T> {
    in_dim: usize,
    out_dim: usize,
    weight: T,
    bias: Option<T>,
}

/// PyTorch's initialisation of a linear layer.
pub(super) fn initial(in_dim: usize) -> Start {
    Start::Uniform(1.0 / libm::sqrtf(in_dim as f32))
}

pub(super) fn specs(in_dim: usize, out_dim: usize, bias: bool) -> Vec<WeightSpec> {
    let spec = |name, shape| WeightSpec {
        name: String::from(name),
        shape,
        start: initial(in_dim),
    };
    let mut specs = vec![spec(WEIGHT, WeightShape::Matrix(out_dim, in_dim))];
    if bias {
        specs.push(spec(BIAS, WeightShape::Vector(out_dim)));
    }
    specs
}

impl<T: Tensor> Linear<T> {
    pub(super) fn build(
        in_dim: usize,
        out_dim: usize,
        bias: bool,
        take: Take<'_, T>,
    ) -> Result<Self, HeadError<T::Error>> {
        Ok(Self {
            in_dim,
            out_dim,
            weight: take(WEIGHT)?,
            bias: if bias { Some(take(BIAS)?) } else { None },
        })
    }
}

impl<T: Tensor> Head<T> for Linear<T> {
    fn in_dim(&self) -> usize {
        self.in_dim
    }

    fn out_dim(&self) -> usize {
        self.out_dim
    }

    fn forward(&self, x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
        let product = x.matmul_t(&self.weight)?;
        Ok(match &self.bias {
            Some(bias) => product.add(bias)?,
            None => product,
        })
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        let weight = [(String::from(WEIGHT), &self.weight)].into_iter();
        let bias = self.bias.iter().map(|bias| (String::from(BIAS), bias));
        weight.chain(bias).collect()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        Ok(Folded::Layers(vec![Dense {
            weight: read(&self.weight)?,
            bias: match &self.bias {
                Some(bias) => read(bias)?,
                None => Matrix::zeros(1, self.out_dim),
            },
            activation: Activation::Identity,
        }]))
    }
}
