//! Initial weights and cross-entropy for losses with one row of weights per group.

use crate::{
    matrix::Matrix,
    sample::{BatchError, check_groups},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// Standard deviation of an initial kernel.
const KERNEL_DEVIATION: f64 = 0.01;

/// Initial kernel of [`ArcFace`](super::ArcFace), [`CosFace`](super::CosFace) and
/// [`Softmax`](super::Softmax): `[groups, dim]`.
///
/// Values are normally distributed with mean 0 and standard deviation 0.01, as in Quaterion, whose
/// kernels are transposed. The result depends only on the arguments.
#[must_use]
pub fn normal_kernel(groups: usize, dim: usize, seed: u64) -> Matrix {
    let mut random = fastrand::Rng::with_seed(seed);
    // Box–Muller transform; 1 − u is never 0.
    let mut normal = || {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - random.f64()));
        radius * libm::cos(2.0 * core::f64::consts::PI * random.f64())
    };
    let data = (0..groups * dim)
        .map(|_| (KERNEL_DEVIATION * normal()) as f32)
        .collect();
    Matrix::new(groups, dim, data).unwrap_or_default()
}

/// Initial centres of [`Center`](super::Center): `[groups, dim]`.
///
/// Values are uniform in ±√(6 / (groups + dim)) (Xavier initialisation; Glorot and Bengio, 2010), as in
/// Quaterion. The result depends only on the arguments.
#[must_use]
pub fn xavier_centers(groups: usize, dim: usize, seed: u64) -> Matrix {
    let mut random = fastrand::Rng::with_seed(seed);
    let bound = libm::sqrtf(6.0 / (groups + dim).max(1) as f32);
    let data = (0..groups * dim)
        .map(|_| (random.f32() * 2.0 - 1.0) * bound)
        .collect();
    Matrix::new(groups, dim, data).unwrap_or_default()
}

/// Kernel row of each item.
///
/// # Errors
/// [`BatchError::Empty`], [`BatchError::Groups`] or [`BatchError::Group`].
pub(super) fn kernel_rows<E>(
    rows: usize,
    groups: &[u64],
    kernel_rows: usize,
) -> Result<Vec<u32>, BatchError<E>> {
    check_groups(rows, groups)?;
    groups
        .iter()
        .enumerate()
        .map(|(item, &group)| {
            let row = u32::try_from(group).ok();
            row.filter(|&row| (row as usize) < kernel_rows)
                .ok_or(BatchError::Group {
                    item,
                    group,
                    groups: kernel_rows,
                })
        })
        .collect()
}

/// Matrix with `value` at each item's own group and 0 elsewhere: `[n, groups]`, on the device of `like`.
pub(super) fn own_group_mask<T: Tensor>(
    like: &T,
    own: &[u32],
    groups: usize,
    value: f32,
) -> Result<T, T::Error> {
    let mut data = vec![0.0; own.len() * groups];
    for (item, &group) in own.iter().enumerate() {
        data[item * groups + group as usize] = value;
    }
    like.constant(&data, own.len(), groups)
}

/// Cross-entropy, the mean over `i` of `ln Σⱼ exp(xᵢⱼ) − xᵢ,own(i)`: `[n, groups] → [1, 1]`.
pub(super) fn cross_entropy<T: Tensor>(logits: &T, own: &[u32]) -> Result<T, T::Error> {
    let groups = logits.dims().1;
    let mask = own_group_mask(logits, own, groups, 1.0)?;
    let target = logits.mul(&mask)?.sum_rows()?;
    logits.logsumexp_rows()?.sub(&target)?.mean()
}

/// Cosines of all embeddings with all kernel rows: `[n, d], [groups, d] → [n, groups]`.
pub(super) fn cosines<T: Tensor>(embeddings: &T, kernel: &T) -> Result<T, T::Error> {
    embeddings
        .normalize_rows()?
        .matmul_t(&kernel.normalize_rows()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_kernel_is_seeded_and_normally_distributed() {
        let kernel = normal_kernel(100, 100, 1);
        assert_eq!(kernel, normal_kernel(100, 100, 1));
        assert_ne!(kernel, normal_kernel(100, 100, 2));
        assert!(kernel.is_finite());
        let data = kernel.data();
        let mean = data.iter().sum::<f32>() / 1e4;
        let variance = data.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / 1e4;
        assert!(mean.abs() < 5e-4, "{mean}");
        assert!((libm::sqrtf(variance) - 0.01).abs() < 5e-4, "{variance}");
        // 4.6 % of a normal distribution are beyond two deviations, and none of a uniform one.
        let beyond = data.iter().filter(|x| x.abs() > 0.02).count();
        assert!((300..650).contains(&beyond), "{beyond}");
    }

    #[test]
    fn xavier_centers_are_seeded_and_within_bounds() {
        let centers = xavier_centers(50, 100, 3);
        assert_eq!(centers, xavier_centers(50, 100, 3));
        let bound = libm::sqrtf(6.0 / 150.0);
        let largest = centers.data().iter().fold(0.0f32, |a, x| a.max(x.abs()));
        assert!(largest <= bound && largest > 0.98 * bound, "{largest}");
    }

    #[test]
    fn kernel_rows_rejects_group_out_of_range() {
        let rows = kernel_rows::<()>(2, &[1, 5], 5);
        assert_eq!(
            rows,
            Err(BatchError::Group {
                item: 1,
                group: 5,
                groups: 5
            })
        );
        assert!(kernel_rows::<()>(1, &[u64::MAX], 5).is_err());
        assert_eq!(kernel_rows::<()>(2, &[4, 0], 5), Ok(vec![4, 0]));
    }
}
