use super::{PairLoss, mining::FAR, split_pairs};
use crate::{
    distance::{Distance, DistanceKind, PlainCosine},
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// How near to its positive, in the guide's eyes, a negative may be to an anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum GuideMargin {
    /// Left out above `g − margin`, where `g` is the guide's cosine of the pair.
    Absolute(f32),
    /// Left out above `g − margin·|g|`.
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

/// Guided ranking loss (GIST): multiple negatives ranking without the negatives that a guide takes
/// for positives.
///
/// ```text
/// L = mean over i of −ln( exp(s·S(aᵢ, bᵢ)) / Σ over kept x of exp(s·S(aᵢ, x)) )
/// x ∈ all b, all other a (contrast_anchors); all b but bᵢ once more against bᵢ (contrast_positives)
/// x is kept unless G(its two sides) > G(aᵢ, bᵢ) − margin;  bᵢ itself always is
/// ```
///
/// `S` is the similarity matrix of the distance, `s` the scale, `G` the cosine of the guide's
/// embeddings. `contrast_positives` adds the terms `exp(s·S(bᵢ, bⱼ))`, `j ≠ i`, to the sum. The guide
/// is any fixed model, at best one better than what is trained; the frozen base encoder, whose
/// embeddings are at hand, keeps near-duplicates from being torn apart. Every pair must have score 1.
///
/// Without the contrasts and with a margin so low that nothing is left out it is
/// [`MultipleNegativesRanking`](super::MultipleNegativesRanking).
///
/// An item is never a negative of itself, and with `mask_subgroups` neither are pairs of one
/// subgroup. (sentence-transformers leaves out an item against itself only where the guide's cosine
/// of the pair is below 1.)
///
/// Sources: Solatorio, "GISTEmbed: guided in-sample selection of training negatives for text
/// embedding fine-tuning", 2024; `sentence_transformers/losses/GISTEmbedLoss.py`, whose defaults
/// these are. Quaterion has no such loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuidedRanking<D = DistanceKind> {
    /// What similarity is made of; [`PlainCosine`] by default.
    pub distance: D,
    /// Factor on the similarities, the inverse of a temperature; 100 by default.
    pub scale: f32,
    /// When the guide takes a negative for a positive; `Absolute(0.0)` by default.
    pub margin: GuideMargin,
    /// Whether positives rank anchors too, as in the ranking loss; off by default.
    pub symmetric: bool,
    /// Whether the other anchors are negatives of an anchor; on by default.
    pub contrast_anchors: bool,
    /// Whether the other positives are negatives of a positive; on by default.
    pub contrast_positives: bool,
    /// Whether pairs of one subgroup are no negatives of each other; off by default.
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

/// A [`GuidedRanking`] loss with the guide's embeddings of one batch: a [`PairLoss`] like any other.
#[derive(Clone, Debug)]
pub struct Guided<'a, T, D = DistanceKind> {
    loss: &'a GuidedRanking<D>,
    guide: &'a T,
}

/// One side of the pairs.
struct Side<T> {
    /// What is learned.
    own: T,
    /// The guide's view of it.
    guide: T,
    /// Whether it is contrasted with itself.
    contrast: bool,
}

impl<D> GuidedRanking<D> {
    /// The loss of the batch this guide `[2n, d′]` has seen; rows as those of the embeddings.
    pub fn with_guide<'a, T>(&'a self, guide: &'a T) -> Guided<'a, T, D> {
        Guided { loss: self, guide }
    }

    /// The loss of a batch: embeddings `[2n, d]` and the guide's `[2n, d′]`, both all `a`, then all
    /// `b`, `→ [1, 1]`. Nothing flows back into the guide.
    ///
    /// # Errors
    /// When embeddings, guide and targets do not go together, a score is below 1, or the tensor
    /// library fails.
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
        let there = self.one_way(&anchors, &positives, targets)?;
        if !self.symmetric {
            return Ok(there);
        }
        let back = self.one_way(&positives, &anchors, targets)?;
        Ok(there.add(&back)?.affine(0.5, 0.0)?)
    }

    /// Each row of `from` ranks the rows of `to`.
    fn one_way<T: Tensor>(
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
                    let left_out = if i == j {
                        !keep_own
                    } else {
                        guide[i * n + j] > limits[i] || same_subgroup(i, j)
                    };
                    if left_out {
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
