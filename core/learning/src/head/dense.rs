use super::Activation;
use crate::{
    matrix::{Matrix, ShapeError},
    tensor::Tensor as _,
};
use alloc::{string::String, vec::Vec};

/// Dense layer `y = f(x·Wᵀ + b)`, the export form of a head: a `Dense` module of
/// sentence-transformers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Weight `W`, `[out_dim, in_dim]`.
    pub weight: Matrix,
    /// Bias `b`, `[1, out_dim]`.
    pub bias: Matrix,
    /// Activation function `f`.
    pub activation: Activation,
}

impl Dense {
    /// Applies the layer: `[n, in_dim] → [n, out_dim]`.
    ///
    /// # Errors
    /// If `x` doesn't have `in_dim` columns.
    pub fn forward(&self, x: &Matrix) -> Result<Matrix, ShapeError> {
        let linear = x.matmul_t(&self.weight)?.add(&self.bias)?;
        self.activation.apply(&linear)
    }

    /// Multiplies this layer, which must have no activation, into the next one:
    /// `W₂·W₁` and `W₂·b₁ + b₂`.
    fn merge(&self, next: &Self) -> Result<Self, ShapeError> {
        Ok(Self {
            weight: next.weight.matmul_t(&self.weight.transpose()?)?,
            bias: self.bias.matmul_t(&next.weight)?.add(&next.bias)?,
            activation: next.activation,
        })
    }
}

/// A head in [`Mode::Eval`](super::Mode::Eval) as dense layers.
#[derive(Clone, Debug, PartialEq)]
pub enum Folded {
    /// The head is the identity; it has no layers.
    Identity,
    /// The head equals this sequence of one or more layers.
    Layers(Vec<Dense>),
    /// The head can't be expressed by dense layers, for this reason.
    Impossible(String),
}

impl Folded {
    /// Dense layers, empty for the identity; `None` if the head can't be folded.
    #[must_use]
    pub fn layers(&self) -> Option<&[Dense]> {
        match self {
            Self::Identity => Some(&[]),
            Self::Layers(layers) => Some(layers),
            Self::Impossible(_) => None,
        }
    }

    /// Interpolates between the identity (`share` = 0) and the head (`share` = 1): with `s` the
    /// share, `(1 − s)·I + s·W` and `s·b`.
    ///
    /// Applies to a single square layer without activation; other heads are returned unchanged.
    #[must_use]
    pub fn interpolate_from_identity(self, share: f32) -> Self {
        let Self::Layers(mut layers) = self else {
            return self;
        };
        if let [layer] = &mut layers[..]
            && layer.activation == Activation::Identity
            && layer.weight.rows() == layer.weight.columns()
        {
            layer.bias.data_mut().iter_mut().for_each(|b| *b *= share);
            layer.weight.data_mut().iter_mut().for_each(|w| *w *= share);
            for i in 0..layer.weight.rows() {
                layer.weight.row_mut(i)[i] += 1.0 - share;
            }
        }
        Self::Layers(layers)
    }

    /// Appends `next`; a layer without activation is multiplied into the layer that follows it.
    ///
    /// # Errors
    /// If the output length of a layer differs from the input length of the next.
    pub fn then(self, next: Self) -> Result<Self, ShapeError> {
        match (self, next) {
            (Self::Impossible(why), _) | (_, Self::Impossible(why)) => Ok(Self::Impossible(why)),
            (Self::Identity, folded) | (folded, Self::Identity) => Ok(folded),
            (Self::Layers(mut layers), Self::Layers(next)) => {
                for layer in next {
                    match layers.last_mut() {
                        Some(last) if last.activation == Activation::Identity => {
                            *last = last.merge(&layer)?;
                        }
                        _ => layers.push(layer),
                    }
                }
                Ok(Self::Layers(layers))
            }
        }
    }
}
