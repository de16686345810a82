//! Loss functions.
//!
//! | loss | data | formula | use | source |
//! | --- | --- | --- | --- | --- |
//! | [`Contrastive`] | pairs | `y·d² + (1 − y)·max(m − d, 0)²` | pairs labelled as matching or not | Hadsell 2006 |
//! | [`MultipleNegativesRanking`] | pairs | `−ln softmax` of the own entry among all `S(aᵢ, bⱼ)` | positives only: questions and answers | Henderson 2017 |
//! | [`GuidedRanking`] | pairs | multiple negatives ranking without negatives that a guide ranks above the positive | positives with repeated or similar answers | Solatorio 2024 |
//! | [`OnlineContrastive`] | groups | mean `d` of positives, mean `max(m − d, 0)` of negatives | few items per group; the simplest group loss | Hadsell 2006 |
//! | [`Triplet`] | groups | `max(d_ap − d_an + m, 0)` | few items per group; depends on the order of distances only | Schroff 2015, Hermans 2017 |
//! | [`Circle`] | groups | `ln(1 + Σ exp(γαₙ(sₙ − m)) · Σ exp(−γαₚ(sₚ − 1 + m)))` | several items per group; if triplets stop improving | Sun 2020 |
//! | [`FastAp`] | groups | `1 −` average precision from histograms | large batches, many items per group; optimises the ranking itself | Cakir 2019 |
//! | [`Softmax`] | fixed groups | cross-entropy of `x·k/τ` | many items per group | |
//! | [`ArcFace`] | fixed groups | cross-entropy of `s·cos(θ + m·own)` | many items per group, well separated | Deng 2019 |
//! | [`CosFace`] | fixed groups | cross-entropy of `s·(cos θ − m·own)` | like ArcFace, with a margin that trains more easily | Wang 2018 |
//! | [`Center`] | fixed groups | `λ·mean (x̂ − c)²` | added to another loss, for compact groups | Wen 2016 |
//!
//! Losses over *pairs* are [`PairLoss`]es: a batch of `n` pairs is `[2n, d]`, all `a` first, with
//! [`PairTargets`]. Losses over *groups* are [`GroupLoss`]es: a batch is `[n, d]` with one group id per
//! row. With *fixed groups*, the loss has one trainable row of weights per group
//! ([`GroupLoss::parameters`]), initialised by [`normal_kernel`] or [`xavier_centers`].
//!
//! [`LossKind`] names the built-in losses, for settings files and the command line.
//!
//! Every loss follows its paper. If Quaterion computes something else, the section *Differences from
//! Quaterion* explains it, and the field `compat` selects Quaterion's formula.
//!
//! Values and gradients are finite for equal embeddings, groups of one item and batches of one group.
//! A batch without any comparison returns [`BatchError::NothingToCompare`] instead of a loss of 0; skip
//! it.
//!
//! Two types extend the comparisons of a batch: [`CrossBatchMemory`](crate::memory::CrossBatchMemory)
//! adds embeddings of earlier batches to a [`MemoryLoss`], and on candle `GradCache` computes exact
//! gradients of batches that are too large to be embedded at once.

mod arc_face;
mod center;
mod circle;
mod contrastive;
mod cos_face;
mod fast_ap;
mod group;
mod guided_ranking;
mod kernel;
mod kind;
mod mining;
mod multiple_negatives_ranking;
mod online_contrastive;
mod softmax;
#[cfg(test)]
mod tests;
mod triplet;

pub use arc_face::ArcFace;
pub use center::Center;
pub use circle::Circle;
pub use contrastive::Contrastive;
pub use cos_face::CosFace;
pub use fast_ap::FastAp;
pub use group::{GroupLoss, MemoryLoss};
pub use guided_ranking::{GuideMargin, Guided, GuidedRanking};
pub use kernel::{normal_kernel, xavier_centers};
pub use kind::{LossKind, UnknownLoss};
pub use multiple_negatives_ranking::MultipleNegativesRanking;
pub use online_contrastive::{OnlineContrastive, PairMining};
pub use softmax::Softmax;
pub use triplet::{Triplet, TripletMining};

use crate::{
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};

/// A loss over pairs.
///
/// # Example
///
/// A custom loss, the mean distance of the pairs:
///
/// ```
/// use nearsay_core::{distance::{Cosine, Distance}, loss::{split_pairs, PairLoss}, matrix::Matrix, sample::{BatchError, PairTargets}, tensor::Tensor};
///
/// struct MeanDistance;
///
/// impl<T: Tensor> PairLoss<T> for MeanDistance {
///     fn forward(&self, embeddings: &T, targets: &PairTargets) -> Result<T, BatchError<T::Error>> {
///         let (a, b) = split_pairs(embeddings, targets)?;
///         Ok(Cosine.distance(&a, &b)?.mean()?)
///     }
/// }
///
/// let x = Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0]]).unwrap();
/// let loss = MeanDistance.forward(&x, &PairTargets::positives(1)).unwrap();
/// assert_eq!(loss.data(), [1.0]);
/// ```
pub trait PairLoss<T: Tensor> {
    /// Computes the loss of a batch: embeddings `[2n, d]` (all `a`, then all `b`) `→ [1, 1]`.
    ///
    /// # Errors
    /// If embeddings and targets differ in size, or the tensor back end fails.
    fn forward(&self, embeddings: &T, targets: &PairTargets) -> Result<T, BatchError<T::Error>>;
}

/// Splits the embeddings of a batch of pairs: `[2n, d] → ([n, d], [n, d])`.
///
/// # Errors
/// If embeddings and targets differ in size, or the tensor back end fails.
pub fn split_pairs<T: Tensor>(
    embeddings: &T,
    targets: &PairTargets,
) -> Result<(T, T), BatchError<T::Error>> {
    targets.check(embeddings.dims().0)?;
    let n = targets.len() as u32;
    let a: alloc::vec::Vec<u32> = (0..n).collect();
    let b: alloc::vec::Vec<u32> = (n..2 * n).collect();
    Ok((embeddings.select_rows(&a)?, embeddings.select_rows(&b)?))
}
