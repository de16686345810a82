use super::{GroupLoss, kernel::kernel_rows};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// Center loss: pulls normalised embeddings towards the trainable centre of their group.
///
/// ```text
/// L = λ · mean over i and the d dimensions of (x̂ᵢ − c_g(i))²
/// ```
///
/// On its own the loss has a trivial minimum with all centres equal. Add it to a loss that separates
/// groups, such as [`Softmax`](super::Softmax). As in Quaterion, the optimiser of the model also trains
/// the centres; the paper has a separate update rule.
///
/// Sources: Wen et al., "A discriminative feature learning approach for deep face recognition", ECCV
/// 2016; `quaterion/loss/center_loss.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct Center<T> {
    /// One centre per group, `[groups, d]`; see [`xavier_centers`](super::xavier_centers).
    pub centers: T,
    /// Weight `λ`. Default: 0.5.
    pub weight: f32,
}

impl<T> Center<T> {
    /// Creates the loss with the default weight.
    pub fn new(centers: T) -> Self {
        Self {
            centers,
            weight: 0.5,
        }
    }
}

impl<T: Tensor> GroupLoss<T> for Center<T> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let own = kernel_rows(embeddings.dims().0, groups, self.centers.dims().0)?;
        let centers = self.centers.select_rows(&own)?;
        let difference = embeddings.normalize_rows()?.sub(&centers)?;
        let square = difference.mul(&difference)?.mean()?;
        Ok(square.affine(self.weight, 0.0)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from("centers"), &self.centers)]
    }
}
