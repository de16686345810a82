use super::{
    Activate, Activation, Dropout, Empty, Gated, Head, HeadError, Linear, Residual, Sequential,
    SkipConnection, SoftmaxEmbeddings, Switch, Take, Weight, WeightSpec, Weights,
    dropout::check_rate,
    gated, linear, prefixed, residual,
    sequential::{SEQUENTIAL, STACK, check_chain},
    skip_connection, softmax_embeddings,
    switch::check_heads,
    weights,
};
use crate::tensor::Tensor;
use alloc::{
    borrow::Cow, borrow::ToOwned as _, boxed::Box, collections::BTreeMap, format, string::String,
    vec::Vec,
};

/// Longest embedding a head may take or give.
const LONGEST: usize = 65_536;

/// Most layers of a [`SkipConnection`].
const MOST_LAYERS: usize = 1_000;

/// Which head, and its sizes: plain data.
///
/// In JSON it is an object whose `kind` is the name in snake case, for example
/// `{"kind": "widening", "dim": 384, "factor": 4.0, "activation": "relu"}`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "std",
    serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)
)]
pub enum HeadConfig {
    /// [`Empty`]: changes nothing.
    Empty {
        /// Length of an embedding.
        dim: usize,
    },
    /// [`Linear`]: one linear layer.
    Linear {
        /// Length of an embedding that goes in.
        in_dim: usize,
        /// Length of an embedding that comes out.
        out_dim: usize,
        /// Whether there is a bias; there is by default.
        #[cfg_attr(feature = "std", serde(default = "bias"))]
        bias: bool,
    },
    /// [`Activate`]: a function of each number.
    Activate {
        /// Length of an embedding.
        dim: usize,
        /// The function.
        activation: Activation,
    },
    /// [`Dropout`]: a head behind dropout on its input.
    Dropout {
        /// Share of the input that is dropped in training, at least 0 and below 1.
        rate: f32,
        /// The head that gets the rest; [`Empty`] for dropout alone.
        head: Box<HeadConfig>,
    },
    /// [`Gated`]: weakens, mutes or turns round single components.
    Gated {
        /// Length of an embedding.
        dim: usize,
    },
    /// [`SkipConnection`]: the tutorial's gated head.
    SkipConnection {
        /// Length of an embedding.
        dim: usize,
        /// Number of layers; 1 by default.
        #[cfg_attr(feature = "std", serde(default = "one"))]
        layers: usize,
        /// Share of the inner linear layer's inputs that are dropped in training; 0 by default.
        #[cfg_attr(feature = "std", serde(default))]
        skip_dropout: f32,
    },
    /// [`Residual`]: an ungated linear map near the identity.
    Residual {
        /// Length of an embedding.
        dim: usize,
    },
    /// [`Sequential`]: heads one after another.
    Sequential {
        /// The heads, at least one; each takes what the one before it gives.
        parts: Vec<HeadConfig>,
    },
    /// Linear layers with an activation between two of them and none behind the last:
    /// `y = Wₙ·f(… f(W₁·x + b₁) …) + bₙ`.
    ///
    /// A [`Sequential`] whose weights are named `_stack.<number>.weight` and `_stack.<number>.bias`,
    /// activations counted: 0, 2, 4 and so on. Source:
    /// `quaterion_models/heads/stacked_projection_head.py`.
    StackedProjection {
        /// Length of an embedding that goes in.
        in_dim: usize,
        /// What each layer gives, at least one; the last is the length that comes out.
        out_dims: Vec<usize>,
        /// The function between two layers; `relu` by default.
        #[cfg_attr(feature = "std", serde(default))]
        activation: Activation,
    },
    /// A stack of two layers, to `⌊factor·dim⌋` and back: `y = W₂·f(W₁·x + b₁) + b₂`.
    ///
    /// Weights are named as those of a stacked projection. Source:
    /// `quaterion_models/heads/widening_head.py`.
    Widening {
        /// Length of an embedding.
        dim: usize,
        /// How many times wider it is between the layers; 4 by default.
        #[cfg_attr(feature = "std", serde(default = "four"))]
        factor: f64,
        /// The function between the layers; `relu` by default.
        #[cfg_attr(feature = "std", serde(default))]
        activation: Activation,
    },
    /// [`SoftmaxEmbeddings`]: several probability distributions side by side.
    SoftmaxEmbeddings {
        /// Length of an embedding that goes in.
        dim: usize,
        /// Number of distributions.
        groups: usize,
        /// Length of each; `groups · size` comes out.
        size: usize,
    },
    /// [`Switch`]: a head for each encoder.
    Switch {
        /// The heads, at least one, by the names of their encoders; all of the same lengths.
        heads: BTreeMap<String, HeadConfig>,
    },
}

