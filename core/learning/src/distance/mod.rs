//! Distances and similarities between embeddings.
//!
//! | distance | pairwise `d` | pairwise `s` | matrix `d` | matrix `s` |
//! | --- | --- | --- | --- | --- |
//! | [`Cosine`] | `1 − cos` | `cos` | `(1 − cos) / 2` | `(1 + cos) / 2` |
//! | [`PlainCosine`] | `1 − cos` | `cos` | as pairwise | as pairwise |
//! | [`DotProduct`] | `−x·y` | `x·y` | as pairwise | as pairwise |
//! | [`Euclidean`] | `‖x − y‖₂` | `1 / (1 + d)` | as pairwise | as pairwise |
//! | [`Manhattan`] | `Σ|xᵢ − yᵢ|` | `1 / (1 + d)` | as pairwise | as pairwise |
//!
//! The definitions follow Quaterion (`quaterion/distances`), including a surprising one: its cosine
//! *matrices* lie in `[0, 1]` while its pairwise cosine doesn't. A ranking loss with scale 20 over
//! [`Cosine`] therefore behaves like scale 10 on the plain cosine. [`PlainCosine`] follows
//! sentence-transformers and uses `cos` in both forms.

mod cosine;
mod dot_product;
mod euclidean;
mod manhattan;

pub use cosine::{Cosine, PlainCosine};
pub use dot_product::DotProduct;
pub use euclidean::Euclidean;
pub use manhattan::Manhattan;

use crate::tensor::Tensor;
use core::{fmt, str::FromStr};

/// A distance and its similarity.
///
/// Row-wise methods compare row `i` of `x` with row `i` of `y`; matrix methods compare every row of
/// `x` with every row of `y`.
///
/// # Example
///
/// A custom distance defines the two distances; the similarities follow from them:
///
/// ```
/// use nearsay_core::{distance::Distance, matrix::Matrix, tensor::Tensor};
///
/// /// `‖x − y‖₂²`
/// struct SquaredEuclidean;
///
/// impl<T: Tensor> Distance<T> for SquaredEuclidean {
///     fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
///         let difference = x.sub(y)?;
///         difference.mul(&difference)?.sum_rows()
///     }
///     fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
///         let (xx, yy) = (x.mul(x)?.sum_rows()?, y.mul(y)?.sum_rows()?);
///         xx.add(&yy.transpose()?)?.sub(&x.matmul_t(y)?.affine(2.0, 0.0)?)
///     }
///     fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
///         distance.affine(-1.0, 0.0)
///     }
/// }
///
/// let x = Matrix::from_rows(&[[0.0, 0.0], [3.0, 4.0]]).unwrap();
/// let d = SquaredEuclidean.distance_matrix(&x, &x).unwrap();
/// assert_eq!(d.data(), [0.0, 25.0, 25.0, 0.0]);
/// ```
pub trait Distance<T: Tensor> {
    /// Distance of row `i` of `x` to row `i` of `y`: `[n, d], [n, d] → [n, 1]`.
    ///
    /// # Errors
    /// If `x` and `y` differ in shape.
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error>;

    /// Distance of every row of `x` to every row of `y`: `[n, d], [m, d] → [n, m]`.
    ///
    /// # Errors
    /// If `x` and `y` differ in their number of columns.
    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error>;

    /// Converts distances to similarities, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn similarity_of(&self, distance: &T) -> Result<T, T::Error>;

    /// Similarity of row `i` of `x` to row `i` of `y`: `[n, d], [n, d] → [n, 1]`.
    ///
    /// # Errors
    /// If `x` and `y` differ in shape.
    fn similarity(&self, x: &T, y: &T) -> Result<T, T::Error> {
        self.similarity_of(&self.distance(x, y)?)
    }

    /// Similarity of every row of `x` to every row of `y`: `[n, d], [m, d] → [n, m]`.
    ///
    /// # Errors
    /// If `x` and `y` differ in their number of columns.
    fn similarity_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        self.similarity_of(&self.distance_matrix(x, y)?)
    }
}

/// Built-in distance, selectable by name in settings and files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(rename_all = "snake_case"))]
pub enum DistanceKind {
    /// [`Cosine`], the default.
    #[default]
    Cosine,
    /// [`PlainCosine`].
    PlainCosine,
    /// [`DotProduct`].
    DotProduct,
    /// [`Euclidean`].
    Euclidean,
    /// [`Manhattan`].
    Manhattan,
}

impl DistanceKind {
    /// All built-in distances.
    pub const ALL: [Self; 5] = [
        Self::Cosine,
        Self::PlainCosine,
        Self::DotProduct,
        Self::Euclidean,
        Self::Manhattan,
    ];

