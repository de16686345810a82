use super::{GroupLoss, mining::Relation};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{vec, vec::Vec};

/// FastAP: average precision of the batch ranking, made differentiable by a histogram of distances.
///
/// ```text
/// L = 1 − mean over i of 1/Nᵢ⁺ · Σ_l h⁺(i,l)·H⁺(i,l) / H(i,l)
/// h⁺(i,l) = Σ over positives j of max(1 − |d²ᵢⱼ − z_l| / Δ, 0)
/// ```
///
/// `d²ᵢⱼ ∈ [0, 4]` is the squared Euclidean distance of the normalised embeddings, and `z_l = l·Δ` for
/// `l = 0 … bins` with `Δ = 4 / bins`. `H⁺` is the cumulative sum of `h⁺` up to `l`, and `H` the
/// cumulative sum over positives and negatives. Items without positives are ignored. Useful with large
/// batches.
///
/// # Errors
/// [`BatchError::NothingToCompare`] if no two items belong to the same group.
///
/// # Differences from Quaterion
///
/// Values are equal. If the first bins are empty, Quaterion's gradient is NaN (0/0); here it is 0. If
/// there is nothing to compare, Quaterion's value is NaN.
///
/// Sources: Cakir et al., "Deep metric learning to rank", CVPR 2019;
/// `quaterion/loss/fast_ap_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastAp {
    /// Number of histogram bins, at least 1. Default: 10, as suggested in the paper.
    pub bins: usize,
}

impl Default for FastAp {
    fn default() -> Self {
        Self { bins: 10 }
    }
}

/// Lower bound of a cumulative count, below the resolution of single precision near 1; avoids 0/0 in
/// empty bins.
const MIN_COUNT: f32 = 1e-12;

impl<T: Tensor> GroupLoss<T> for FastAp {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let n = embeddings.dims().0;
        let relation = Relation::within(n, groups)?;
        let positives: Vec<usize> = (0..n).map(|i| relation.positives(i).count()).collect();
        let anchors = positives.iter().filter(|&&count| count > 0).count();
        if anchors == 0 {
            return Err(BatchError::NothingToCompare {
                needs: "two items of one group",
            });
        }
        let positive = relation.mask(|i, j| relation.is_positive(i, j));
        let positive = embeddings.constant(&positive, n, n)?;
        let other = embeddings.constant(&relation.mask(|i, j| i != j), n, n)?;
        let unit = embeddings.normalize_rows()?;
        let squares = unit.matmul_t(&unit)?.affine(-2.0, 2.0)?;

        let bins = self.bins.max(1);
        let width = 4.0 / bins as f32;
        let (mut of_positives, mut of_all) = (Vec::new(), Vec::new());
        for bin in 0..=bins {
            let offset = squares.affine(1.0 / width, -(bin as f32))?.abs()?;
            let membership = offset.affine(-1.0, 1.0)?.relu()?;
            of_positives.push(membership.mul(&positive)?.sum_rows()?);
            of_all.push(membership.mul(&other)?.sum_rows()?);
        }
        let edges = bins + 1;
        // Row l has ones up to column l, so multiplying by its transpose gives cumulative sums.
        let mut cumulative = vec![0.0; edges * edges];
        for l in 0..edges {
            cumulative[l * edges..=l * edges + l].fill(1.0);
        }
        let cumulative = embeddings.constant(&cumulative, edges, edges)?;
        let of_positives = T::concat_columns(&of_positives)?;
        let sum_of_positives = of_positives.matmul_t(&cumulative)?;
        let sum_of_all = T::concat_columns(&of_all)?.matmul_t(&cumulative)?;
        let precision = of_positives
            .mul(&sum_of_positives)?
            .div(&sum_of_all.clamp_min(MIN_COUNT)?)?
            .sum_rows()?;
        let weights: Vec<f32> = positives
            .iter()
            .map(|&count| match count {
                0 => 0.0,
                count => 1.0 / (count * anchors) as f32,
            })
            .collect();
        let mean = precision
            .mul(&embeddings.constant(&weights, n, 1)?)?
            .sum()?;
        Ok(mean.affine(-1.0, 1.0)?)
    }
}
