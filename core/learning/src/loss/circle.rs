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

/// Circle loss: each similarity is weighted by its distance from its optimum.
///
/// ```text
/// L = mean over anchors of ln(1 + Σₙ exp(γ·αₙ·(sₙ − m)) · Σₚ exp(−γ·αₚ·(sₚ − (1 − m))))
/// αₚ = max(1 + m − sₚ, 0)      αₙ = max(sₙ + m, 0)      both without gradient
/// ```
///
/// `sₚ` and `sₙ` are the cosines of an anchor with its positives and negatives, `m` is the margin and
/// `γ` the scale. Anchors without positives or without negatives are ignored. With
/// [`pooled`](Self::pooled) the batch has a single term, with sums over all positive and all negative
/// pairs.
///
/// # Errors
/// [`BatchError::NothingToCompare`] if no anchor has both a positive and a negative.
///
/// # Differences from Quaterion
///
/// Quaterion uses the weights `αₚ = 1 + m + sₚ` and `αₙ = sₙ − m`, with the signs of similarity and
/// margin swapped, so nearer positives are pulled harder. It applies them to `(cos + 1)/2` and pools the
/// batch. `compat` (which implies pooling) with [`DistanceKind::Cosine`], whose similarity matrix is
/// `(cos + 1)/2`, reproduces all three.
///
/// Sources: Sun et al., "Circle loss: a unified perspective of pair similarity optimization", CVPR
/// 2020, §3 (its settings: γ 256, m 0.25 for faces; γ 80, m 0.4 for retrieval);
/// `quaterion/loss/circle_loss.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle<D = DistanceKind> {
    /// Distance whose similarity is used. Default: [`PlainCosine`](crate::distance::PlainCosine).
    pub distance: D,
    /// Margin `m`. Default: 0.25.
    pub margin: f32,
    /// Scale `γ`. Default: 256.
    pub scale: f32,
    /// Whether to sum over the batch instead of each anchor. Default: false, as in the paper.
    pub pooled: bool,
    /// Whether to use Quaterion's weights; see above. Default: false.
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

/// Row-wise log-sum-exp over the entries where `mask` is 1.
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
        // In a pooled batch each pair counts once.
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
