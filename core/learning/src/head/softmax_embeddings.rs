use super::{Folded, Head, HeadError, Linear, Mode, Take, WeightSpec, linear, prefixed};
use crate::tensor::Tensor;
use alloc::{string::String, vec::Vec};

const PREFIX: &str = "projection_layer.";

/// Concatenated probability distributions: `y = [softmax(z₁) … softmax(z_groups)]` with
/// `[z₁ … z_groups] = x·Wᵀ + b`.
///
/// `W` is `[groups·size, in_dim]` and `b` is `[1, groups·size]`, both initialised uniformly in
/// ±`1/√in_dim` and named `projection_layer.weight` and `projection_layer.bias`. The peakedness of a
/// group expresses the head's confidence. The head isn't foldable, because a softmax depends on
/// several elements while the activation of a dense layer is element-wise. Source:
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

/// Softmax of each row; the maximum is subtracted first to avoid overflow.
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
        // `Tensor` selects rows only, so columns are selected from the transpose.
        let transposed = self.projection.forward(x, mode)?.transpose()?;
        let groups: Vec<T> = (0..self.groups)
            .map(|group| {
                let first = group * self.size;
                let columns: Vec<u32> = (first..first + self.size)
                    .map(|column| column as u32)
                    .collect();
                softmax_rows(&transposed.select_rows(&columns)?.transpose()?)
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
            "the activation of a dense layer can't express a softmax over groups".into(),
        ))
    }
}
