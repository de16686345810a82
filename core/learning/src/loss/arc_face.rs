use super::{
    GroupLoss,
    kernel::{at_own, cosines, cross_entropy, kernel_rows},
};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// ArcFace, the additive angular margin loss: classification by angle, with a head start of `m`
/// radians for every wrong group.
///
/// ```text
/// L = cross-entropy of the rows  s·cos(θᵢⱼ + m·[j is the group of i])
/// ```
///
/// `θᵢⱼ` is the angle between embedding `i` and kernel row `j`. No arc cosine is taken:
/// `cos(θ + m) = cos θ·cos m − √(1 − cos²θ)·sin m`, whose root is kept above 0, so that the gradient
/// is finite where an embedding meets its row exactly (Quaterion's is not).
///
/// For groups that are all known beforehand; a group needs a kernel row. Beyond `θ = π − m` the
/// target grows again with the angle, in the paper's formula as here.
///
/// Sources: Deng et al., "ArcFace: additive angular margin loss for deep face recognition", CVPR
/// 2019; `quaterion/loss/arcface_loss.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct ArcFace<T> {
    /// One row a group: `[groups, d]`; see [`normal_kernel`](super::normal_kernel).
    pub kernel: T,
    /// `s`, the factor on the cosines; 64 by default.
    pub scale: f32,
    /// `m`, in radians; 0.5 by default.
    pub margin: f32,
}

impl<T> ArcFace<T> {
    /// The loss with this kernel and the default scale and margin.
    pub fn new(kernel: T) -> Self {
        Self {
            kernel,
            scale: 64.0,
            margin: 0.5,
        }
    }
}

/// Least of `1 − cos²θ`, well below the least that single precision tells from 0.
const LEAST_SQUARE: f32 = 1e-12;

impl<T: Tensor> GroupLoss<T> for ArcFace<T> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let rows = self.kernel.dims().0;
        let own = kernel_rows(embeddings.dims().0, groups, rows)?;
        let cos = cosines(embeddings, &self.kernel)?;
        let is_own = at_own(&cos, &own, rows, 1.0)?;
        let own_cos = cos.mul(&is_own)?.sum_rows()?;
        let own_sin = own_cos
            .mul(&own_cos)?
            .affine(-1.0, 1.0)?
            .clamp_min(LEAST_SQUARE)?
            .sqrt()?;
        // What the margin takes from the cosine: cos θ − cos(θ + m).
        let taken = own_cos
            .affine(1.0 - libm::cosf(self.margin), 0.0)?
            .add(&own_sin.affine(libm::sinf(self.margin), 0.0)?)?;
        let logits = cos.sub(&is_own.mul(&taken)?)?.affine(self.scale, 0.0)?;
        Ok(cross_entropy(&logits, &own)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from("kernel"), &self.kernel)]
    }
}
