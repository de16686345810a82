use super::{
    GroupLoss,
    kernel::{cosines, cross_entropy, kernel_rows, own_group_mask},
};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// ArcFace, the additive angular margin loss: classification by angle, with a margin of `m` radians
/// added to the angle of the own group.
///
/// ```text
/// L = cross-entropy of the rows  s·cos(θᵢⱼ + m·[j is the group of i])
/// ```
///
/// `θᵢⱼ` is the angle between embedding `i` and kernel row `j`. The logits are computed without an arc
/// cosine, as `cos(θ + m) = cos θ·cos m − √(1 − cos²θ)·sin m`. The root is kept above 0, so the gradient
/// is finite for an embedding equal to its kernel row; Quaterion's gradient isn't.
///
/// The set of groups is fixed, with one kernel row per group. Beyond `θ = π − m` the target grows with
/// the angle, as in the paper.
///
/// Sources: Deng et al., "ArcFace: additive angular margin loss for deep face recognition", CVPR
/// 2019; `quaterion/loss/arcface_loss.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct ArcFace<T> {
    /// One row per group, `[groups, d]`; see [`normal_kernel`](super::normal_kernel).
    pub kernel: T,
    /// Factor `s` of the cosines. Default: 64.
    pub scale: f32,
    /// Margin `m` in radians. Default: 0.5.
    pub margin: f32,
}

impl<T> ArcFace<T> {
    /// Creates the loss with default scale and margin.
    pub fn new(kernel: T) -> Self {
        Self {
            kernel,
            scale: 64.0,
            margin: 0.5,
        }
    }
}

/// Lower bound of `1 − cos²θ`, below the resolution of single precision near 1.
const MIN_SQUARE: f32 = 1e-12;

impl<T: Tensor> GroupLoss<T> for ArcFace<T> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let rows = self.kernel.dims().0;
        let own = kernel_rows(embeddings.dims().0, groups, rows)?;
        let cos = cosines(embeddings, &self.kernel)?;
        let is_own = own_group_mask(&cos, &own, rows, 1.0)?;
        let own_cos = cos.mul(&is_own)?.sum_rows()?;
        let own_sin = own_cos
            .mul(&own_cos)?
            .affine(-1.0, 1.0)?
            .clamp_min(MIN_SQUARE)?
            .sqrt()?;
        // cos θ − cos(θ + m)
        let reduction = own_cos
            .affine(1.0 - libm::cosf(self.margin), 0.0)?
            .add(&own_sin.affine(libm::sinf(self.margin), 0.0)?)?;
        let logits = cos.sub(&is_own.mul(&reduction)?)?.affine(self.scale, 0.0)?;
        Ok(cross_entropy(&logits, &own)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from("kernel"), &self.kernel)]
    }
}
