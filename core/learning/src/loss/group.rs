use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec::Vec};

/// A loss over groups.
///
/// Items of the same group (`groups[i] == groups[j]`) are positives of each other, all other items
/// negatives. An item is never its own positive.
///
/// # Example
///
/// A custom loss, the mean squared distance of embeddings to the mean of their group. It uses
/// [`Tensor`] operations only, so it runs on every back end and is differentiable on candle; the groups
/// enter as a constant:
///
/// ```
/// use nearsay_core::{loss::GroupLoss, matrix::Matrix, sample::{check_groups, BatchError}, tensor::Tensor};
///
/// struct Compactness;
///
/// impl<T: Tensor> GroupLoss<T> for Compactness {
///     fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
///         check_groups(embeddings.dims().0, groups)?;
///         let n = groups.len();
///         // Row i averages over the group of item i: `[n, n]`.
///         let mut shares = vec![0.0; n * n];
///         for i in 0..n {
///             let size = groups.iter().filter(|&&group| group == groups[i]).count();
///             for j in (0..n).filter(|&j| groups[j] == groups[i]) {
///                 shares[i * n + j] = 1.0 / size as f32;
///             }
///         }
///         let middles = embeddings
///             .constant(&shares, n, n)?
///             .matmul_t(&embeddings.transpose()?)?;
///         let difference = embeddings.sub(&middles)?;
///         Ok(difference.mul(&difference)?.sum_rows()?.mean()?)
///     }
/// }
///
/// let x = Matrix::from_rows(&[[1.0, 0.0], [3.0, 0.0], [9.0, 9.0]]).unwrap();
/// let loss = Compactness.forward(&x, &[7, 7, 8]).unwrap();
/// assert!((loss.data()[0] - 2.0 / 3.0).abs() < 1e-6);
/// ```
///
/// A loss with trainable weights, such as one kernel row per group, stores them as tensors and returns
/// them from [`parameters`](Self::parameters) for the optimiser:
///
/// ```
/// use nearsay_core::{loss::{normal_kernel, ArcFace, GroupLoss}, matrix::Matrix};
///
/// // On candle, convert the kernel to a `Var` first.
/// let loss = ArcFace::new(normal_kernel(10, 4, 42));
/// let parameters = GroupLoss::<Matrix>::parameters(&loss);
/// assert_eq!(parameters[0].0, "kernel");
/// assert_eq!((parameters[0].1.rows(), parameters[0].1.columns()), (10, 4));
/// ```
pub trait GroupLoss<T: Tensor> {
    /// Computes the loss of a batch: embeddings `[n, d]` with one group per row `→ [1, 1]`.
    ///
    /// # Errors
    /// If the number of embeddings and groups differs, the batch has nothing to compare
    /// ([`BatchError::NothingToCompare`]), or the tensor back end fails.
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>>;

    /// Names and values of the loss's own trainable weights. Default: none.
    fn parameters(&self) -> Vec<(String, &T)> {
        Vec::new()
    }
}

/// A group loss that can compare a batch with embeddings of earlier batches, for use with
/// [`CrossBatchMemory`](crate::memory::CrossBatchMemory).
pub trait MemoryLoss<T: Tensor>: GroupLoss<T> {
    /// Computes the loss of a batch `[n, d]` whose positives and negatives are all in a memory `[m, d]`
    /// `→ [1, 1]`.
    ///
    /// The memory contains no items of the batch, so every item of an equal group is a positive.
    ///
    /// # Errors
    /// As [`GroupLoss::forward`].
    fn forward_memory(
        &self,
        embeddings: &T,
        groups: &[u64],
        memory: &T,
        memory_groups: &[u64],
    ) -> Result<T, BatchError<T::Error>>;
}