    /// Name in settings and files; Quaterion's name where it has one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::PlainCosine => "plain_cosine",
            Self::DotProduct => "dot_product",
            Self::Euclidean => "euclidean",
            Self::Manhattan => "manhattan",
        }
    }

    fn as_distance<T: Tensor>(self) -> &'static dyn Distance<T> {
        match self {
            Self::Cosine => &Cosine,
            Self::PlainCosine => &PlainCosine,
            Self::DotProduct => &DotProduct,
            Self::Euclidean => &Euclidean,
            Self::Manhattan => &Manhattan,
        }
    }
}

impl fmt::Display for DistanceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Error of parsing an unknown distance name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownDistance;

impl fmt::Display for UnknownDistance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown distance; use one of")?;
        for (i, kind) in DistanceKind::ALL.iter().enumerate() {
            write!(f, "{} {kind}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownDistance {}

impl FromStr for DistanceKind {
    type Err = UnknownDistance;

    fn from_str(name: &str) -> Result<Self, UnknownDistance> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or(UnknownDistance)
    }
}

impl<T: Tensor> Distance<T> for DistanceKind {
    fn distance(&self, x: &T, y: &T) -> Result<T, T::Error> {
        self.as_distance().distance(x, y)
    }

    fn distance_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        self.as_distance().distance_matrix(x, y)
    }

    fn similarity_of(&self, distance: &T) -> Result<T, T::Error> {
        self.as_distance().similarity_of(distance)
    }

    fn similarity(&self, x: &T, y: &T) -> Result<T, T::Error> {
        self.as_distance().similarity(x, y)
    }

    fn similarity_matrix(&self, x: &T, y: &T) -> Result<T, T::Error> {
        self.as_distance().similarity_matrix(x, y)
    }
}

/// `1 / (1 + d)`: the similarity of distances in `[0, ∞)`.
fn inverse_similarity<T: Tensor>(distance: &T) -> Result<T, T::Error> {
    let one = distance.constant(&[1.0], 1, 1)?;
    one.div(&distance.affine(1.0, 1.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::Matrix;
    use proptest::prelude::*;

    fn embeddings() -> impl Strategy<Value = Matrix> {
        prop::collection::vec(-10.0f32..10.0, 5 * 4)
            .prop_map(|data| Matrix::new(5, 4, data).unwrap())
    }

    proptest! {
        #[test]
        fn distance_matrix_is_symmetric_with_zero_diagonal(x in embeddings()) {
            for kind in [DistanceKind::Cosine, DistanceKind::Euclidean, DistanceKind::Manhattan] {
                let d = kind.distance_matrix(&x, &x).unwrap();
                for i in 0..5 {
                    prop_assert!(d.row(i)[i].abs() < 1e-3, "{kind} diagonal {}", d.row(i)[i]);
                    for j in 0..5 {
                        prop_assert!((d.row(i)[j] - d.row(j)[i]).abs() < 1e-3);
                        prop_assert!(d.row(i)[j] > -1e-6);
                    }
                }
            }
        }

        #[test]
        fn plain_cosine_ignores_vector_length(x in embeddings(), scale in 0.1f32..10.0) {
            prop_assume!(x.iter_rows().all(|row| crate::matrix::dot(row, row) > 1e-2));
            let scaled = x.affine(scale, 0.0).unwrap();
            let (a, b) = (
                PlainCosine.similarity_matrix(&x, &x).unwrap(),
                PlainCosine.similarity_matrix(&scaled, &x).unwrap(),
            );
            for (a, b) in a.data().iter().zip(b.data()) {
                prop_assert!((a - b).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn distance_kind_names_round_trip() {
        for kind in DistanceKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert_eq!("cosin".parse::<DistanceKind>(), Err(UnknownDistance));
    }

    #[test]
    fn euclidean_matrix_agrees_above_and_below_row_limit() {
        let data: alloc::vec::Vec<f32> =
            (0..30 * 4).map(|i| ((i * 37) % 19) as f32 * 0.1).collect();
        let x = Matrix::new(30, 4, data).unwrap();
        let rows: alloc::vec::Vec<u32> = (0..20).collect();
        let large = Euclidean.distance_matrix(&x, &x).unwrap();
        let small = x.select_rows(&rows).unwrap();
        let small = Euclidean.distance_matrix(&small, &small).unwrap();
        for i in 0..20 {
            for j in 0..20 {
                assert!((large.row(i)[j] - small.row(i)[j]).abs() < 2e-3);
            }
        }
    }
}
