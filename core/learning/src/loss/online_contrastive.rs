use super::{
    GroupLoss, MemoryLoss,
    mining::{Relation, batch_distances, largest, memory_distances, select_one_per_row, smallest},
};
use crate::{
    distance::{Distance, DistanceKind},
    sample::BatchError,
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Selection of the pairs in an [`OnlineContrastive`] loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum PairMining {
    /// All pairs.
    All,
    /// The farthest positive and the nearest negative of each item. The default.
    #[default]
    Hard,
}

/// Contrastive loss over the pairs within a batch of groups.
///
/// ```text
/// L = ½·(mean over positives of d + mean over negatives of max(m − d, 0))
/// ```
///
/// `d` are entries of the distance matrix, `m` is the margin. Mining `All` averages over all ordered
/// pairs of items, of the same group and of different groups. Mining `Hard` uses only the farthest
/// positive and the nearest negative of each item, if it has any. An empty mean is 0. With
/// [`squared`](Self::squared) both terms are squared, as in the paper but not in Quaterion.
///
/// # Errors
/// [`BatchError::NothingToCompare`] for a single item, which has neither positives nor negatives.
///
/// # Differences from Quaterion
///
/// Quaterion treats every entry of the distance matrix that isn't a positive as a negative, including
/// the diagonal. The nearest negative of an item is then the item itself, at distance 0: mining `Hard`
/// adds the constant `m/2` and ignores the negatives, and mining `All` dilutes them. Quaterion also
/// divides the sum of the farthest positives by the number of nonzero ones. `compat` reproduces both.
/// Quaterion's backward pass fails for the Euclidean distance, whose matrix it overwrites; here it has
/// a gradient.
///
/// Sources: Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping",
/// CVPR 2006; `quaterion/loss/online_contrastive_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineContrastive<D = DistanceKind> {
    /// Distance between embeddings. Default: cosine.
    pub distance: D,
    /// Distance beyond which negatives have no effect. Default: 0.5.
    pub margin: f32,
    /// Selection of the pairs. Default: hard.
    pub mining: PairMining,
    /// Whether to square both terms, as in the paper. Default: false, as in Quaterion.
    pub squared: bool,
    /// Whether to use Quaterion's formula; see above. Default: false.
    pub compat: bool,
}

impl Default for OnlineContrastive {
    fn default() -> Self {
        Self {
            distance: DistanceKind::Cosine,
            margin: 0.5,
            mining: PairMining::Hard,
            squared: false,
            compat: false,
        }
    }
}

impl<D> OnlineContrastive<D> {
    fn square_if_set<T: Tensor>(&self, x: T) -> Result<T, T::Error> {
        if self.squared { x.mul(&x) } else { Ok(x) }
    }

    /// `max(m − d, 0)`, squared if set.
    fn margin_violation<T: Tensor>(&self, d: &T) -> Result<T, T::Error> {
        self.square_if_set(d.affine(-1.0, self.margin)?.relu()?)
    }

    fn forward_distances<T: Tensor>(
        &self,
        d: &T,
        relation: &Relation,
    ) -> Result<T, BatchError<T::Error>> {
        let is_negative = |row: usize, column: usize| {
            if self.compat {
                !relation.is_positive(row, column)
            } else {
                relation.is_negative(row, column)
            }
        };
        let (n, m) = relation.dims();
        let (positives, negatives);
        let (pulled, pushed) = match self.mining {
            PairMining::All => {
                let positive = relation.mask(|row, column| relation.is_positive(row, column));
                let negative = relation.mask(is_negative);
                positives = positive.iter().filter(|&&x| x > 0.0).count();
                negatives = negative.iter().filter(|&&x| x > 0.0).count();
                (
                    self.square_if_set(d.mul(&d.constant(&positive, n, m)?)?)?,
                    self.margin_violation(d)?
                        .mul(&d.constant(&negative, n, m)?)?,
                )
            }
            PairMining::Hard => {
                let values = d.to_vec()?;
                let rows = || values.chunks(m).enumerate();
                let positive: Vec<Option<usize>> = rows()
                    .map(|(i, row)| {
                        largest(row, relation.positives(i)).filter(|&p| {
                            // Quaterion takes the largest of positives and zeros.
                            !self.compat || row[p] > 0.0
                        })
                    })
                    .collect();
                let negative: Vec<Option<usize>> = rows()
                    .map(|(i, row)| smallest(row, (0..m).filter(|&j| is_negative(i, j))))
                    .collect();
                let present: Vec<f32> = negative
                    .iter()
                    .map(|negative| f32::from(negative.is_some()))
                    .collect();
                positives = positive.iter().flatten().count();
                negatives = negative.iter().flatten().count();
                (
                    self.square_if_set(select_one_per_row(d, positive)?)?,
                    self.margin_violation(&select_one_per_row(d, negative)?)?
                        .mul(&d.constant(&present, n, 1)?)?,
                )
            }
        };
        if positives + negatives == 0 {
            return Err(BatchError::NothingToCompare { needs: "two items" });
        }
        let pulled = pulled.sum()?.affine(0.5 / positives.max(1) as f32, 0.0)?;
        let pushed = pushed.sum()?.affine(0.5 / negatives.max(1) as f32, 0.0)?;
        Ok(pulled.add(&pushed)?)
    }
}

impl<T: Tensor, D: Distance<T>> GroupLoss<T> for OnlineContrastive<D> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let (d, relation) = batch_distances(&self.distance, embeddings, groups)?;
        self.forward_distances(&d, &relation)
    }
}

/// Applies the formula to positives and negatives in the memory. Quaterion has no counterpart.
impl<T: Tensor, D: Distance<T>> MemoryLoss<T> for OnlineContrastive<D> {
    fn forward_memory(
        &self,
        embeddings: &T,
        groups: &[u64],
        memory: &T,
        memory_groups: &[u64],
    ) -> Result<T, BatchError<T::Error>> {
        let (d, relation) = memory_distances(
            &self.distance,
            (embeddings, groups),
            (memory, memory_groups),
        )?;
        self.forward_distances(&d, &relation)
    }
}
