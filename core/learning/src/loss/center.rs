use super::{GroupLoss, kernel::kernel_rows};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// Center loss: draws normalised embeddings to the learned centre of their group.
///
/// ```text
/// L = λ · mean over i and the d dimensions of (x̂ᵢ − c_g(i))²
/// ```
///
/// Alone it has a useless minimum (all centres in one place): it is meant to be added to a loss that
/// keeps groups apart, such as [`Softmax`](super::Softmax). As in Quaterion, centres are learned by
/// the same optimiser as all else; the paper moves them by a rule of its own.
///
/// Sources: Wen et al., "A discriminative feature learning approach for deep face recognition", ECCV
/// 2016; `quaterion/loss/center_loss.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct Center<T> {
    /// One centre a group: `[groups, d]`; see [`xavier_centers`](super::xavier_centers).
    pub centers: T,
    /// `λ`; 0.5 by default.
    pub weight: f32,
}

impl<T> Center<T> {
    /// The loss with these centres and the default weight.
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
