//! Layer 3: the small trainable layer on top of an encoder.
//!
//! A head is described by a [`HeadConfig`] (plain data, stored with a model) and its [`Weights`]
//! (plain numbers by name, Quaterion's names where it has them). [`HeadConfig::build`] puts the two
//! together on any tensor library. Once trained, a head is said by dense layers where it can be
//! ([`Head::fold`]), which is how it is exported.
//!
//! `x` is a batch `[n, in_dim]`, `d` the length of an embedding, `σ` the logistic function, `⊙` the
//! product of single numbers, `f` an [`Activation`]. "Near" and "exactly" are said of the identity.
//!
//! | head | formula | parameters | starts as | folds into | source |
//! | --- | --- | --- | --- | --- | --- |
//! | [`Empty`] | `x` | 0 | exactly | nothing | `empty_head.py` |
//! | [`Gated`] | `x ⊙ tanh(g)` | `d` | `0.964·x` | one layer `diag(tanh g)` | `gated_head.py` |
//! | [`SkipConnection`] | `x + σ(g) ⊙ (W·x + b)`, once or more | `d² + 2d` a layer | near | one layer `I + diag(σ(g))·W`, `σ(g) ⊙ b`, multiplied out | `skip_connection_head.py` |
//! | [`Residual`] | `x + W·x` | `d²` | exactly | one layer `I + W` | ours |
//! | [stacked projection](HeadConfig::StackedProjection) | `W₂·f(W₁·x + b₁) + b₂`, with one layer or more | `Σ outᵢ·(inᵢ + 1)` | at random | a layer for each of its own | `stacked_projection_head.py` |
//! | [widening](HeadConfig::Widening) | the same, to `⌊k·d⌋` and back | `2k·d² + (k + 1)·d` | at random | two layers | `widening_head.py` |
//! | [`SoftmaxEmbeddings`] | `softmax` of each group of `W·x + b` | `out·(d + 1)` | at random | cannot be folded | `softmax_head.py` |
//! | [`Sequential`] | its parts one after another | its parts' | as its parts | what its parts do, linear runs multiplied into one | `sequential_head.py` |
//! | [`Switch`] | a head for each encoder's name | its heads' | as its heads | cannot be folded | `switch_head.py` |
//! | [`Dropout`] | any head, on `x` with a share dropped in training | its head's | as its head | as its head | `encoder_head.py` |
//! | [`Linear`] | `W·x + b` | `out·(d + 1)` | at random | itself | `torch.nn.Linear` |
//! | [`Activate`] | `f(x)` | 0 | as `f` | the activation of the layer before it | `torch.nn` |
//!
//! Sources are files of `quaterion_models/heads` unless they say otherwise. "At random" is PyTorch's
//! start of a linear layer, weight and bias uniform in ±1/√in. Two heads cannot be folded: a softmax
//! looks at several numbers at once, and a switch at the name of an encoder.
//!
//! # Example
//!
//! A head of one's own moves every embedding by the same learned vector, and then stands in a
//! sequence with one from here:
//!
//! ```
//! use crate::{head::{Activation, Dense, Folded, Head, HeadConfig, HeadError, Mode, Sequential}, matrix::Matrix, tensor::Tensor};
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
//! // Both are linear, so together they are one layer.
//! let folded = head.fold()?;
//! let [layer] = folded.layers().unwrap() else { panic!() };
//! assert!((layer.forward(&x)?.data()[0] - y.data()[0]).abs() < 1e-6);
//! # Ok(()) }
//! ```

mod activation;
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

/// Whether a head is being trained or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Used: no dropout.
    Eval,
    /// Trained: dropout drawn from this seed, so that a resumed run draws the same.
    Train {
        /// Seed of this step's dropout.
        seed: u64,
    },
}

impl Mode {
    /// The mode of a part of a head, counted from 0, so that no two parts drop alike.
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

    /// What dropout is drawn from; `None` when nothing is dropped.
    fn random(self) -> Option<fastrand::Rng> {
        match self {
            Self::Eval => None,
            Self::Train { seed } => Some(fastrand::Rng::with_seed(seed)),
        }
    }
}

/// A trainable map of embeddings.
///
/// A head of one's own needs all but [`forward_routed`](Self::forward_routed); see the
/// [example](self#example).
pub trait Head<T: Tensor> {
    /// Length of an embedding that goes in.
    fn in_dim(&self) -> usize;

    /// Length of an embedding that comes out.
    fn out_dim(&self) -> usize;

    /// Maps a batch: `[n, in_dim] → [n, out_dim]`.
    ///
    /// # Errors
    /// When `x` has another number of columns, or the head must know where the rows come from.
    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>>;

    /// Maps a batch whose row `i` comes from the encoder `encoders[i]`:
    /// `[n, in_dim] → [n, out_dim]`. Only a [`Switch`] asks for the names, and heads that hold
    /// others pass them on.
    ///
    /// # Errors
    /// As [`forward`](Self::forward); when there is not a name for each row, or no head for a name.
    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        let _ = encoders;
        self.forward(x, mode)
    }

    /// The weights that training changes, in a fixed order.
    fn parameters(&self) -> Vec<(String, &T)>;

    /// The head in [`Mode::Eval`], said by dense layers where it can be.
    ///
    /// # Errors
    /// The back end's, when weights cannot be read.
    fn fold(&self) -> Result<Folded, HeadError<T::Error>>;
}

/// Refuses embeddings of another length than the head takes, where the operations would not.
fn check_width<T: Tensor>(x: &T, expected: usize) -> Result<(), HeadError<T::Error>> {
    match x.dims().1 {
        found if found == expected => Ok(()),
        found => Err(HeadError::Width { expected, found }),
    }
}

#[cfg(test)]
pub(crate) mod tests;
