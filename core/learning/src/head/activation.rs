use super::{Dense, Folded, Head, HeadError, Mode, check_width};
use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};
use core::fmt;

/// Element-wise activation function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum Activation {
    /// `x`: no activation.
    Identity,
    /// `max(x, 0)`, the default of Quaterion's heads.
    #[default]
    Relu,
    /// `tanh(x)`, in `(−1, 1)`.
    Tanh,
    /// `x·Φ(x)` with the exact normal distribution function `Φ` ([`Tensor::gelu`]), not the `tanh`
    /// approximation.
    Gelu,
    /// `1 / (1 + e⁻ˣ)`, in `(0, 1)`.
    Sigmoid,
}

impl Activation {
    /// All activations.
    pub const ALL: [Self; 5] = [
        Self::Identity,
        Self::Relu,
        Self::Tanh,
        Self::Gelu,
        Self::Sigmoid,
    ];

    /// Name in settings and files; the name in `torch.nn.functional` where one exists.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Gelu => "gelu",
            Self::Sigmoid => "sigmoid",
        }
    }

    /// Applies the function to each element: `[n, d] → [n, d]`.
    ///
    /// # Errors
    /// The back end's.
    pub fn apply<T: Tensor>(self, x: &T) -> Result<T, T::Error> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::Relu => x.relu(),
            Self::Tanh => x.tanh(),
            Self::Gelu => x.gelu(),
            Self::Sigmoid => x.sigmoid(),
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An [`Activation`] as a head: `y = f(x)`, element by element.
///
/// Folds into the preceding layer, or into a layer with weight `I` if it is the first part of a
/// head. [`Activation::Identity`] folds into no layer. Source: the modules of `torch.nn` that
/// `quaterion_models/heads/sequential_head.py` accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activate {
    dim: usize,
    activation: Activation,
}

impl Activate {
    /// Creates the head for embeddings of length `dim`.
    #[must_use]
    pub fn new(dim: usize, activation: Activation) -> Self {
        Self { dim, activation }
    }
}

impl<T: Tensor> Head<T> for Activate {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
        check_width(x, self.dim)?;
        Ok(self.activation.apply(x)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        Vec::new()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        if self.activation == Activation::Identity {
            return Ok(Folded::Identity);
        }
        Ok(Folded::Layers(vec![Dense {
            weight: Matrix::identity(self.dim),
            bias: Matrix::zeros(1, self.dim),
            activation: self.activation,
        }]))
    }
}
