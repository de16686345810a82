use super::{Folded, Head, HeadError, Linear, Mode, Take, WeightSpec, linear, prefixed};
use crate::tensor::Tensor;
use alloc::{string::String, vec::Vec};

const PREFIX: &str = "projection_layer.";

/// Several probability distributions side by side: `y = [softmax(z₁) … softmax(z_groups)]`, where
/// `[z₁ … z_groups] = x·Wᵀ + b`.
///
/// `W` is `[groups·size, in_dim]`, `b` is `[1, groups·size]`; both start uniform in ±1/√in_dim. How
/// far a group is from even tells how sure the head is of it. Weights are named
/// `projection_layer.weight` and `projection_layer.bias`. A softmax looks at several numbers at
/// once, which no activation of a dense layer does, so this head does not fold. Source:
/// `quaterion_models/heads/softmax_head.py`.
#[derive(Clone, Debug)]
pub struct SoftmaxEmbeddings<T> {
    groups: usize,
    size: usize,
    projection: Linear<T>,
}

pub(super) fn specs(dim: usize, groups: usize, size: usize) -> Vec<WeightSpec> {
    let specs = linear::specs(dim, groups.saturating_mul(size), true);
    prefixed(PREFIX, specs)
}

impl<T: Tensor> SoftmaxEmbeddings<T> {
    pub(super) fn build(
        dim: usize,
        groups: usize,
        size: usize,
        take: Take<'_, T>,
    ) -> Result<Self, HeadError<T::Error>> {
        let mut take = |name: &str| take(&alloc::format!("{PREFIX}{name}"));
        Ok(Self {
            groups,
            size,
            projection: Linear::build(dim, groups * size, true, &mut take)?,
        })
    }
}

/// `softmax` of each row, computed around the row's maximum.
fn softmax_rows<T: Tensor>(z: &T) -> Result<T, T::Error> {
    let parts = z.sub(&z.max_rows()?.detach())?.exp()?;
    parts.div(&parts.sum_rows()?)
}

impl<T: Tensor> Head<T> for SoftmaxEmbeddings<T> {
    fn in_dim(&self) -> usize {
        Head::<T>::in_dim(&self.projection)
    }

    fn out_dim(&self) -> usize {
        self.groups * self.size
    }

    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>> {
        // Columns are picked as rows of the transpose.
        let columns = self.projection.forward(x, mode)?.transpose()?;
        let groups: Vec<T> = (0..self.groups)
            .map(|group| {
                let first = group * self.size;
                let of_group: Vec<u32> = (first..first + self.size)
                    .map(|column| column as u32)
                    .collect();
                softmax_rows(&columns.select_rows(&of_group)?.transpose()?)
            })
            .collect::<Result<_, T::Error>>()?;
        Ok(T::concat_columns(&groups)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        let named = self.projection.parameters().into_iter();
        named
            .map(|(name, weight)| (alloc::format!("{PREFIX}{name}"), weight))
            .collect()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        Ok(Folded::Impossible(
            "a softmax within groups is no activation that a dense layer has".into(),
        ))
    }
}
