//! Layer 3: what training makes small.

mod contrastive;
mod multiple_negatives_ranking;

pub use contrastive::Contrastive;
pub use multiple_negatives_ranking::MultipleNegativesRanking;

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
/// use nearsay_core::{
///     distance::{Cosine, Distance},
///     loss::{split_pairs, PairLoss},
///     matrix::Matrix,
///     sample::{BatchError, PairTargets},
///     tensor::Tensor,
/// };
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
