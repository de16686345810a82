//! Projection heads: small trainable layers on top of an encoder.
//!
//! A head consists of a [`HeadConfig`] (plain data, stored with a model) and its [`Weights`] (named
//! matrices, with Quaterion's names where it has them). [`HeadConfig::build`] combines the two on
//! any tensor back end. For export, a trained head is folded into dense layers where possible
//! ([`Head::fold`]).
//!
//! `x` is a batch `[n, in_dim]`, `d` the embedding length, `σ` the logistic function, `⊙` the
//! element-wise product and `f` an [`Activation`].
//!
//! | head | formula | parameters | initial function | folds into | source |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Empty`] | `x` | 0 | identity | no layer | `empty_head.py` |
//! | [`Gated`] | `x ⊙ tanh(g)` | `d` | `0.964·x` | one layer `diag(tanh g)` | `gated_head.py` |
//! | [`SkipConnection`] | `x + σ(g) ⊙ (W·x + b)`, for each layer | `d² + 2d` per layer | near the identity | one layer `I + diag(σ(g))·W`, `σ(g) ⊙ b` (the product for several layers) | `skip_connection_head.py` |
//! | [`Residual`] | `x + W·x` | `d²` | identity | one layer `I + W` | Nearsay |
//! | [stacked projection](HeadConfig::StackedProjection) | `W₂·f(W₁·x + b₁) + b₂`, one or more layers | `Σ outᵢ·(inᵢ + 1)` | random | its own layers | `stacked_projection_head.py` |
//! | [widening](HeadConfig::Widening) | stacked projection to `⌊k·d⌋` and back | `2k·d² + (k + 1)·d` | random | two layers | `widening_head.py` |
//! | [`SoftmaxEmbeddings`] | `softmax` of each group of `W·x + b` | `out·(d + 1)` | random | not foldable | `softmax_head.py` |
//! | [`Sequential`] | composition of its parts | sum over its parts | composition | layers of its parts, linear runs multiplied into one | `sequential_head.py` |
//! | [`Switch`] | one head per encoder name | sum over its heads | per head | not foldable | `switch_head.py` |
//! | [`Dropout`] | a head on `x` with dropout | as the inner head | as the inner head | as the inner head | `encoder_head.py` |
//! | [`Linear`] | `W·x + b` | `out·(d + 1)` | random | one layer | `torch.nn.Linear` |
//! | [`Activate`] | `f(x)` | 0 | `f` | activation of the preceding layer | `torch.nn` |
//!
//! Sources are files of `quaterion_models/heads` unless noted otherwise. "Random" is PyTorch's
//! initialisation of a linear layer: weight and bias uniform in ±1/√in. Two heads can't be folded: a
//! softmax depends on several elements, and a switch depends on the name of an encoder.
//!
//! # Example
//!
//! A custom head adds the same learned vector to every embedding and runs in a sequence with a
//! built-in head:
//!
//! ```
//! use nearsay_core::{head::{Activation, Dense, Folded, Head, HeadConfig, HeadError, Mode, Sequential}, matrix::Matrix, tensor::Tensor};
//!
//! /// `y = x + b`
//! struct Shift<T> {
//!     bias: T, // [1, d]
//! }
//!
//! impl<T: Tensor> Head<T> for Shift<T> {
//!     fn in_dim(&self) -> usize {
//!         self.bias.dims().1
//!     }
//!     fn out_dim(&self) -> usize {
//!         self.bias.dims().1
//!     }
//!     fn forward(&self, x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
//!         Ok(x.add(&self.bias)?)
//!     }
//!     fn parameters(&self) -> Vec<(String, &T)> {
//!         vec![("bias".into(), &self.bias)]
//!     }
//!     fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
//!         let dim = self.bias.dims().1;
//!         Ok(Folded::Layers(vec![Dense {
//!             weight: Matrix::identity(dim),
//!             bias: Matrix::new(1, dim, self.bias.to_vec()?).map_err(HeadError::Fold)?,
//!             activation: Activation::Identity,
//!         }]))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shift = Shift { bias: Matrix::from_rows(&[[0.5, -0.5]])? };
//! let gated = HeadConfig::Gated { dim: 2 };
//! let gated = gated.build(&gated.init(42), |weight| Ok(weight.value.clone()))?;
//! let head = Sequential::new(vec![Box::new(shift), gated])?;
//!
//! let x = Matrix::from_rows(&[[1.0, 2.0]])?;
//! let y = head.forward(&x, Mode::Eval)?;
//! assert!((y.data()[0] - 1.5 * 2.0f32.tanh()).abs() < 1e-6);
//!
//! let names: Vec<String> = head.parameters().into_iter().map(|(name, _)| name).collect();
//! assert_eq!(names, ["_sequential.0.bias", "_sequential.1.gates"]);
//!
//! // Both are linear, so they fold into one layer.
//! let folded = head.fold()?;
//! let [layer] = folded.layers().unwrap() else { panic!() };
//! assert!((layer.forward(&x)?.data()[0] - y.data()[0]).abs() < 1e-6);
//! # Ok(()) }
//! ```

