use super::{
    Activation, Dense, Folded, Head, HeadError, Mode, Start, Take, WeightShape, WeightSpec,
    check_width, read,
};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// Initial gate: tanh(2) = 0.964, so every component starts almost unchanged.
const GATE_START: f32 = 2.0;

const NAME: &str = "gates";

/// One learned factor per component: `y = x ⊙ tanh(g)`.
///
/// `g` is `[1, dim]`, initially 2; gates in `(−1, 1)` attenuate, mute or negate components. With
/// only `dim` parameters the head can be trained on very few pairs, and without a bias it works for
/// embeddings of any norm. Folds into the weight `diag(tanh(g))`. Source:
/// `quaterion_models/heads/gated_head.py`.
#[derive(Clone, Debug)]
pub struct Gated<T> {
    dim: usize,
    gates: T,
}

pub(super) fn specs(dim: usize) -> Vec<WeightSpec> {
    vec![WeightSpec {
        name: String::from(NAME),
        shape: WeightShape::Vector(dim),
        start: Start::Constant(GATE_START),
    }]
}

impl<T: Tensor> Gated<T> {
    pub(super) fn build(dim: usize, take: Take<'_, T>) -> Result<Self, HeadError<T::Error>> {
        let gates = take(NAME)?;
        Ok(Self { dim, gates })
    }
}

impl<T: Tensor> Head<T> for Gated<T> {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
        // A single column would broadcast to all gates.
        check_width(x, self.dim)?;
        Ok(x.mul(&self.gates.tanh()?)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from(NAME), &self.gates)]
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        let gates = read(&self.gates.tanh()?)?;
        let diagonal = Matrix::identity(self.dim).mul(&gates);
        Ok(Folded::Layers(vec![Dense {
            weight: diagonal.map_err(HeadError::Fold)?,
            bias: Matrix::zeros(1, self.dim),
            activation: Activation::Identity,
        }]))
    }
}
