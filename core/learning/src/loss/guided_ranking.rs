use super::{PairLoss, mining::FAR, split_pairs};
use crate::{
    distance::{Distance, DistanceKind, PlainCosine},
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// Limit of the guide's cosine above which a negative is excluded.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum GuideMargin {
    /// `g − margin`, where `g` is the guide's cosine of the pair.
    Absolute(f32),
    /// `g − margin·|g|`, where `g` is the guide's cosine of the pair.
    Relative(f32),
}

impl GuideMargin {
    fn limit(self, similarity: f32) -> f32 {
        match self {
            Self::Absolute(margin) => similarity - margin,
            Self::Relative(margin) => similarity - margin * similarity.abs(),
        }
    }
}

/// Guided ranking loss (GIST): multiple negatives ranking without negatives that a guide model ranks
/// above the positive.
///
/// ```text
/// L = mean over i of −ln( exp(s·S(aᵢ, bᵢ)) / Σ over kept x of exp(s·S(aᵢ, x)) )
/// x ∈ all b; all other a (contrast_anchors); all other b, compared with bᵢ (contrast_positives)
/// x is kept if its G ≤ G(aᵢ, bᵢ) − margin;  bᵢ itself is always kept
/// ```
///
/// `S` is the similarity matrix of the distance, `s` the scale and `G` the cosine of the guide's
/// embeddings. `contrast_positives` adds the terms `exp(s·S(bᵢ, bⱼ))`, `j ≠ i`, to the sum. The guide is
/// any fixed model, ideally a better one than the trained model. The frozen base encoder, whose
/// embeddings are available anyway, prevents near-duplicates from being pushed apart. Every pair must
/// have score 1.
///
/// Without both contrasts and with a margin that excludes nothing, the loss equals
/// [`MultipleNegativesRanking`](super::MultipleNegativesRanking).
///
/// An item is never its own negative, and with `mask_subgroups` neither are pairs of the same subgroup.
/// sentence-transformers excludes the item itself only if the guide's cosine of the pair is below 1.
///
/// Sources: Solatorio, "GISTEmbed: guided in-sample selection of training negatives for text
/// embedding fine-tuning", 2024; `sentence_transformers/losses/GISTEmbedLoss.py`, whose defaults
/// are used here. Quaterion has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuidedRanking<D = DistanceKind> {
    /// Distance whose similarity is used. Default: [`PlainCosine`].
    pub distance: D,
    /// Factor of the similarities, an inverse temperature. Default: 100.
    pub scale: f32,
    /// Limit for excluding negatives. Default: `Absolute(0.0)`.
    pub margin: GuideMargin,
    /// Whether positives also rank anchors. Default: false.
    pub symmetric: bool,
    /// Whether other anchors are negatives of an anchor. Default: true.
    pub contrast_anchors: bool,
    /// Whether other positives are negatives of a positive. Default: true.
    pub contrast_positives: bool,
    /// Whether to exclude pairs of the same subgroup from the negatives. Default: false.
    pub mask_subgroups: bool,
}

impl Default for GuidedRanking {
    fn default() -> Self {
        Self {
            distance: DistanceKind::PlainCosine,
            scale: 100.0,
            margin: GuideMargin::Absolute(0.0),
            symmetric: false,
            contrast_anchors: true,
            contrast_positives: true,
            mask_subgroups: false,
        }
    }
}

/// A [`GuidedRanking`] loss with the guide's embeddings of a batch, as a [`PairLoss`].
#[derive(Clone, Debug)]
pub struct Guided<'a, T, D = DistanceKind> {
    loss: &'a GuidedRanking<D>,
    guide: &'a T,
}

/// One side of the pairs.
struct Side<T> {
    /// Trained embeddings.
    own: T,
    /// Embeddings of the guide.
    guide: T,
    /// Whether items of this side are negatives of each other.
    contrast: bool,
}

impl<D> GuidedRanking<D> {
    /// Binds the guide's embeddings `[2n, d′]` of a batch, in the row order of the trained embeddings.
    pub fn with_guide<'a, T>(&'a self, guide: &'a T) -> Guided<'a, T, D> {
        Guided { loss: self, guide }
    }

