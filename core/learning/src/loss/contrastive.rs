use super::{PairLoss, mining::FAR, split_pairs};
use crate::{
    distance::{Distance, DistanceKind},
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Contrastive loss: pulls pairs with score 1 together and pushes pairs with score 0 apart up to a
/// margin.
///
/// ```text
/// L = mean over pairs of ½·(y·d² + (1 − y)·max(m − d, 0)²)
///     + max(m − nₐ, 0)² + max(m − n_b, 0)²     only if the batch has more than one subgroup
/// ```
///
/// `d` is the row-wise distance of a pair, `y` its score and `m` the margin; `nₐ` and `n_b` are the
/// *matrix* distances of its two sides to the nearest embedding of another subgroup. With
/// [`Cosine`](crate::distance::Cosine), row-wise and matrix distances have different scales (`1 − cos`
/// and `(1 − cos)/2`), as in Quaterion.
///
/// Sources: Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping",
/// CVPR 2006; `quaterion/loss/contrastive_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrastive<D = DistanceKind> {
    /// Distance between embeddings. Default: cosine.
    pub distance: D,
    /// Distance beyond which pairs with score 0 have no effect. Default: 0.5.
    pub margin: f32,
    /// Whether to average over pairs instead of summing. Default: true.
    pub average: bool,
}

impl Default for Contrastive {
    fn default() -> Self {
        Self {
            distance: DistanceKind::Cosine,
            margin: 0.5,
            average: true,
        }
    }
}

impl<D> Contrastive<D> {
    /// `max(m − d, 0)²`.
    fn margin_violation<T: Tensor>(&self, distance: &T) -> Result<T, T::Error> {
        let violation = distance.affine(-1.0, self.margin)?.relu()?;
        violation.mul(&violation)
    }
}

impl<T: Tensor, D: Distance<T>> PairLoss<T> for Contrastive<D> {
    fn forward(&self, embeddings: &T, targets: &PairTargets) -> Result<T, BatchError<T::Error>> {
        let (a, b) = split_pairs(embeddings, targets)?;
        let n = targets.len();
        let d = self.distance.distance(&a, &b)?;
        let y = d.constant(&targets.scores, n, 1)?;
        let positive = d.mul(&d)?.mul(&y)?;
        let negative = self.margin_violation(&d)?.mul(&y.affine(-1.0, 1.0)?)?;
        let mut total = positive.add(&negative)?.affine(0.5, 0.0)?.sum()?;

        if targets.subgroups.windows(2).any(|two| two[0] != two[1]) {
            let groups: Vec<u64> = targets
                .subgroups
                .iter()
                .chain(&targets.subgroups)
                .copied()
                .collect();
            let same: Vec<f32> = groups
                .iter()
                .flat_map(|x| groups.iter().map(move |y| if x == y { FAR } else { 0.0 }))
                .collect();
            let matrix = self.distance.distance_matrix(embeddings, embeddings)?;
            let others = matrix.add(&matrix.constant(&same, 2 * n, 2 * n)?)?;
            let nearest = others.affine(-1.0, 0.0)?.max_rows()?.affine(-1.0, 0.0)?;
            total = total.add(&self.margin_violation(&nearest)?.sum()?)?;
        }
        Ok(if self.average {
            total.affine(1.0 / n as f32, 0.0)?
        } else {
            total
        })
    }
}
