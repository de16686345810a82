#[cfg(doc)]
use super::{
    Activate, Dropout, Empty, Gated, Linear, Residual, Sequential, SkipConnection,
    SoftmaxEmbeddings, Switch,
};
use super::{
    Activation,
    dropout::check_rate,
    sequential::{SEQUENTIAL, STACK, check_chain},
    switch::check_heads,
};
use alloc::{borrow::Cow, boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};

/// Maximum input and output embedding length.
const MAX_DIM: usize = 65_536;

/// Maximum number of layers of a [`SkipConnection`].
const MAX_LAYERS: usize = 1_000;

/// Kind and sizes of a head.
///
/// The JSON form is an object with the kind in snake case, for example
/// `{"kind": "widening", "dim": 384, "factor": 4.0, "activation": "relu"}`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "std",
    serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)
)]
pub enum HeadConfig {
    /// [`Empty`]: the identity.
    Empty {
        /// Embedding length.
        dim: usize,
    },
    /// [`Linear`]: one linear layer.
    Linear {
        /// Input embedding length.
        in_dim: usize,
        /// Output embedding length.
        out_dim: usize,
        /// Whether the layer has a bias. Default: true.
        #[cfg_attr(feature = "std", serde(default = "default_bias"))]
        bias: bool,
    },
    /// [`Activate`]: an element-wise function.
    Activate {
        /// Embedding length.
        dim: usize,
        /// Activation function.
        activation: Activation,
    },
    /// [`Dropout`]: a head with dropout on its input.
    Dropout {
        /// Dropout probability, in `[0, 1)`.
        rate: f32,
        /// Inner head; [`Empty`] for dropout alone.
        head: Box<HeadConfig>,
    },
    /// [`Gated`]: one learned factor per component.
    Gated {
        /// Embedding length.
        dim: usize,
    },
    /// [`SkipConnection`]: the gated head of the Quaterion tutorial.
    SkipConnection {
        /// Embedding length.
        dim: usize,
        /// Number of layers. Default: 1.
        #[cfg_attr(feature = "std", serde(default = "default_layers"))]
        layers: usize,
        /// Dropout probability on the input of the inner linear layers. Default: 0.
        #[cfg_attr(feature = "std", serde(default))]
        skip_dropout: f32,
    },
    /// [`Residual`]: an ungated linear map near the identity.
    Residual {
        /// Embedding length.
        dim: usize,
    },
    /// [`Sequential`]: a composition of heads.
    Sequential {
        /// Heads in order, at least one; the output length of each is the input length of the next.
        parts: Vec<HeadConfig>,
    },
    /// Linear layers with an activation between layers: `y = Wₙ·f(… f(W₁·x + b₁) …) + bₙ`.
    ///
    /// A [`Sequential`] whose weights are named `_stack.<number>.weight` and `_stack.<number>.bias`.
    /// Activations count, so the linear layers have the numbers 0, 2, 4 and so on. Source:
    /// `quaterion_models/heads/stacked_projection_head.py`.
    StackedProjection {
        /// Input embedding length.
        in_dim: usize,
        /// Output length of each layer, at least one.
        out_dims: Vec<usize>,
        /// Activation between layers. Default: `relu`.
        #[cfg_attr(feature = "std", serde(default))]
        activation: Activation,
    },
    /// Two layers, to `⌊factor·dim⌋` and back: `y = W₂·f(W₁·x + b₁) + b₂`.
    ///
    /// Weights are named as in a stacked projection. Source:
    /// `quaterion_models/heads/widening_head.py`.
    Widening {
        /// Embedding length.
        dim: usize,
        /// Ratio of the inner length to `dim`. Default: 4.
        #[cfg_attr(feature = "std", serde(default = "default_widening"))]
        factor: f64,
        /// Activation between the layers. Default: `relu`.
        #[cfg_attr(feature = "std", serde(default))]
        activation: Activation,
    },
    /// [`SoftmaxEmbeddings`]: concatenated probability distributions.
    SoftmaxEmbeddings {
        /// Input embedding length.
        dim: usize,
        /// Number of distributions.
        groups: usize,
        /// Length of each distribution; the output length is `groups · size`.
        size: usize,
    },
    /// [`Switch`]: one head per encoder.
    Switch {
        /// Heads by encoder name, at least one; all have the same input and output length.
        heads: BTreeMap<String, HeadConfig>,
    },
}

#[cfg(feature = "std")]
fn default_bias() -> bool {
    true
}

#[cfg(feature = "std")]
fn default_layers() -> usize {
    1
}

#[cfg(feature = "std")]
fn default_widening() -> f64 {
    4.0
}

impl HeadConfig {
    /// Wraps the head in [`Dropout`] on its input.
    #[must_use]
    pub fn with_dropout(self, rate: f32) -> Self {
        Self::Dropout {
            rate,
            head: Box::new(self),
        }
    }

    /// Input embedding length; 0 for a head without parts, which [`check`](Self::check) rejects.
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

    /// Output embedding length; 0 for a head without parts, which [`check`](Self::check) rejects.
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

    /// Name prefix and parts of a sequential head; `None` for other heads.
    pub(super) fn parts(&self) -> Option<(&'static str, Cow<'_, [Self]>)> {
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

    /// Validates sizes, dropout rates and the lengths of consecutive parts.
    ///
    /// # Errors
    /// A message about the invalid setting: a length that is 0 or above 65,536, a dropout rate
    /// outside `[0, 1)`, no parts, or consecutive parts of different lengths.
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
                if !(1..=MAX_LAYERS).contains(layers) {
                    return Err(format!(
                        "head's number of layers is {layers}; use 1 to 1,000"
                    ));
                }
                Ok(())
            }
            Self::Widening { dim, factor, .. } => {
                check_size("length", *dim)?;
                let wide = *dim as f64 * factor;
                if !(wide >= 1.0 && wide < (MAX_DIM + 1) as f64) {
                    return Err(format!(
                        "head's widening factor is {factor}; factor × {dim} must be 1 to 65,536"
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
            Self::StackedProjection { out_dims, .. } if out_dims.is_empty() => {
                Err("stacked projection has no layers; set at least one output length".into())
            }
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
}

/// Linear layers with an activation between layers.
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
    if (1..=MAX_DIM).contains(&size) {
        return Ok(());
    }
    Err(format!("head's {name} is {size}; use 1 to 65,536"))
}
