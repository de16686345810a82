//! Layer 3: the small trainable layer on top of an encoder.
//!
//! A head is described by a [`HeadConfig`] (plain data, stored with a model) and its [`Weights`]
//! (plain numbers by name, Quaterion's names where it has them). [`HeadConfig::build`] puts the two
//! together on any tensor library. Every head here is linear once trained, so [`Head::fold`] can
//! say it as one `y = x·Wᵀ + b`, which is how it is exported.

mod empty;
mod residual;
mod skip_connection;

pub use empty::Empty;
pub use residual::Residual;
pub use skip_connection::SkipConnection;

use crate::{matrix::Matrix, tensor::Tensor};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

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

/// A trainable map of embeddings.
pub trait Head<T: Tensor> {
    /// Length of an embedding that goes in.
    fn in_dim(&self) -> usize;

    /// Length of an embedding that comes out.
    fn out_dim(&self) -> usize;

    /// Maps a batch: `[n, in_dim] → [n, out_dim]`.
    ///
    /// # Errors
    /// When `x` has another number of columns.
    fn forward(&self, x: &T, mode: Mode) -> Result<T, T::Error>;

    /// The weights that training changes, in a fixed order.
    fn parameters(&self) -> Vec<(String, &T)>;

    /// The head as one linear layer in [`Mode::Eval`], or `None` when it changes nothing.
    ///
    /// # Errors
    /// The back end's, when weights cannot be read.
    fn fold(&self) -> Result<Option<Linear>, T::Error>;
}

/// `y = x·Wᵀ + b`, the form in which a head is exported (a `Dense` module with identity activation).
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// `W`, `[out_dim, in_dim]`.
    pub weight: Matrix,
    /// `b`, `[1, out_dim]`.
    pub bias: Matrix,
}

/// One named array of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Name within its head, for example `fc_0.weight`.
    pub name: String,
    /// The numbers, `[rows, columns]`; vectors are one row.
    pub value: Matrix,
}

/// All weights of a head, in the order of [`Head::parameters`].
pub type Weights = Vec<Weight>;

/// Which head, and its size: plain data.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(tag = "kind", rename_all = "snake_case"))]
pub enum HeadConfig {
    /// [`Empty`]: changes nothing.
    Empty {
        /// Length of an embedding.
        dim: usize,
    },
    /// [`SkipConnection`]: the tutorial's gated head.
    SkipConnection {
        /// Length of an embedding.
        dim: usize,
        /// Number of layers; 1 by default.
        layers: usize,
        /// Share of the inner linear layer's inputs that are dropped in training; 0 by default.
        skip_dropout: f32,
    },
    /// [`Residual`]: an ungated linear map near the identity.
    Residual {
        /// Length of an embedding.
        dim: usize,
    },
}

/// Why a head cannot be put together; `E` is the tensor back end's error.
#[derive(Clone, Debug, PartialEq)]
pub enum HeadError<E> {
    /// The weights lack one that the configuration asks for.
    Missing {
        /// Its name.
        name: String,
    },
    /// A weight has another shape than the configuration asks for.
    Shape {
        /// Its name.
        name: String,
        /// `(rows, columns)` asked for.
        expected: (usize, usize),
        /// `(rows, columns)` found.
        found: (usize, usize),
    },
    /// The tensor library failed.
    Tensor(E),
}

