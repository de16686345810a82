use super::{
    GroupLoss, MemoryLoss,
    mining::{Relation, largest, pick, smallest},
};
use crate::{
    distance::{Distance, DistanceKind},
    sample::BatchError,
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Which pairs of a batch an [`OnlineContrastive`] loss learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum PairMining {
    /// Every pair.
    All,
    /// For each item its farthest positive and nearest negative; the default.
    #[default]
    Hard,
}

/// Contrastive loss over all pairs that a batch of groups holds, made on the fly.
///
/// ```text
/// L = ½·(mean over positives of d + mean over negatives of max(m − d, 0))
/// ```
///
/// `d` are matrix distances, `m` the margin. Mining `All` takes the means over all ordered pairs of
/// two items of one group, and of two groups. Mining `Hard` takes for each item only the farthest
/// positive and the nearest negative, where it has one. A mean over nothing is 0. With
/// [`squared`](Self::squared) both terms are squared, as in the paper; Quaterion's are not.
///
/// # Errors
/// [`BatchError::NothingToCompare`] when there is neither a positive nor a negative: a single item.
///
/// # Differences from Quaterion
///
/// Quaterion takes every entry of the distance matrix that is no positive for a negative, the
/// diagonal included. So the nearest negative of an item is the item itself, at distance 0: mining
/// `Hard` adds the constant `m/2` whatever the negatives are and learns nothing from them; mining
/// `All` dilutes them. It also divides the sum of the farthest positives by how many are not 0.
/// `compat` computes both. (Quaterion's backward pass fails with the Euclidean distance, whose
/// matrix it overwrites; ours has a gradient there.)
///
/// Sources: Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping",
/// CVPR 2006; `quaterion/loss/online_contrastive_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnlineContrastive<D = DistanceKind> {
    /// How far apart two embeddings are; cosine by default.
    pub distance: D,
    /// Negatives beyond this distance are left alone; 0.5 by default.
    pub margin: f32,
    /// Which pairs count; hard by default.
    pub mining: PairMining,
    /// Whether both terms are squared, as in the paper; off by default, as in Quaterion.
    pub squared: bool,
    /// Whether to compute what Quaterion does where that differs, see above; off by default.
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
    fn power<T: Tensor>(&self, x: T) -> Result<T, T::Error> {
        if self.squared { x.mul(&x) } else { Ok(x) }
    }

    fn within_margin<T: Tensor>(&self, d: &T) -> Result<T, T::Error> {
        self.power(d.affine(-1.0, self.margin)?.relu()?)
    }

    fn of_distances<T: Tensor>(
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
                    self.power(d.mul(&d.constant(&positive, n, m)?)?)?,
                    self.within_margin(d)?.mul(&d.constant(&negative, n, m)?)?,
                )
            }
            PairMining::Hard => {
                let values = d.to_vec()?;
                let rows = || values.chunks(m).enumerate();
                let positive: Vec<Option<usize>> = rows()
                    .map(|(i, row)| {
                        largest(row, relation.positives(i)).filter(|&p| {
                            // Quaterion's largest of positives and zeros.
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
                    self.power(pick(d, positive)?)?,
                    self.within_margin(&pick(d, negative)?)?
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
        let relation = Relation::within(embeddings.dims().0, groups)?;
        let d = self.distance.distance_matrix(embeddings, embeddings)?;
        self.of_distances(&d, &relation)
    }
}

/// The same formula with all positives and negatives in the memory; Quaterion has none.
impl<T: Tensor, D: Distance<T>> MemoryLoss<T> for OnlineContrastive<D> {
    fn forward_memory(
        &self,
        embeddings: &T,
        groups: &[u64],
        memory: &T,
        memory_groups: &[u64],
    ) -> Result<T, BatchError<T::Error>> {
        let counts = (embeddings.dims().0, memory.dims().0);
        let relation = Relation::across(counts, groups, memory_groups)?;
        let d = self.distance.distance_matrix(embeddings, memory)?;
        self.of_distances(&d, &relation)
    }
}
