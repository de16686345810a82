//! Half-whitening: making the directions in which all texts differ count less, and the others more.

use super::Pairs;
use nearsay_core::{
    candle::through,
    head::{Activation, Dense},
    matrix::{Matrix, ShapeError},
};
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};

/// Steps of an iteration that is stopped long before, when nothing changes any more.
const MOST_STEPS: usize = 60;

/// The affine map `x ↦ (x/s − μ)·C^(−¼)` of some vectors, with `s` their mean length, and `μ` and `C`
/// mean and covariance of `x/s`, as a layer.
///
/// Embeddings of one domain fill a narrow cone, which makes everything look alike; a head that learns
/// from them in few steps learns the wide directions first. `C^(−½)` would make all directions equally
/// wide, the noise in the narrow ones too; half of that measured best, before training and after. The
/// covariance of `n` vectors of length `d` is drawn towards `I·tr(C)/d` by `d/(n + d)`, so that few
/// vectors change little. The map is scaled to `‖C^(−¼)‖² = d`, so that it leaves lengths about as they
/// are. `None` when the vectors are all the same.
///
/// Sources: Su, Cao, Liu and Ou, "Whitening sentence representations for better semantics and faster
/// retrieval", 2021; Higham, "Functions of matrices", 2008, §6.7 (the coupled iteration for square
/// roots).
///
/// # Errors
/// When the vectors cannot be multiplied, which is a bug.
pub fn half_whitening(vectors: &[&Matrix]) -> Result<Option<Dense>, ShapeError> {
    let rows = || vectors.iter().flat_map(|matrix| matrix.iter_rows());
    let (n, d) = (
        rows().count(),
        vectors.first().map_or(0, |matrix| matrix.columns()),
    );
    let length: f64 = rows().map(|row| f64::from(norm(row))).sum();
    let scale = (n as f64 / length) as f32;
    if n == 0 || d == 0 || !scale.is_finite() {
        return Ok(None);
    }
    let mut mean = vec![0f64; d];
    for row in rows() {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, x)| *m += f64::from(scale * x));
    }
    let mean: Vec<f32> = mean.iter().map(|m| (m / n as f64) as f32).collect();
    let mut centred = Vec::with_capacity(n * d);
    for row in rows() {
        centred.extend(row.iter().zip(&mean).map(|(x, m)| scale * x - m));
    }
    let mut covariance = vec![0.0; d * d];
    let view = View::new(&centred, n, d);
    let (to, all) = (ViewMut::new(&mut covariance, d, d), all_threads());
    matmul(to, 0.0, 1.0 / n as f32, view.t(), view, all)?;
    let trace: f32 = covariance.iter().step_by(d + 1).sum();
    if trace.is_nan() || trace <= f32::EPSILON {
        return Ok(None);
    }
    let towards = d as f32 / (n + d) as f32;
    covariance.iter_mut().for_each(|c| *c *= 1.0 - towards);
    covariance
        .iter_mut()
        .step_by(d + 1)
        .for_each(|c| *c += towards * trace / d as f32);
    let (root, _) = square_roots(&covariance, d)?;
    let (_, mut quarter) = square_roots(&root, d)?;
    let size = (d as f32).sqrt() / norm(&quarter);
    if !size.is_finite() {
        return Ok(None);
    }
    quarter.iter_mut().for_each(|x| *x *= size);
    let weight = Matrix::new(d, d, quarter)?;
    // The matrix is symmetric, so rows and columns are the same.
    let bias = weight.iter_rows().map(|row| -dot(row, &mean)).collect();
    let weight = Matrix::from_fn(d, d, |row, column| scale * weight.row(row)[column]);
    Ok(Some(Dense {
        weight,
        bias: Matrix::new(1, d, bias)?,
        activation: Activation::Identity,
    }))
}

/// Pairs of vectors through a layer.
///
/// # Errors
/// When the layer is for vectors of another length.
pub fn whitened(layer: &Dense, pairs: &Pairs) -> candle_core::Result<Pairs> {
    let through = |side| through(std::slice::from_ref(layer), side);
    Ok(Pairs {
        anchors: through(&pairs.anchors)?,
        positives: through(&pairs.positives)?,
        subgroups: pairs.subgroups.clone(),
    })
}

fn all_threads() -> Parallelism {
    Parallelism::Rayon(rayon::current_num_threads())
}

fn norm(x: &[f32]) -> f32 {
    x.iter()
        .map(|x| f64::from(*x) * f64::from(*x))
        .sum::<f64>()
        .sqrt() as f32
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum::<f64>() as f32
}

