use super::{PairLoss, split_pairs};
use crate::{
    distance::{Distance, DistanceKind},
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// Multiple negatives ranking loss: each anchor must rank its own positive above those of other pairs.
///
/// ```text
/// L = mean over i of −ln( exp(s·S(aᵢ, bᵢ)) / Σⱼ exp(s·S(aᵢ, bⱼ)) )
/// ```
///
/// `S` is the similarity matrix of the distance and `s` the scale; the `bⱼ` of the other pairs are the
/// in-batch negatives. With `symmetric` the loss is the mean over both directions. Every pair must have
/// score 1.
///
/// With [`Cosine`](crate::distance::Cosine) (Quaterion's form, `(cos + 1)/2`), scale 20 behaves like
/// scale 10 on the plain cosine. Quaterion ignores subgroups; `mask_subgroups` excludes pairs of the
/// same subgroup from the negatives. If subgroups are unknown, use
/// [`GuidedRanking`](super::GuidedRanking).
///
/// Sources: Henderson et al., "Efficient natural language response suggestion for Smart Reply",
/// 2017, §4; `quaterion/loss/multiple_negatives_ranking_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultipleNegativesRanking<D = DistanceKind> {
    /// Distance whose similarity is used. Default: cosine.
    pub distance: D,
    /// Factor of the similarities, an inverse temperature. Default: 20.
    pub scale: f32,
    /// Whether positives also rank anchors. Default: false, as in Quaterion.
    pub symmetric: bool,
    /// Whether to exclude pairs of the same subgroup from the negatives. Default: false.
    pub mask_subgroups: bool,
}

impl Default for MultipleNegativesRanking {
    fn default() -> Self {
        Self {
            distance: DistanceKind::Cosine,
            scale: 20.0,
            symmetric: false,
            mask_subgroups: false,
        }
    }
}

/// Offset of the scores of excluded pairs, whose `exp` becomes 0.
const EXCLUDED: f32 = -1e4;

/// Offsets that exclude pairs of the same subgroup, `[n, n]`; `None` if there are no such pairs.
fn same_subgroup_mask(subgroups: &[u64]) -> Option<Vec<f32>> {
    let n = subgroups.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_unstable_by_key(|&i| subgroups[i]);
    let mut mask: Option<Vec<f32>> = None;
    for group in order.chunk_by(|&i, &j| subgroups[i] == subgroups[j]) {
        for &i in group {
            for &j in group.iter().filter(|&&j| j != i) {
                mask.get_or_insert_with(|| vec![0.0; n * n])[i * n + j] = EXCLUDED;
            }
        }
    }
    mask
}

impl<T: Tensor, D: Distance<T>> PairLoss<T> for MultipleNegativesRanking<D> {
    fn forward(&self, embeddings: &T, targets: &PairTargets) -> Result<T, BatchError<T::Error>> {
        let (a, b) = split_pairs(embeddings, targets)?;
        if let Some(pair) = targets.scores.iter().position(|&score| score < 1.0) {
            return Err(BatchError::NotPositive {
                pair,
                score: targets.scores[pair],
            });
        }
        let n = targets.len();
        let scores = self
            .distance
            .similarity_matrix(&a, &b)?
            .affine(self.scale, 0.0)?;
        let mut identity = vec![0.0f32; n * n];
        for i in 0..n {
            identity[i * n + i] = 1.0;
        }
        let own = scores.mul(&scores.constant(&identity, n, n)?)?.sum_rows()?;
        let mask = self
            .mask_subgroups
            .then(|| same_subgroup_mask(&targets.subgroups))
            .flatten();
        let scores = match mask {
            Some(mask) => scores.add(&scores.constant(&mask, n, n)?)?,
            None => scores,
        };
        let mut loss = scores.logsumexp_rows()?.sub(&own)?.mean()?;
        if self.symmetric {
            let back = scores.transpose()?.logsumexp_rows()?.sub(&own)?.mean()?;
            loss = loss.add(&back)?.affine(0.5, 0.0)?;
        }
        Ok(loss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    #[test]
    fn mask_subgroups_excludes_negatives_of_same_subgroup() {
        let x = Matrix::from_rows(&[
            [1.0, 0.0],
            [1.0, 0.1],
            [0.0, 1.0], // anchors
            [1.0, 0.0],
            [1.0, 0.1],
            [0.0, 1.0], // positives
        ])
        .unwrap();
        let targets = PairTargets {
            scores: vec![1.0; 3],
            subgroups: vec![5, 5, 6],
        };
        let masked = MultipleNegativesRanking {
            mask_subgroups: true,
            ..Default::default()
        };
        let with = masked.forward(&x, &targets).unwrap().data()[0];
        let without = MultipleNegativesRanking::default()
            .forward(&x, &targets)
            .unwrap()
            .data()[0];
        assert!(with < 1e-3, "{with}");
        assert!(without > 0.4, "{without}");
        let own = masked
            .forward(&x, &PairTargets::positives(3))
            .unwrap()
            .data()[0];
        assert!((own - without).abs() < 1e-6);
    }

    #[test]
    fn ranking_loss_rejects_pairs_with_score_below_one() {
        let x = Matrix::from_rows(&[[1.0], [1.0]]).unwrap();
        let targets = PairTargets {
            scores: vec![0.0],
            subgroups: vec![0],
        };
        let error = MultipleNegativesRanking::default()
            .forward(&x, &targets)
            .unwrap_err();
        assert_eq!(
            error,
            BatchError::NotPositive {
                pair: 0,
                score: 0.0
            }
        );
    }

    #[test]
    fn ranking_loss_rejects_mismatched_batch() {
        let x = Matrix::from_rows(&[[1.0], [1.0], [1.0]]).unwrap();
        let loss = MultipleNegativesRanking::default();
        let error = loss.forward(&x, &PairTargets::positives(2)).unwrap_err();
        assert_eq!(error, BatchError::Rows { rows: 3, pairs: 2 });
        assert_eq!(
            loss.forward(&x, &PairTargets::positives(0)).unwrap_err(),
            BatchError::Empty
        );
    }
}