#[cfg(feature = "std")]
fn bias() -> bool {
    true
}

#[cfg(feature = "std")]
fn one() -> usize {
    1
}

#[cfg(feature = "std")]
fn four() -> f64 {
    4.0
}

impl HeadConfig {
    /// This head behind dropout on its input.
    #[must_use]
    pub fn with_dropout(self, rate: f32) -> Self {
        Self::Dropout {
            rate,
            head: Box::new(self),
        }
    }

    /// Length of an embedding that goes in; 0 for a head without parts, which
    /// [`check`](Self::check) refuses.
    #[must_use]
    pub fn in_dim(&self) -> usize {
        match self {
            Self::Empty { dim }
            | Self::Activate { dim, .. }
            | Self::Gated { dim }
            | Self::SkipConnection { dim, .. }
            | Self::Residual { dim }
            | Self::Widening { dim, .. }
            | Self::SoftmaxEmbeddings { dim, .. } => *dim,
            Self::Linear { in_dim, .. } | Self::StackedProjection { in_dim, .. } => *in_dim,
            Self::Dropout { head, .. } => head.in_dim(),
            Self::Sequential { parts } => parts.first().map_or(0, Self::in_dim),
            Self::Switch { heads } => heads.values().next().map_or(0, Self::in_dim),
        }
    }

    /// Length of an embedding that comes out; 0 for a head without parts, which
    /// [`check`](Self::check) refuses.
    #[must_use]
    pub fn out_dim(&self) -> usize {
        match self {
            Self::Empty { dim }
            | Self::Activate { dim, .. }
            | Self::Gated { dim }
            | Self::SkipConnection { dim, .. }
            | Self::Residual { dim }
            | Self::Widening { dim, .. } => *dim,
            Self::Linear { out_dim, .. } => *out_dim,
            Self::Dropout { head, .. } => head.out_dim(),
            Self::Sequential { parts } => parts.last().map_or(0, Self::out_dim),
            Self::StackedProjection { out_dims, .. } => out_dims.last().copied().unwrap_or(0),
            Self::SoftmaxEmbeddings { groups, size, .. } => groups.saturating_mul(*size),
            Self::Switch { heads } => heads.values().next().map_or(0, Self::out_dim),
        }
    }

    /// The parts of a head that is a sequence, and the first part of their weights' names.
    fn parts(&self) -> Option<(&'static str, Cow<'_, [Self]>)> {
        match self {
            Self::Sequential { parts } => Some((SEQUENTIAL, Cow::Borrowed(parts))),
            Self::StackedProjection {
                in_dim,
                out_dims,
                activation,
            } => Some((STACK, Cow::Owned(stack(*in_dim, out_dims, *activation)))),
            &Self::Widening {
                dim,
                factor,
                activation,
            } => {
                let wide = (dim as f64 * factor) as usize;
                Some((STACK, Cow::Owned(stack(dim, &[wide, dim], activation))))
            }
            _ => None,
        }
    }

