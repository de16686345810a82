//! Weights and construction of the head that a [`HeadConfig`] describes.

use super::{
    Activate, Dropout, Empty, Gated, Head, HeadConfig, HeadError, Linear, Residual, Sequential,
    SkipConnection, SoftmaxEmbeddings, Switch, Take, Weight, WeightSpec, Weights, gated, linear,
    prefixed, residual, skip_connection, softmax_embeddings, weights,
};
use crate::tensor::Tensor;
use alloc::{borrow::ToOwned as _, boxed::Box, format, vec::Vec};

impl HeadConfig {
    /// Specifications of the head's weights, in the order of [`Head::parameters`]. Meaningful only
    /// for a configuration that passes [`check`](Self::check).
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

    /// Creates initial weights, identical for the same seed on every platform. Meaningful only for a
    /// configuration that passes [`check`](Self::check).
    #[must_use]
    pub fn init(&self, seed: u64) -> Weights {
        let mut random = fastrand::Rng::with_seed(seed);
        let specs = self.specs();
        specs.iter().map(|spec| spec.draw(&mut random)).collect()
    }

    /// Checks that `weights` holds each weight of the head once, in its shape, and no other.
    ///
    /// # Errors
    /// For the first missing, misshapen, unknown or repeated weight.
    pub fn check_weights<E>(&self, weights: &[Weight]) -> Result<(), HeadError<E>> {
        weights::check(&self.specs(), weights)
    }

    /// Builds the head from `weights`.
    ///
    /// `to_tensor` converts each weight to a tensor of the back end, for example to a variable with
    /// gradient. It is called once per weight, in the order of [`specs`](Self::specs).
    ///
    /// # Errors
    /// If the configuration is invalid, a weight is missing, misshapen, unknown or repeated, or
    /// `to_tensor` fails.
    pub fn build<T: Tensor>(
        &self,
        weights: &[Weight],
        mut to_tensor: impl FnMut(&Weight) -> Result<T, T::Error>,
    ) -> Result<Box<dyn Head<T>>, HeadError<T::Error>> {
        self.check().map_err(HeadError::Config)?;
        self.check_weights(weights)?;
        self.assemble(&mut |name| {
            let weight = weights.iter().find(|weight| weight.name == name);
            let weight = weight.ok_or_else(|| HeadError::Missing { name: name.into() })?;
            Ok(to_tensor(weight)?)
        })
    }

    /// Builds the head from weights named `<prefix><name>`.
    fn build_part<T: Tensor>(
        &self,
        prefix: &str,
        take: Take<'_, T>,
    ) -> Result<Box<dyn Head<T>>, HeadError<T::Error>> {
        self.assemble(&mut |name| take(&format!("{prefix}{name}")))
    }

    fn assemble<T: Tensor>(
        &self,
        take: Take<'_, T>,
    ) -> Result<Box<dyn Head<T>>, HeadError<T::Error>> {
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
                let parts = parts
                    .iter()
                    .enumerate()
                    .map(|(number, part)| part.build_part(&format!("{prefix}.{number}."), take))
                    .collect::<Result<_, _>>()?;
                Box::new(Sequential::with_prefix(prefix, parts))
            }
            Self::Switch { ref heads } => {
                let heads = heads
                    .iter()
                    .map(|(name, head)| {
                        let head = head.build_part(&format!("{name}."), take)?;
                        Ok((name.to_owned(), head))
                    })
                    .collect::<Result<_, HeadError<T::Error>>>()?;
                Box::new(Switch::new(heads)?)
            }
        })
    }
}
