//! Layer 3: what training makes small.
//!
//! | loss | data | formula | when | source |
//! | --- | --- | --- | --- | --- |
//! | [`Contrastive`] | pairs | `y·d² + (1 − y)·max(m − d, 0)²` | pairs known to be alike and pairs known not to be | Hadsell 2006 |
//! | [`MultipleNegativesRanking`] | pairs | `−ln softmax` of own among all `S(aᵢ, bⱼ)` | only positives are known: questions and their answers | Henderson 2017 |
//! | [`GuidedRanking`] | pairs | the same, without negatives a guide finds nearer than the positive | the same, where answers repeat or resemble each other | Solatorio 2024 |
//! | [`OnlineContrastive`] | groups | mean `d` of positives, mean `max(m − d, 0)` of negatives | few items a group; simplest on groups | Hadsell 2006 |
//! | [`Triplet`] | groups | `max(d_ap − d_an + m, 0)` | few items a group; only the order of distances matters | Schroff 2015, Hermans 2017 |
//! | [`Circle`] | groups | `ln(1 + Σ exp(γαₙ(sₙ − m)) · Σ exp(−γαₚ(sₚ − 1 + m)))` | several items a group; triplets stand still | Sun 2020 |
//! | [`FastAp`] | groups | `1 −` average precision by histograms | large batches, many items a group; ranking itself is the aim | Cakir 2019 |
//! | [`Softmax`] | groups, all known | cross-entropy of `x·k/τ` | many items for each of a fixed set of groups | |
//! | [`ArcFace`] | groups, all known | cross-entropy of `s·cos(θ + m·own)` | the same, with groups kept well apart | Deng 2019 |
//! | [`CosFace`] | groups, all known | cross-entropy of `s·(cos θ − m·own)` | the same, with a margin that is simpler to learn | Wang 2018 |
//! | [`Center`] | groups, all known | `λ·mean (x̂ − c)²` | beside another loss, for tight groups | Wen 2016 |
//!
//! *Pairs* are [`PairLoss`]es: a batch of `n` is `[2n, d]`, all `a` first, and what is known of it
//! are [`PairTargets`]. *Groups* are [`GroupLoss`]es: a batch is `[n, d]` with one group number a
//! row. *All known* means that the loss keeps a row of weights for each group and learns it too
//! ([`GroupLoss::parameters`]); put it on the device from [`normal_kernel`] or [`xavier_centers`].
//!
//! Every loss is the definition of its paper. Where Quaterion computes something else, the loss says
//! so under *Differences from Quaterion*, and its field `compat` gives Quaterion's numbers.
//!
//! Equal embeddings, groups of one item and batches of one group make no value or gradient that is
//! not a number. A batch in which there is nothing to compare at all is an error,
//! [`BatchError::NothingToCompare`], never a loss of 0: leave such a batch out.
//!
//! Two things enlarge what a batch is compared with:
//! [`CrossBatchMemory`](crate::memory::CrossBatchMemory) lends a [`MemoryLoss`] the embeddings of
//! earlier batches, and on candle `GradCache` computes exact gradients of batches that are too large
//! to be embedded at once.

mod arc_face;
mod center;
mod circle;
mod contrastive;
mod cos_face;
mod fast_ap;
mod group;
mod guided_ranking;
mod kernel;
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
/// A loss of one's own, here the mean distance of pairs that belong together:
///
/// ```
/// use crate::{distance::{Cosine, Distance}, loss::{split_pairs, PairLoss}, matrix::Matrix, sample::{BatchError, PairTargets}, tensor::Tensor};
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
    /// The loss of a batch: embeddings `[2n, d]` (all `a`, then all `b`) `→ [1, 1]`.
    ///
    /// # Errors
    /// When embeddings and targets do not go together, or the tensor library fails.
    fn forward(&self, embeddings: &T, targets: &PairTargets) -> Result<T, BatchError<T::Error>>;
}

/// Takes the embeddings of a batch apart: `[2n, d] → ([n, d], [n, d])`.
///
/// # Errors
/// When embeddings and targets do not go together, or the tensor library fails.
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
