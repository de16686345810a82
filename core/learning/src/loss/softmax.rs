use super::{
    GroupLoss,
    kernel::{cross_entropy, kernel_rows},
};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// Softmax loss: classification by dot product.
///
/// ```text
/// L = cross-entropy of the rows  xᵢ·kⱼ / τ
/// ```
///
/// `kⱼ` is the kernel row of group `j`; neither side is normalised. The set of groups is fixed, with one
/// kernel row per group.
///
/// Source: `quaterion/loss/softmax_loss.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct Softmax<T> {
    /// One row per group, `[groups, d]`; see [`normal_kernel`](super::normal_kernel).
    pub kernel: T,
    /// Temperature `τ`. Default: 0.05.
    pub temperature: f32,
}

impl<T> Softmax<T> {
    /// Creates the loss with the default temperature.
    pub fn new(kernel: T) -> Self {
        Self {
            kernel,
            temperature: 0.05,
        }
    }
}

impl<T: Tensor> GroupLoss<T> for Softmax<T> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let own = kernel_rows(embeddings.dims().0, groups, self.kernel.dims().0)?;
        let products = embeddings.matmul_t(&self.kernel)?;
        let logits = products.affine(1.0 / self.temperature, 0.0)?;
        Ok(cross_entropy(&logits, &own)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from("kernel"), &self.kernel)]
    }
}