    /// Checks that the head can work.
    ///
    /// # Errors
    /// A sentence that names what cannot: a length that is 0 or above 65,536, dropout outside
    /// `[0, 1)`, no parts, or parts that do not follow on.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Empty { dim }
            | Self::Activate { dim, .. }
            | Self::Gated { dim }
            | Self::Residual { dim } => check_size("length", *dim),
            Self::Linear {
                in_dim, out_dim, ..
            } => {
                check_size("input length", *in_dim)?;
                check_size("output length", *out_dim)
            }
            Self::Dropout { rate, head } => {
                check_rate(*rate)?;
                head.check()
            }
            Self::SkipConnection {
                dim,
                layers,
                skip_dropout,
            } => {
                check_size("length", *dim)?;
                check_rate(*skip_dropout)?;
                if !(1..=MOST_LAYERS).contains(layers) {
                    return Err(format!(
                        "a head's number of layers is {layers}; it must be from 1 to 1,000"
                    ));
                }
                Ok(())
            }
            Self::Widening { dim, factor, .. } => {
                check_size("length", *dim)?;
                let wide = *dim as f64 * factor;
                if !(wide >= 1.0 && wide < (LONGEST + 1) as f64) {
                    return Err(format!(
                        "a head's widening factor is {factor}; times {dim} it must be from 1 to \
                         65,536"
                    ));
                }
                Ok(())
            }
            Self::SoftmaxEmbeddings { dim, groups, size } => {
                check_size("length", *dim)?;
                check_size("number of groups", *groups)?;
                check_size("size of a group", *size)?;
                check_size("output length", groups.saturating_mul(*size))
            }
            Self::StackedProjection { out_dims, .. } if out_dims.is_empty() => Err(
                "a stacked projection has no layers; give the output length of at least one".into(),
            ),
            Self::Sequential { .. } | Self::StackedProjection { .. } => {
                let (_, parts) = self.parts().unwrap_or_default();
                parts.iter().try_for_each(Self::check)?;
                check_chain(parts.iter().map(|part| (part.in_dim(), part.out_dim())))
            }
            Self::Switch { heads } => {
                heads.values().try_for_each(Self::check)?;
                let heads = heads.iter();
                check_heads(heads.map(|(name, head)| {
                    let name = name.as_str();
                    (name, head.in_dim(), head.out_dim())
                }))
            }
        }
    }

    /// The weights that the head asks for, in the order of [`Head::parameters`]. Of use only for a
    /// configuration that [`check`](Self::check) accepts.
    #[must_use]
    pub fn specs(&self) -> Vec<WeightSpec> {
        match *self {
            Self::Empty { .. } | Self::Activate { .. } => Vec::new(),
            Self::Linear {
                in_dim,
                out_dim,
                bias,
            } => linear::specs(in_dim, out_dim, bias),
            Self::Dropout { ref head, .. } => head.specs(),
            Self::Gated { dim } => gated::specs(dim),
            Self::SkipConnection { dim, layers, .. } => skip_connection::specs(dim, layers),
            Self::Residual { dim } => residual::specs(dim),
            Self::SoftmaxEmbeddings { dim, groups, size } => {
                softmax_embeddings::specs(dim, groups, size)
            }
            Self::Sequential { .. } | Self::StackedProjection { .. } | Self::Widening { .. } => {
                let (prefix, parts) = self.parts().unwrap_or_default();
                let parts = parts.iter().enumerate();
                parts
                    .flat_map(|(number, part)| {
                        prefixed(&format!("{prefix}.{number}."), part.specs())
                    })
                    .collect()
            }
            Self::Switch { ref heads } => heads
                .iter()
                .flat_map(|(name, head)| prefixed(&format!("{name}."), head.specs()))
                .collect(),
        }
    }

    /// Fresh weights, the same for the same seed on every platform. Of use only for a configuration
    /// that [`check`](Self::check) accepts.
    #[must_use]
    pub fn init(&self, seed: u64) -> Weights {
        let mut random = fastrand::Rng::with_seed(seed);
        let specs = self.specs();
        specs.iter().map(|spec| spec.draw(&mut random)).collect()
    }

    /// Checks that these are the head's weights: each once, in its shape, and no other.
    ///
    /// # Errors
    /// For the first that is missing, of another shape or too many.
    pub fn check_weights<E>(&self, weights: &[Weight]) -> Result<(), HeadError<E>> {
        weights::check(&self.specs(), weights)
    }

    /// The head made of these weights; `place` puts each on the tensor library, for example as a
    /// variable with gradient, in the order of [`specs`](Self::specs).
    ///
    /// # Errors
    /// When the configuration cannot work, or a weight is missing, too many, of the wrong shape or
    /// cannot be placed.
    pub fn build<T: Tensor>(
        &self,
        weights: &[Weight],
        mut place: impl FnMut(&Weight) -> Result<T, T::Error>,
    ) -> Result<Box<dyn Head<T>>, HeadError<T::Error>> {
        self.check().map_err(HeadError::Config)?;
        self.check_weights(weights)?;
        self.assemble(&mut |name| {
            let weight = weights.iter().find(|weight| weight.name == name);
            let weight = weight.ok_or_else(|| HeadError::Missing { name: name.into() })?;
            Ok(place(weight)?)
        })
    }

    fn assemble<T: Tensor>(
        &self,
        take: Take<'_, T>,
    ) -> Result<Box<dyn Head<T>>, HeadError<T::Error>> {
        let part = |prefix: String, part: &Self, take: Take<'_, T>| {
            part.assemble(&mut |name| take(&format!("{prefix}{name}")))
        };
        Ok(match *self {
            Self::Empty { dim } => Box::new(Empty::new(dim)),
            Self::Linear {
                in_dim,
                out_dim,
                bias,
            } => Box::new(Linear::build(in_dim, out_dim, bias, take)?),
            Self::Activate { dim, activation } => Box::new(Activate::new(dim, activation)),
            Self::Dropout { rate, ref head } => Box::new(Dropout::new(rate, head.assemble(take)?)?),
            Self::Gated { dim } => Box::new(Gated::build(dim, take)?),
            Self::SkipConnection {
                dim,
                layers,
                skip_dropout,
            } => Box::new(SkipConnection::build(dim, layers, skip_dropout, take)?),
            Self::Residual { dim } => Box::new(Residual::build(dim, take)?),
            Self::SoftmaxEmbeddings { dim, groups, size } => {
                Box::new(SoftmaxEmbeddings::build(dim, groups, size, take)?)
            }
            Self::Sequential { .. } | Self::StackedProjection { .. } | Self::Widening { .. } => {
                let (prefix, parts) = self.parts().unwrap_or_default();
                let parts = parts.iter().enumerate();
                let parts = parts
                    .map(|(number, config)| part(format!("{prefix}.{number}."), config, take))
                    .collect::<Result<_, _>>()?;
                Box::new(Sequential::named(prefix, parts))
            }
            Self::Switch { ref heads } => {
                let heads = heads
                    .iter()
                    .map(|(name, head)| {
                        Ok((name.to_owned(), part(format!("{name}."), head, take)?))
                    })
                    .collect::<Result<_, HeadError<T::Error>>>()?;
                Box::new(Switch::new(heads)?)
            }
        })
    }
}

/// Linear layers with an activation between two of them.
fn stack(in_dim: usize, out_dims: &[usize], activation: Activation) -> Vec<HeadConfig> {
    let mut parts = Vec::new();
    let mut last = in_dim;
    for &out_dim in out_dims {
        if !parts.is_empty() {
            parts.push(HeadConfig::Activate {
                dim: last,
                activation,
            });
        }
        parts.push(HeadConfig::Linear {
            in_dim: last,
            out_dim,
            bias: true,
        });
        last = out_dim;
    }
    parts
}

fn check_size(name: &str, size: usize) -> Result<(), String> {
    if (1..=LONGEST).contains(&size) {
        return Ok(());
    }
    Err(format!(
        "a head's {name} is {size}; it must be from 1 to 65,536"
    ))
}