mod activation;
mod build;
mod config;
mod dense;
mod dropout;
mod empty;
mod error;
mod gated;
mod linear;
mod residual;
mod sequential;
mod skip_connection;
mod softmax_embeddings;
mod switch;
mod weights;

pub use activation::{Activate, Activation};
pub use config::HeadConfig;
pub use dense::{Dense, Folded};
pub use dropout::Dropout;
pub use dropout::drop_in_place;
pub use empty::Empty;
pub use error::HeadError;
pub use gated::Gated;
pub use linear::Linear;
pub use residual::Residual;
pub use sequential::Sequential;
pub use skip_connection::SkipConnection;
pub use softmax_embeddings::SoftmaxEmbeddings;
pub use switch::Switch;
pub use weights::{Start, Weight, WeightShape, WeightSpec, Weights};

use crate::tensor::Tensor;
use alloc::{string::String, vec::Vec};
use weights::{Take, prefixed, read};

/// Training or inference mode of a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Inference: no dropout.
    Eval,
    /// Training: dropout with this seed, so a resumed run repeats the same masks.
    Train {
        /// Dropout seed of the training step.
        seed: u64,
    },
}

impl Mode {
    /// Derives the mode of part `number` of a head, so that each part draws its own dropout masks.
    #[must_use]
    pub fn part(self, number: u64) -> Self {
        match self {
            Self::Eval => Self::Eval,
            Self::Train { seed } => {
                let step = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let mut random = fastrand::Rng::with_seed(seed.wrapping_add(step));
                Self::Train {
                    seed: random.u64(..),
                }
            }
        }
    }

    /// Random generator for dropout; `None` in inference mode.
    fn random(self) -> Option<fastrand::Rng> {
        match self {
            Self::Eval => None,
            Self::Train { seed } => Some(fastrand::Rng::with_seed(seed)),
        }
    }
}

/// Trainable map of embeddings.
///
/// A custom head implements all methods except [`forward_routed`](Self::forward_routed); see the
/// [example](self#example).
pub trait Head<T: Tensor> {
    /// Input embedding length.
    fn in_dim(&self) -> usize;

    /// Output embedding length.
    fn out_dim(&self) -> usize;

    /// Maps a batch: `[n, in_dim] → [n, out_dim]`.
    ///
    /// # Errors
    /// If `x` doesn't have `in_dim` columns, or the head needs encoder names
    /// ([`forward_routed`](Self::forward_routed)).
    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>>;

    /// Maps a batch whose row `i` comes from the encoder named `encoders[i]`:
    /// `[n, in_dim] → [n, out_dim]`.
    ///
    /// Only a [`Switch`] uses the names; heads that contain other heads forward them. The default
    /// implementation ignores them.
    ///
    /// # Errors
    /// As [`forward`](Self::forward). Also if the number of names differs from the number of rows,
    /// or a switch has no head for a name.
    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        let _ = encoders;
        self.forward(x, mode)
    }

    /// Names and values of the trainable weights, in a fixed order.
    fn parameters(&self) -> Vec<(String, &T)>;

    /// Folds the head in [`Mode::Eval`] into dense layers where possible.
    ///
    /// # Errors
    /// The back end's error if weights can't be read.
    fn fold(&self) -> Result<Folded, HeadError<T::Error>>;
}

macro_rules! through {
    ($($pointer:ty),*) => {
        $(impl<T: Tensor, H: Head<T> + ?Sized> Head<T> for $pointer {
            fn in_dim(&self) -> usize {
                (**self).in_dim()
            }

            fn out_dim(&self) -> usize {
                (**self).out_dim()
            }

            fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>> {
                (**self).forward(x, mode)
            }

            fn forward_routed(
                &self,
                x: &T,
                encoders: &[&str],
                mode: Mode,
            ) -> Result<T, HeadError<T::Error>> {
                (**self).forward_routed(x, encoders, mode)
            }

            fn parameters(&self) -> Vec<(String, &T)> {
                (**self).parameters()
            }

            fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
                (**self).fold()
            }
        })*
    };
}

through!(&H, alloc::boxed::Box<H>);
#[cfg(target_has_atomic = "ptr")]
through!(alloc::sync::Arc<H>);

/// Refuses embeddings of another length than the head takes, where the operations would not.
fn check_width<T: Tensor>(x: &T, expected: usize) -> Result<(), HeadError<T::Error>> {
    let found = x.dims().1;
    if found == expected {
        Ok(())
    } else {
        Err(HeadError::Width { expected, found })
    }
}

#[cfg(test)]
pub(crate) mod tests;
