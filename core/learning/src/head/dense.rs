use super::Activation;
use crate::{
    matrix::{Matrix, ShapeError},
    tensor::Tensor as _,
};
use alloc::{string::String, vec::Vec};

/// `y = f(x·Wᵀ + b)`, the form in which heads are exported: a `Dense` module of
/// sentence-transformers.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// `W`, `[out_dim, in_dim]`.
    pub weight: Matrix,
    /// `b`, `[1, out_dim]`.
    pub bias: Matrix,
    /// `f`.
    pub activation: Activation,
}

impl Dense {
    /// The layer's output: `[n, in_dim] → [n, out_dim]`.
    ///
    /// # Errors
    /// When `x` has another number of columns.
    pub fn forward(&self, x: &Matrix) -> Result<Matrix, ShapeError> {
        let linear = x.matmul_t(&self.weight)?.add(&self.bias)?;
        self.activation.apply(&linear)
    }

    /// This layer and the next as one, when this one has no activation:
    /// `W₂·W₁` and `W₂·b₁ + b₂`.
    fn merge(&self, next: &Self) -> Result<Self, ShapeError> {
        Ok(Self {
            weight: next.weight.matmul_t(&self.weight.transpose()?)?,
            bias: self.bias.matmul_t(&next.weight)?.add(&next.bias)?,
            activation: next.activation,
        })
    }
}

/// What a head is in [`Mode::Eval`](super::Mode::Eval), said by dense layers.
#[derive(Clone, Debug, PartialEq)]
pub enum Folded {
    /// The head changes nothing; there is nothing to export.
    Identity,
    /// The same as these layers one after another, of which there is at least one.
    Layers(Vec<Dense>),
    /// Something that dense layers cannot say; the words give the reason.
    Impossible(String),
}

impl Folded {
    /// The layers, none for the identity; `None` when layers cannot say it.
    #[must_use]
    pub fn layers(&self) -> Option<&[Dense]> {
        match self {
            Self::Identity => Some(&[]),
            Self::Layers(layers) => Some(layers),
            Self::Impossible(_) => None,
        }
    }

    /// This much of the way from changing nothing, at 0, to this, at 1: `(1 − s)·I + s·W` and `s·b`.
    ///
    /// Only one square layer without activation has such a way; anything else stays as it is.
    #[must_use]
    pub fn from_identity(self, share: f32) -> Self {
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

    /// This and then `next`: a layer without activation is multiplied into the one that follows.
    ///
    /// # Errors
    /// When a layer does not take what the one before it gives.
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
