use super::{Head, HeadError, Linear, Mode, Take, Weight, Weights};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{format, string::String, vec, vec::Vec};

/// Where gates start: σ(−4) = 0.018, so that the head starts close to the identity.
const GATE_START: f32 = -4.0;

/// Gated skip connections: for each layer `x ← x + σ(g) ⊙ (W·dropout(x) + b)`.
///
/// `W` is `[dim, dim]`, `g` and `b` are `[1, dim]`. Gates start at −4; `W` and `b` start uniform in
/// ±1/√dim, PyTorch's default for a linear layer. Source:
/// `quaterion_models/heads/skip_connection_head.py`.
///
/// It folds into `W' = I + diag(σ(g))·W`, `b' = σ(g) ⊙ b`; several layers multiply out.
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

fn names(layer: usize) -> (String, String, String) {
    (
        format!("gates_{layer}"),
        format!("fc_{layer}.weight"),
        format!("fc_{layer}.bias"),
    )
}

pub(super) fn init(dim: usize, layers: usize, seed: u64) -> Weights {
    let mut random = fastrand::Rng::with_seed(seed);
    let bound = 1.0 / libm::sqrtf(dim as f32);
    let mut weights = Vec::with_capacity(3 * layers);
    for layer in 0..layers {
        let (gates, weight, bias) = names(layer);
        let mut push = |name, rows: usize, mut number: &mut dyn FnMut() -> f32| {
            let data = core::iter::repeat_with(&mut number)
                .take(rows * dim)
                .collect();
            let value = Matrix::new(rows, dim, data).unwrap_or_default();
            weights.push(Weight { name, value });
        };
        push(gates, 1, &mut || GATE_START);
        push(weight, dim, &mut || (random.f32() * 2.0 - 1.0) * bound);
        push(bias, 1, &mut || (random.f32() * 2.0 - 1.0) * bound);
    }
    weights
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
                let (gates, weight, bias) = names(layer);
                Ok(Layer {
                    gates: take(gates, 1, dim)?,
                    weight: take(weight, dim, dim)?,
                    bias: take(bias, 1, dim)?,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            dim,
            skip_dropout,
            layers,
        })
    }

    fn dropout(&self, x: &T, random: Option<&mut fastrand::Rng>) -> Result<T, T::Error> {
        let Some(random) = random.filter(|_| self.skip_dropout > 0.0) else {
            return Ok(x.clone());
        };
        let (rows, columns) = x.dims();
        let kept = 1.0 - self.skip_dropout;
        let mask: Vec<f32> = (0..rows * columns)
            .map(|_| if random.f32() < kept { 1.0 / kept } else { 0.0 })
            .collect();
        x.mul(&x.constant(&mask, rows, columns)?)
    }
}

impl<T: Tensor> Head<T> for SkipConnection<T> {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, mode: Mode) -> Result<T, T::Error> {
        let mut random = match mode {
            Mode::Eval => None,
            Mode::Train { seed } => Some(fastrand::Rng::with_seed(seed)),
        };
        let mut x = x.clone();
        for layer in &self.layers {
            let inner = self.dropout(&x, random.as_mut())?.matmul_t(&layer.weight)?;
            let inner = inner.add(&layer.bias)?;
            x = x.add(&inner.mul(&layer.gates.sigmoid()?)?)?;
        }
        Ok(x)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        let layers = self.layers.iter().enumerate();
        layers
            .flat_map(|(i, layer)| {
                let (gates, weight, bias) = names(i);
                [
                    (gates, &layer.gates),
                    (weight, &layer.weight),
                    (bias, &layer.bias),
                ]
            })
            .collect()
    }

    fn fold(&self) -> Result<Option<Linear>, T::Error> {
        let dim = self.dim;
        // Columns of `W'` and the bias, carried through the layers as rows: the images of the unit
        // vectors, and of zero.
        let mut rows = vec![0.0f32; (dim + 1) * dim];
        for i in 0..dim {
            rows[i * dim + i] = 1.0;
        }
        let mut images = Matrix::new(dim + 1, dim, rows).unwrap_or_default();
        for layer in &self.layers {
            let read = |t: &T| -> Result<Matrix, T::Error> {
                let (rows, columns) = t.dims();
                Ok(Matrix::new(rows, columns, t.to_vec()?).unwrap_or_default())
            };
            let (gates, weight, bias) = (
                read(&layer.gates)?,
                read(&layer.weight)?,
                read(&layer.bias)?,
            );
            let step = |x: &Matrix| -> Result<Matrix, crate::matrix::ShapeError> {
                x.add(&x.matmul_t(&weight)?.add(&bias)?.mul(&gates.sigmoid()?)?)
            };
            // The shapes were checked when the head was built.
            images = step(&images).unwrap_or_default();
        }
        let bias = images.row(dim).to_vec();
        let mut weight = vec![0.0f32; dim * dim];
        for input in 0..dim {
            for (output, (&image, &bias)) in images.row(input).iter().zip(&bias).enumerate() {
                weight[output * dim + input] = image - bias;
            }
        }
        Ok(Some(Linear {
            weight: Matrix::new(dim, dim, weight).unwrap_or_default(),
            bias: Matrix::new(1, dim, bias).unwrap_or_default(),
        }))
    }
}
