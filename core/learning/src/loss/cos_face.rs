use super::{
    GroupLoss,
    kernel::{cosines, cross_entropy, kernel_rows, own_group_mask},
};
use crate::{sample::BatchError, tensor::Tensor};
use alloc::{string::String, vec, vec::Vec};

/// CosFace, the large margin cosine loss: classification by cosine, with a margin of `m` subtracted
/// from the cosine with the own group.
///
/// ```text
/// L = cross-entropy of the rows  s·(cos θᵢⱼ − m·[j is the group of i])
/// ```
///
/// `θᵢⱼ` is the angle between embedding `i` and kernel row `j`. The set of groups is fixed, with one
/// kernel row per group.
///
/// # Differences from Quaterion
///
/// Quaterion applies a second cosine, `s·cos(cos θᵢⱼ − m·[…])`. Its optimum is a cosine of `m` instead of
/// 1, and perfect alignment has a loss of 13 or more at the default scale instead of 0. `compat`
/// reproduces it; the outer cosine is then a polynomial, exact to single precision for margins up to 1.
///
/// Sources: Wang et al., "CosFace: large margin cosine loss for deep face recognition", CVPR 2018;
/// `quaterion/loss/cos_face_loss.py`.
#[derive(Clone, Debug, PartialEq)]
pub struct CosFace<T> {
    /// One row per group, `[groups, d]`; see [`normal_kernel`](super::normal_kernel).
    pub kernel: T,
    /// Factor `s` of the cosines. Default: 64.
    pub scale: f32,
    /// Margin `m`. Default: 0.35.
    pub margin: f32,
    /// Whether to use Quaterion's formula; see above. Default: false.
    pub compat: bool,
}

impl<T> CosFace<T> {
    /// Creates the loss with default scale and margin.
    pub fn new(kernel: T) -> Self {
        Self {
            kernel,
            scale: 64.0,
            margin: 0.35,
            compat: false,
        }
    }
}

/// `cos x` for `|x| ≤ 2`, by its Taylor series up to `x¹⁶` in Horner's form.
fn cos_series<T: Tensor>(x: &T) -> Result<T, T::Error> {
    let square = x.mul(x)?;
    let mut sum = square.affine(0.0, 1.0)?;
    for k in (1..=8).rev() {
        let step = -1.0 / ((2 * k - 1) * (2 * k)) as f32;
        sum = sum.mul(&square)?.affine(step, 1.0)?;
    }
    Ok(sum)
}

impl<T: Tensor> GroupLoss<T> for CosFace<T> {
    fn forward(&self, embeddings: &T, groups: &[u64]) -> Result<T, BatchError<T::Error>> {
        let rows = self.kernel.dims().0;
        let own = kernel_rows(embeddings.dims().0, groups, rows)?;
        let cos = cosines(embeddings, &self.kernel)?;
        let mut logits = cos.sub(&own_group_mask(&cos, &own, rows, self.margin)?)?;
        if self.compat {
            logits = cos_series(&logits)?;
        }
        Ok(cross_entropy(&logits.affine(self.scale, 0.0)?, &own)?)
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        vec![(String::from("kernel"), &self.kernel)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;

    #[test]
    fn cos_series_agrees_with_libm() {
        let xs: Vec<f32> = (-200..=200).map(|i| i as f32 / 100.0).collect();
        let found = cos_series(&Matrix::new(1, xs.len(), xs.clone()).unwrap()).unwrap();
        for (x, found) in xs.iter().zip(found.data()) {
            assert!((found - libm::cosf(*x)).abs() < 3e-7, "{x}: {found}");
        }
    }

    #[test]
    fn cos_face_of_aligned_embeddings_is_zero_unless_compat() {
        let kernel = Matrix::from_rows(&[[1.0, 0.0], [0.0, 1.0]]).unwrap();
        let x = kernel.clone();
        let mut loss = CosFace::new(kernel);
        assert!(loss.forward(&x, &[0, 1]).unwrap().data()[0] < 1e-6);
        loss.compat = true;
        let found = loss.forward(&x, &[0, 1]).unwrap().data()[0];
        // 64·(cos 0 − cos 0.65)
        assert!((found - 13.05).abs() < 0.05, "{found}");
    }
}
