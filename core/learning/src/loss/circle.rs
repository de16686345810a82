use super::{
    GroupLoss,
    mining::{FAR, Relation, softplus},
};
use crate::{
    distance::{Distance, DistanceKind},
    sample::BatchError,
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Circle loss: each similarity is pulled the harder the farther it is from where it should be.
///
/// ```text
/// L = mean over anchors of ln(1 + Σₙ exp(γ·αₙ·(sₙ − m)) · Σₚ exp(−γ·αₚ·(sₚ − (1 − m))))
/// αₚ = max(1 + m − sₚ, 0)      αₙ = max(sₙ + m, 0)      both without gradient
/// ```
///
/// `sₚ` and `sₙ` are the cosines of an anchor with its positives and its negatives, `m` the margin,
/// `γ` the scale. Anchors without either count nowhere. With [`pooled`](Self::pooled) there is one
/// term for the whole batch, whose sums run over all its positive and all its negative pairs.
///
/// # Errors
/// [`BatchError::NothingToCompare`] when no anchor (pooled: not the batch) has both a positive and a
/// negative.
///
/// # Differences from Quaterion
///
/// Quaterion weighs with `αₚ = 1 + m + sₚ` and `αₙ = sₙ − m`, the signs of the similarity and of the
/// margin the wrong way round: positives are pulled the harder the nearer they are. It computes that
/// on `(cos + 1)/2` and pools the batch. All three with `compat` (which implies pooling) and
/// [`DistanceKind::Cosine`], whose similarity matrix is `(cos + 1)/2`.
///
/// Sources: Sun et al., "Circle loss: a unified perspective of pair similarity optimization", CVPR
/// 2020, §3 (its settings: γ 256, m 0.25 for faces; γ 80, m 0.4 for retrieval);
/// `quaterion/loss/circle_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle<D = DistanceKind> {
    /// What similarity is made of; [`PlainCosine`](crate::distance::PlainCosine) by default.
    pub distance: D,
    /// `m`; 0.25 by default.
    pub margin: f32,
    /// `γ`; 256 by default.
    pub scale: f32,
    /// Whether the sums run over the batch instead of one anchor; off by default, as in the paper.
    pub pooled: bool,
    /// Whether to weigh as Quaterion does, see above; off by default.
    pub compat: bool,
}

impl Default for Circle {
    fn default() -> Self {
        Self {
            distance: DistanceKind::PlainCosine,
            margin: 0.25,
            scale: 256.0,
            pooled: false,
            compat: false,
        }
    }
}

/// Row-wise log of the sum of exponentials of what a mask of ones and zeros lets through.
fn masked_logsumexp<T: Tensor>(x: &T, mask: &[f32]) -> Result<T, T::Error> {
    let (rows, columns) = x.dims();
    let mask = x.constant(mask, rows, columns)?;
    x.mul(&mask)?
        .add(&mask.affine(FAR, -FAR)?)?
        .logsumexp_rows()
}

impl<T: Tensor, D: Distance<T>> GroupLoss<T> for Circle<D> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let n = embeddings.dims().0;
        let relation = Relation::within(n, groups)?;
        let anchors: Vec<u32> = (0..n)
            .filter(|&i| {
                relation.positives(i).next().is_some() && relation.negatives(i).next().is_some()
            })
            .map(|i| i as u32)
            .collect();
        if anchors.is_empty() {
            return Err(BatchError::NothingToCompare {
                needs: "two items of one group and one of another",
            });
        }
        let s = self.distance.similarity_matrix(embeddings, embeddings)?;
        let pooled = self.pooled || self.compat;
        // Pooled, each pair counts once.
        let counts = |i, j| !pooled || i < j;
        let positive = relation.mask(|i, j| relation.is_positive(i, j) && counts(i, j));
        let negative = relation.mask(|i, j| relation.is_negative(i, j) && counts(i, j));

        let fixed = s.detach();
        let (margin, scale) = (self.margin, self.scale);
        let (weight_p, weight_n) = if self.compat {
            (
                fixed.affine(1.0, 1.0 + margin)?.relu()?,
                fixed.affine(1.0, -margin)?.relu()?,
            )
        } else {
            (
                fixed.affine(-1.0, 1.0 + margin)?.relu()?,
                fixed.affine(1.0, margin)?.relu()?,
            )
        };
        let logit_p = s.affine(-scale, scale * (1.0 - margin))?.mul(&weight_p)?;
        let logit_n = s.affine(scale, -scale * margin)?.mul(&weight_n)?;
        let mut of_positives = masked_logsumexp(&logit_p, &positive)?;
        let mut of_negatives = masked_logsumexp(&logit_n, &negative)?;
        if pooled {
            of_positives = of_positives.transpose()?.logsumexp_rows()?;
            of_negatives = of_negatives.transpose()?.logsumexp_rows()?;
        } else {
            of_positives = of_positives.select_rows(&anchors)?;
            of_negatives = of_negatives.select_rows(&anchors)?;
        }
        Ok(softplus(&of_positives.add(&of_negatives)?)?.mean()?)
    }
}
