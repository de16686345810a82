use super::{GroupLoss, mining::Relation};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{vec, vec::Vec};

/// FastAP: average precision of ranking the batch by distance to each item, made differentiable by a
/// histogram of distances.
///
/// ```text
/// L = 1 − mean over i of 1/Nᵢ⁺ · Σ_l h⁺(i,l)·H⁺(i,l) / H(i,l)
/// h⁺(i,l) = Σ over positives j of max(1 − |d²ᵢⱼ − z_l| / Δ, 0)
/// ```
///
/// `d²ᵢⱼ ∈ [0, 4]` is the squared Euclidean distance of the normalised embeddings, `z_l = l·Δ` for
/// `l = 0 … bins` with `Δ = 4 / bins`; `H⁺` is the sum of `h⁺` up to `l`, `H` the same of positives
/// and negatives. Items without a positive count nowhere. Needs large batches to be worth it.
///
/// # Errors
/// [`BatchError::NothingToCompare`] when no two items are of one group.
///
/// # Differences from Quaterion
///
/// None in the value. Where nothing lies in the first cells, Quaterion's gradient is not a number
/// (0/0); ours is 0 there. Quaterion's value is not a number either when nothing can be compared.
///
/// Sources: Cakir et al., "Deep metric learning to rank", CVPR 2019;
/// `quaterion/loss/fast_ap_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FastAp {
    /// Cells of the histogram, at least 1; 10 by default, as the paper suggests.
    pub bins: usize,
}

impl Default for FastAp {
    fn default() -> Self {
        Self { bins: 10 }
    }
}

/// Below any share of a cell that single precision can hold beside 1: such a cell is empty.
const EMPTY: f32 = 1e-12;

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
            let away = squares.affine(1.0 / width, -(bin as f32))?.abs()?;
            let share = away.affine(-1.0, 1.0)?.relu()?;
            of_positives.push(share.mul(&positive)?.sum_rows()?);
            of_all.push(share.mul(&other)?.sum_rows()?);
        }
        let cells = bins + 1;
        // Row l has ones up to column l: multiplying by its transpose sums up to each cell.
        let mut up_to = vec![0.0; cells * cells];
        for l in 0..cells {
            up_to[l * cells..=l * cells + l].fill(1.0);
        }
        let up_to = embeddings.constant(&up_to, cells, cells)?;
        let of_positives = T::concat_columns(&of_positives)?;
        let sum_of_positives = of_positives.matmul_t(&up_to)?;
        let sum_of_all = T::concat_columns(&of_all)?.matmul_t(&up_to)?;
        let precision = of_positives
            .mul(&sum_of_positives)?
            .div(&sum_of_all.clamp_min(EMPTY)?)?
            .sum_rows()?;
        let shares: Vec<f32> = positives
            .iter()
            .map(|&count| match count {
                0 => 0.0,
                count => 1.0 / (count * anchors) as f32,
            })
            .collect();
        let mean = precision.mul(&embeddings.constant(&shares, n, 1)?)?.sum()?;
        Ok(mean.affine(-1.0, 1.0)?)
    }
}
