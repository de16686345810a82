use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec::Vec};

/// A loss over groups.
///
/// Items of one group (`groups[i] == groups[j]`) are each other's positives, all others negatives.
/// An item is never its own positive.
///
/// # Example
///
/// A loss of one's own, here the mean squared distance of each embedding to the middle of its
/// group. It is made of operations of [`Tensor`] only, so it computes on every back end and
/// differentiates on candle; who belongs to whom enters as a constant:
///
/// ```
/// use crate::{loss::GroupLoss, matrix::Matrix, sample::{check_groups, BatchError}, tensor::Tensor};
///
/// struct Compactness;
///
/// impl<T: Tensor> GroupLoss<T> for Compactness {
///     fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
///         check_groups(embeddings.dims().0, groups)?;
///         let n = groups.len();
///         // Row i averages over the group of item i: [n, n].
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
/// A loss that learns weights of its own, such as one kernel row a group, keeps them as tensors and
/// names them in [`parameters`](Self::parameters), where an optimiser finds them:
///
/// ```
/// use crate::{loss::{normal_kernel, ArcFace, GroupLoss}, matrix::Matrix};
///
/// // On candle the kernel would be put into a `Var` first.
/// let loss = ArcFace::new(normal_kernel(10, 4, 42));
/// let parameters = GroupLoss::<Matrix>::parameters(&loss);
/// assert_eq!(parameters[0].0, "kernel");
/// assert_eq!((parameters[0].1.rows(), parameters[0].1.columns()), (10, 4));
/// ```
pub trait GroupLoss<T: Tensor> {
    /// The loss of a batch: embeddings `[n, d]`, one group an embedding, `→ [1, 1]`.
    ///
    /// # Errors
    /// When embeddings and groups do not go together, the batch has nothing to compare
    /// ([`BatchError::NothingToCompare`]), or the tensor library fails.
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>>;

    /// The weights the loss itself learns, by name; none by default.
    fn parameters(&self) -> Vec<(String, &T)> {
        Vec::new()
    }
}

/// A group loss that can also compare a batch with embeddings of earlier batches.
///
/// What [`CrossBatchMemory`](crate::memory::CrossBatchMemory) asks of a loss.
pub trait MemoryLoss<T: Tensor>: GroupLoss<T> {
    /// The loss of a batch `[n, d]` whose positives and negatives all lie in a memory `[m, d]`
    /// `→ [1, 1]`.
    ///
    /// No item of the batch is taken to be in the memory, so every equal group is a positive.
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