    /// Computes the loss of a batch: embeddings `[2n, d]` and the guide's `[2n, d′]`, both all `a`, then
    /// all `b`, `→ [1, 1]`. No gradient flows to the guide.
    ///
    /// # Errors
    /// If embeddings, guide and targets differ in size, a score is below 1, or the tensor back end fails.
    pub fn forward_guided<T: Tensor>(
        &self,
        embeddings: &T,
        guide: &T,
        targets: &PairTargets,
    ) -> Result<T, BatchError<T::Error>>
    where
        D: Distance<T>,
    {
        let (a, b) = split_pairs(embeddings, targets)?;
        if let Some(pair) = targets.scores.iter().position(|&score| score < 1.0) {
            return Err(BatchError::NotPositive {
                pair,
                score: targets.scores[pair],
            });
        }
        if guide.dims().0 != embeddings.dims().0 {
            return Err(BatchError::Guide {
                rows: embeddings.dims().0,
                guide: guide.dims().0,
            });
        }
        let (guide_a, guide_b) = split_pairs(&guide.detach(), targets)?;
        let anchors = Side {
            own: a,
            guide: guide_a,
            contrast: self.contrast_anchors,
        };
        let positives = Side {
            own: b,
            guide: guide_b,
            contrast: self.contrast_positives,
        };
        let forward = self.rank_one_way(&anchors, &positives, targets)?;
        if !self.symmetric {
            return Ok(forward);
        }
        let backward = self.rank_one_way(&positives, &anchors, targets)?;
        Ok(forward.add(&backward)?.affine(0.5, 0.0)?)
    }

    /// Loss of each row of `from` ranking the rows of `to`.
    fn rank_one_way<T: Tensor>(
        &self,
        from: &Side<T>,
        to: &Side<T>,
        targets: &PairTargets,
    ) -> Result<T, BatchError<T::Error>>
    where
        D: Distance<T>,
    {
        let n = targets.len();
        let scores = |x: &T, y: &T| -> Result<T, T::Error> {
            self.distance
                .similarity_matrix(x, y)?
                .affine(self.scale, 0.0)
        };
        let guide = PlainCosine
            .similarity_matrix(&from.guide, &to.guide)?
            .to_vec()?;
        let limits: Vec<f32> = (0..n)
            .map(|i| self.margin.limit(guide[i * n + i]))
            .collect();
        let same_subgroup = |i: usize, j: usize| {
            self.mask_subgroups && targets.subgroups[i] == targets.subgroups[j]
        };
        let masked = |scores: T, guide: &[f32], keep_own: bool| -> Result<T, T::Error> {
            let mut mask = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    let excluded = if i == j {
                        !keep_own
                    } else {
                        guide[i * n + j] > limits[i] || same_subgroup(i, j)
                    };
                    if excluded {
                        mask[i * n + j] = -FAR;
                    }
                }
            }
            scores.add(&scores.constant(&mask, n, n)?)
        };

        let across = scores(&from.own, &to.own)?;
        let mut identity = vec![0.0; n * n];
        for i in 0..n {
            identity[i * n + i] = 1.0;
        }
        let own = across.mul(&across.constant(&identity, n, n)?)?.sum_rows()?;
        let mut candidates = vec![masked(across, &guide, true)?];
        for side in [from, to].into_iter().filter(|side| side.contrast) {
            let guide = PlainCosine
                .similarity_matrix(&side.guide, &side.guide)?
                .to_vec()?;
            candidates.push(masked(scores(&side.own, &side.own)?, &guide, false)?);
        }
        let all = T::concat_columns(&candidates)?.logsumexp_rows()?;
        Ok(all.sub(&own)?.mean()?)
    }
}

impl<T: Tensor, D: Distance<T>> PairLoss<T> for Guided<'_, T, D> {
    fn forward(&self, embeddings: &T, targets: &PairTargets) -> Result<T, BatchError<T::Error>> {
        self.loss.forward_guided(embeddings, self.guide, targets)
    }
}