/// `A^½` and `A^(−½)` of a symmetric positive definite `d × d` matrix.
///
/// With `Y₀ = A/‖A‖` and `Z₀ = I`, `M = (3I − Z·Y)/2`, `Y ← Y·M`, `Z ← M·Z` go to the root and its
/// inverse; the sums are made in single precision, so it ends when `‖Z·Y − I‖` shrinks no more.
fn square_roots(a: &[f32], d: usize) -> Result<(Vec<f32>, Vec<f32>), ShapeError> {
    let size = norm(a);
    let mut y: Vec<f32> = a.iter().map(|x| x / size).collect();
    let mut z = Matrix::identity(d).into_data();
    let [mut m, mut next] = [vec![0.0; d * d], vec![0.0; d * d]];
    let product = |to: &mut [f32], a: &[f32], b: &[f32]| {
        let (a, b) = (View::new(a, d, d), View::new(b, d, d));
        matmul(ViewMut::new(to, d, d), 0.0, 1.0, a, b, all_threads())
    };
    let mut last = f32::INFINITY;
    for _ in 0..MOST_STEPS {
        product(&mut m, &z, &y)?;
        let mut off = 0f64;
        for (place, x) in m.iter_mut().enumerate() {
            let one = if place % (d + 1) == 0 { 1.0 } else { 0.0 };
            off += f64::from(*x - one).powi(2);
            *x = 0.5 * (3.0 * one - *x);
        }
        let off = off.sqrt() as f32;
        // At first it may grow; near the end only rounding is left.
        if off.is_nan() || (off < 0.1 && off >= 0.5 * last) {
            break;
        }
        last = off;
        product(&mut next, &y, &m)?;
        std::mem::swap(&mut y, &mut next);
        product(&mut next, &m, &z)?;
        std::mem::swap(&mut z, &mut next);
    }
    let root = size.sqrt();
    y.iter_mut().for_each(|x| *x *= root);
    z.iter_mut().for_each(|x| *x /= root);
    Ok((y, z))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(n: usize, d: usize) -> Matrix {
        let mut random = fastrand::Rng::with_seed(4);
        // Some directions ten times as wide as others.
        Matrix::from_fn(n, d, |_, column| {
            3.0 + (random.f32() - 0.5) * 0.1f32.powf(column as f32 / d as f32)
        })
    }

    fn covariance(vectors: &Matrix) -> Matrix {
        let (n, d) = (vectors.rows(), vectors.columns());
        let mean: Vec<f32> = (0..d)
            .map(|j| vectors.iter_rows().map(|row| row[j]).sum::<f32>() / n as f32)
            .collect();
        Matrix::from_fn(d, d, |i, j| {
            let products = vectors
                .iter_rows()
                .map(|row| (row[i] - mean[i]) * (row[j] - mean[j]));
            products.sum::<f32>() / n as f32
        })
    }

    #[test]
    fn roots_are_those_of_the_matrix() {
        let d = 24;
        let a = covariance(&vectors(5_000, d));
        let (root, inverse) = square_roots(a.data(), d).unwrap();
        let matrix = |data: &[f32]| Matrix::new(d, d, data.to_vec()).unwrap();
        use nearsay_core::tensor::Tensor as _;
        let squared = matrix(&root).matmul_t(&matrix(&root)).unwrap();
        let one = matrix(&root).matmul_t(&matrix(&inverse)).unwrap();
        let largest = a.data().iter().fold(0f32, |most, x| most.max(x.abs()));
        for (i, (found, expected)) in squared.data().iter().zip(a.data()).enumerate() {
            assert!(
                (found - expected).abs() < 1e-4 * largest,
                "{i}: {found} {expected}"
            );
        }
        for (i, x) in one.data().iter().enumerate() {
            let expected = if i % (d + 1) == 0 { 1.0 } else { 0.0 };
            assert!((x - expected).abs() < 1e-2, "{i}: {x}");
        }
    }

    /// Widths of 10 to 1 become √10 to 1, and the middle is where it was not.
    #[test]
    fn wide_directions_become_half_as_wide_on_the_scale_of_magnitudes() {
        let d = 16;
        let x = vectors(20_000, d);
        let layer = half_whitening(&[&x]).unwrap().unwrap();
        let y = layer.forward(&x).unwrap();
        let spread = |x: &Matrix| {
            let c = covariance(x);
            (c.data()[0] / c.data()[d * d - 1]).sqrt()
        };
        let (before, after) = (spread(&x), spread(&y));
        assert!(
            (after / before.sqrt() - 1.0).abs() < 0.1,
            "{before} {after}"
        );
        let mean: f32 = y.data().iter().sum::<f32>() / y.data().len() as f32;
        assert!(mean.abs() < 1e-3, "{mean}");
    }

    #[test]
    fn few_vectors_change_little_and_equal_ones_nothing() {
        let x = vectors(6, 200);
        let layer = half_whitening(&[&x]).unwrap().unwrap();
        let diagonal: Vec<f32> = layer.weight.data().iter().copied().step_by(201).collect();
        let middle = diagonal.iter().sum::<f32>() / 200.0;
        assert!(
            diagonal.iter().all(|x| (x / middle - 1.0).abs() < 0.5),
            "{diagonal:?}"
        );
        let same = Matrix::from_fn(50, 8, |_, column| column as f32);
        assert!(half_whitening(&[&same]).unwrap().is_none());
        assert!(half_whitening(&[]).unwrap().is_none());
    }
}
