//! Heads that are one affine map, `y = x·Aᵀ + c`, and what a gradient of that map is to their weights.

use nearsay_core::head::{HeadConfig, Weights};

/// A head that is one affine map `y = x·Aᵀ + c`, with `A` `[out, in]` and `c` `[out]`.
///
/// With `M = ∂L/∂A` and `s = ∂L/∂c`:
///
/// | head | `A` | `c` | gradients |
/// | --- | --- | --- | --- |
/// | skip connection, one layer | `I + diag(σ(g))·W` | `σ(g) ⊙ b` | `W: diag(σ(g))·M`, `b: σ(g) ⊙ s`, `g: σ'(g) ⊙ (Σₖ W ⊙ M + b ⊙ s)` |
/// | residual | `I + W` | 0 | `W: M` |
/// | linear | `W` | `b` or 0 | `W: M`, `b: s` |
pub(super) struct Affine {
    kind: Kind,
    /// Share of the input that is dropped in training.
    pub(super) dropout: f32,
    pub(super) in_dim: usize,
    pub(super) out_dim: usize,
    /// `A`
    pub(super) matrix: Vec<f32>,
    /// `c`
    pub(super) shift: Vec<f32>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Weights: gates, matrix, bias.
    Skip,
    /// Weights: matrix.
    Residual,
    /// Weights: matrix, bias if there is one.
    Linear,
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

impl Affine {
    /// The map of a head; `None` when it is not one such map in training.
    pub(super) fn new(config: &HeadConfig) -> Option<Self> {
        let (dropout, config) = match config {
            HeadConfig::Dropout { rate, head } => (*rate, head.as_ref()),
            config => (0.0, config),
        };
        let kind = match config {
            // Dropout within the layer leaves the sum it is added to alone.
            HeadConfig::SkipConnection {
                layers: 1,
                skip_dropout: 0.0,
                ..
            } => Kind::Skip,
            HeadConfig::Residual { .. } => Kind::Residual,
            HeadConfig::Linear { .. } => Kind::Linear,
            _ => return None,
        };
        let (in_dim, out_dim) = (config.in_dim(), config.out_dim());
        Some(Self {
            kind,
            dropout,
            in_dim,
            out_dim,
            matrix: vec![0.0; in_dim * out_dim],
            shift: vec![0.0; out_dim],
        })
    }

    /// Makes `A` and `c` those of the weights.
    pub(super) fn set(&mut self, weights: &Weights) {
        let values: Vec<&[f32]> = weights.iter().map(|weight| weight.value.data()).collect();
        let width = self.in_dim;
        match (self.kind, &values[..]) {
            (Kind::Skip, [gates, weight, bias]) => {
                let rows = self.matrix.chunks_exact_mut(width);
                for (i, (row, weight)) in rows.zip(weight.chunks_exact(width)).enumerate() {
                    let open = sigmoid(gates[i]);
                    row.iter_mut().zip(weight).for_each(|(a, w)| *a = open * w);
                    row[i] += 1.0;
                    self.shift[i] = open * bias[i];
                }
            }
            (Kind::Residual, [weight]) => {
                self.matrix.copy_from_slice(weight);
                self.matrix
                    .iter_mut()
                    .step_by(width + 1)
                    .for_each(|a| *a += 1.0);
            }
            (Kind::Linear, [weight, bias @ ..]) => {
                self.matrix.copy_from_slice(weight);
                if let [bias] = bias {
                    self.shift.copy_from_slice(bias);
                }
            }
            _ => {}
        }
    }

    /// The gradients of the weights, in their order, from those of `A`, which is used up, and of `c`.
    pub(super) fn pull_back(
        &self,
        weights: &Weights,
        of_matrix: &mut Vec<f32>,
        of_shift: &[f32],
        gradients: &mut [Vec<f32>],
    ) {
        let width = self.in_dim;
        match (self.kind, gradients) {
            (Kind::Skip, [of_gates, of_weight, of_bias]) => {
                let [gates, weight, bias] = [0, 1, 2].map(|i| weights[i].value.data());
                let rows = of_matrix.chunks_exact_mut(width);
                for (i, (row, weight)) in rows.zip(weight.chunks_exact(width)).enumerate() {
                    let open = sigmoid(gates[i]);
                    let inner = nearsay_core::matrix::dot(row, weight) + bias[i] * of_shift[i];
                    of_gates[i] = open * (1.0 - open) * inner;
                    of_bias[i] = open * of_shift[i];
                    row.iter_mut().for_each(|g| *g *= open);
                }
                std::mem::swap(of_weight, of_matrix);
            }
            (Kind::Residual, [of_weight]) => std::mem::swap(of_weight, of_matrix),
            (Kind::Linear, [of_weight, of_bias @ ..]) => {
                std::mem::swap(of_weight, of_matrix);
                if let [of_bias] = of_bias {
                    of_bias.copy_from_slice(of_shift);
                }
            }
            _ => {}
        }
    }
}
