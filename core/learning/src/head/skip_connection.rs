use super::{
    Activation, Dense, Folded, Head, HeadError, Mode, Start, Take, WeightShape, WeightSpec,
    dropout::dropout, linear, read,
};
use crate::{
    matrix::{Matrix, ShapeError},
    tensor::Tensor,
};
use alloc::{format, string::String, vec, vec::Vec};

/// Initial gate: σ(−4) = 0.018, so the head starts close to the identity.
const GATE_START: f32 = -4.0;

/// Gated skip connections: for each layer `x ← x + σ(g) ⊙ (W·dropout(x) + b)`.
///
/// `W` is `[dim, dim]`, `g` and `b` are `[1, dim]`. Gates are initially −4; `W` and `b` are
/// initialised uniformly in ±1/√dim, PyTorch's default for a linear layer. Source:
/// `quaterion_models/heads/skip_connection_head.py`.
///
/// Each layer folds into `W' = I + diag(σ(g))·W`, `b' = σ(g) ⊙ b`; several layers are multiplied
/// into one.
#[derive(Clone, Debug)]
pub struct SkipConnection<T> {
    dim: usize,
    skip_dropout: f32,
    layers: Vec<Layer<T>>,
}

#[derive(Clone, Debug)]
struct Layer<T> {
    gates: T,
    weight: T,
    bias: T,
}

fn names(layer: usize) -> [String; 3] {
    [
        format!("gates_{layer}"),
        format!("fc_{layer}.weight"),
        format!("fc_{layer}.bias"),
    ]
}

pub(super) fn specs(dim: usize, layers: usize) -> Vec<WeightSpec> {
    (0..layers)
        .flat_map(|layer| {
            let [gates, weight, bias] = names(layer);
            [
                (gates, WeightShape::Vector(dim), Start::Constant(GATE_START)),
                (weight, WeightShape::Matrix(dim, dim), linear::initial(dim)),
                (bias, WeightShape::Vector(dim), linear::initial(dim)),
            ]
        })
        .map(|(name, shape, start)| WeightSpec { name, shape, start })
        .collect()
}

impl<T: Tensor> SkipConnection<T> {
    pub(super) fn build(
        dim: usize,
        layers: usize,
        skip_dropout: f32,
        take: Take<'_, T>,
    ) -> Result<Self, HeadError<T::Error>> {
        let layers = (0..layers)
            .map(|layer| {
                let [gates, weight, bias] = names(layer);
                Ok(Layer {
                    gates: take(&gates)?,
                    weight: take(&weight)?,
                    bias: take(&bias)?,
                })
            })
            .collect::<Result<_, HeadError<T::Error>>>()?;
        Ok(Self {
            dim,
            skip_dropout,
            layers,
        })
    }
}

impl<T: Tensor> Layer<T> {
    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        let gates = read(&self.gates.sigmoid()?)?;
        let dense = fold_layer(&gates, &read(&self.weight)?, &read(&self.bias)?);
        Ok(Folded::Layers(vec![dense.map_err(HeadError::Fold)?]))
    }
}

/// `I + diag(σ(g))·W` and `σ(g) ⊙ b`, with `gates` = `σ(g)`.
fn fold_layer(gates: &Matrix, weight: &Matrix, bias: &Matrix) -> Result<Dense, ShapeError> {
    let gated = weight.mul(&gates.transpose()?)?;
    Ok(Dense {
        weight: gated.add(&Matrix::identity(gates.columns()))?,
        bias: bias.mul(gates)?,
        activation: Activation::Identity,
    })
}

impl<T: Tensor> Head<T> for SkipConnection<T> {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>> {
        let mut random = mode.random();
        let mut x = x.clone();
        for layer in &self.layers {
            let inner = dropout(&x, self.skip_dropout, random.as_mut())?;
            let inner = inner.matmul_t(&layer.weight)?.add(&layer.bias)?;
            x = x.add(&inner.mul(&layer.gates.sigmoid()?)?)?;
        }
        Ok(x)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(number, layer)| {
                let weights = [&layer.gates, &layer.weight, &layer.bias];
                names(number).into_iter().zip(weights)
            })
            .collect()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        let mut folded = Folded::Identity;
        for layer in &self.layers {
            folded = folded.then(layer.fold()?).map_err(HeadError::Fold)?;
        }
        Ok(folded)
    }
}