impl<E: fmt::Display> fmt::Display for HeadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "the head's weights lack {name}"),
            Self::Shape {
                name,
                expected,
                found,
            } => write!(
                f,
                "the head's weight {name} should be {}×{}, but is {}×{}",
                expected.0, expected.1, found.0, found.1
            ),
            Self::Tensor(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error> core::error::Error for HeadError<E> {}

impl HeadConfig {
    /// Length of an embedding, in and out.
    #[must_use]
    pub fn dim(&self) -> usize {
        match self {
            Self::Empty { dim } | Self::SkipConnection { dim, .. } | Self::Residual { dim } => *dim,
        }
    }

    /// Fresh weights, the same for the same seed on every platform.
    #[must_use]
    pub fn init(&self, seed: u64) -> Weights {
        match *self {
            Self::Empty { .. } => Vec::new(),
            Self::SkipConnection { dim, layers, .. } => skip_connection::init(dim, layers, seed),
            Self::Residual { dim } => residual::init(dim),
        }
    }

    /// The head made of these weights; `place` puts each on the tensor library, for example as a
    /// variable with gradient.
    ///
    /// # Errors
    /// When a weight is missing, has the wrong shape or cannot be placed.
    pub fn build<T: Tensor>(
        &self,
        weights: &[Weight],
        mut place: impl FnMut(&Weight) -> Result<T, T::Error>,
    ) -> Result<Box<dyn Head<T>>, HeadError<T::Error>> {
        let mut take = |name: String, rows: usize, columns: usize| {
            let Some(weight) = weights.iter().find(|weight| weight.name == name) else {
                return Err(HeadError::Missing { name });
            };
            if weight.value.dims() != (rows, columns) {
                return Err(HeadError::Shape {
                    name,
                    expected: (rows, columns),
                    found: weight.value.dims(),
                });
            }
            place(weight).map_err(HeadError::Tensor)
        };
        Ok(match *self {
            Self::Empty { dim } => Box::new(Empty::new(dim)),
            Self::SkipConnection {
                dim,
                layers,
                skip_dropout,
            } => Box::new(SkipConnection::build(dim, layers, skip_dropout, &mut take)?),
            Self::Residual { dim } => Box::new(Residual::build(dim, &mut take)?),
        })
    }
}

/// Takes a weight by name, rows and columns.
type Take<'a, T> =
    &'a mut dyn FnMut(String, usize, usize) -> Result<T, HeadError<<T as Tensor>::Error>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn configs() -> [HeadConfig; 4] {
        [
            HeadConfig::Empty { dim: 6 },
            HeadConfig::SkipConnection {
                dim: 6,
                layers: 1,
                skip_dropout: 0.0,
            },
            HeadConfig::SkipConnection {
                dim: 6,
                layers: 3,
                skip_dropout: 0.5,
            },
            HeadConfig::Residual { dim: 6 },
        ]
    }

    fn input() -> Matrix {
        Matrix::new(2, 6, (0..12).map(|i| i as f32 * 0.3 - 1.0).collect()).unwrap()
    }

    #[test]
    fn a_folded_head_gives_the_same_embeddings() {
        for config in configs() {
            let mut weights = config.init(7);
            for weight in &mut weights {
                let shifted = weight.value.data().iter().enumerate();
                let shifted = shifted
                    .map(|(i, x)| x * 0.5 + (i % 7) as f32 * 0.05)
                    .collect();
                let (rows, columns) = weight.value.dims();
                weight.value = Matrix::new(rows, columns, shifted).unwrap();
            }
            let head = config.build(&weights, |w| Ok(w.value.clone())).unwrap();
            let expected = head.forward(&input(), Mode::Eval).unwrap();
            let found = match head.fold().unwrap() {
                Some(Linear { weight, bias }) => {
                    input().matmul_t(&weight).unwrap().add(&bias).unwrap()
                }
                None => input(),
            };
            for (a, b) in expected.data().iter().zip(found.data()) {
                assert!((a - b).abs() < 1e-5, "{config:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn weights_are_named_in_order_and_seeded() {
        for config in configs() {
            let weights = config.init(1);
            let head = config.build(&weights, |w| Ok(w.value.clone())).unwrap();
            let names: Vec<String> = head
                .parameters()
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            let expected: Vec<String> = weights.iter().map(|w| w.name.clone()).collect();
            assert_eq!(names, expected);
            assert_eq!(config.init(1), weights);
            if matches!(config, HeadConfig::SkipConnection { .. }) {
                assert_ne!(config.init(2), weights);
            }
        }
    }

    #[test]
    fn refuses_weights_that_do_not_fit() {
        let config = HeadConfig::SkipConnection {
            dim: 6,
            layers: 1,
            skip_dropout: 0.0,
        };
        let other = HeadConfig::SkipConnection {
            dim: 5,
            layers: 1,
            skip_dropout: 0.0,
        }
        .init(0);
        let error = config.build(&other, |w| Ok(w.value.clone())).err().unwrap();
        assert!(matches!(error, HeadError::Shape { .. }), "{error}");
        let error = config.build(&[], |w| Ok(w.value.clone())).err().unwrap();
        assert!(matches!(error, HeadError::Missing { .. }), "{error}");
    }

    #[test]
    fn dropout_only_in_training_and_the_same_for_one_seed() {
        let config = HeadConfig::SkipConnection {
            dim: 6,
            layers: 1,
            skip_dropout: 0.5,
        };
        let weights = config.init(3);
        let head = config.build(&weights, |w| Ok(w.value.clone())).unwrap();
        let run = |mode| head.forward(&input(), mode).unwrap();
        assert_eq!(run(Mode::Eval), run(Mode::Eval));
        assert_eq!(run(Mode::Train { seed: 1 }), run(Mode::Train { seed: 1 }));
        assert_ne!(run(Mode::Train { seed: 1 }), run(Mode::Train { seed: 2 }));
    }
}
