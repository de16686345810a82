//! Layer 0: what a head, a loss, a distance or a metric asks of a tensor library.
//!
//! A [`Tensor`] here is always two-dimensional: a batch of embeddings, one a row (`[n, d]`), a
//! similarity matrix (`[n, m]`), a column of per-row values (`[n, 1]`) or a scalar (`[1, 1]`).
//! Labels, masks and groups are plain slices that enter through [`Tensor::constant`], so the trait
//! needs neither integer nor boolean tensors. Gradients are the back end's own business: through
//! candle the same code differentiates, through [`Matrix`](crate::matrix::Matrix) it only computes.

/// A two-dimensional `f32` array with the few operations metric learning needs.
///
/// Element-wise operations of two tensors broadcast: an axis of length 1 stretches to the other's.
///
/// # Errors
///
/// Every operation fails with the back end's error when shapes do not fit.
///
/// # Example
///
/// A function written once runs on every back end:
///
/// ```
/// use crate::{matrix::Matrix, tensor::Tensor};
///
/// /// Mean of the squares of all elements: `[n, m] → [1, 1]`.
/// fn mean_square<T: Tensor>(x: &T) -> Result<T, T::Error> {
///     x.mul(x)?.mean()
/// }
///
/// let x = Matrix::from_rows(&[&[3.0, 4.0]]).unwrap();
/// assert_eq!(mean_square(&x).unwrap().to_vec().unwrap(), [12.5]);
/// ```
pub trait Tensor: Clone + 'static {
    /// What the back end reports when an operation cannot be done.
    type Error: core::error::Error + Send + Sync + 'static;

    /// `(rows, columns)`.
    fn dims(&self) -> (usize, usize);

    /// All elements, row by row. Synchronises with the device.
    ///
    /// # Errors
    /// The back end's, when the copy from the device fails.
    fn to_vec(&self) -> Result<alloc::vec::Vec<f32>, Self::Error>;

    /// A new tensor on the same device, without gradient, from `rows × columns` values row by row.
    ///
    /// # Errors
    /// When `data.len() != rows * columns`.
    fn constant(&self, data: &[f32], rows: usize, columns: usize) -> Result<Self, Self::Error>;

    /// The same values, cut off from the gradient.
    fn detach(&self) -> Self;

    /// `self · rhsᵀ`: `[n, d] × [m, d] → [n, m]`.
    ///
    /// # Errors
    /// When the numbers of columns differ.
    fn matmul_t(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// `[n, m] → [m, n]`.
    ///
    /// # Errors
    /// The back end's.
    fn transpose(&self) -> Result<Self, Self::Error>;

    /// Rows by number, in the given order, repeats allowed: `[n, m] → [rows.len(), m]`.
    ///
    /// # Errors
    /// When a number is `n` or more.
    fn select_rows(&self, rows: &[u32]) -> Result<Self, Self::Error>;

    /// Side by side: `[n, a], [n, b], … → [n, a + b + …]`.
    ///
    /// # Errors
    /// When the list is empty or the numbers of rows differ.
    fn concat_columns(parts: &[Self]) -> Result<Self, Self::Error>;

    /// Element-wise sum, with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not fit.
    fn add(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// Element-wise product, with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not fit.
    fn mul(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// Element-wise quotient, with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not fit.
    fn div(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// `scale · x + shift`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn affine(&self, scale: f32, shift: f32) -> Result<Self, Self::Error>;

    /// `eˣ`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn exp(&self) -> Result<Self, Self::Error>;

    /// Natural logarithm, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn ln(&self) -> Result<Self, Self::Error>;

    /// Square root, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn sqrt(&self) -> Result<Self, Self::Error>;

    /// `max(x, 0)`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn relu(&self) -> Result<Self, Self::Error>;

    /// The error function `2/√π · ∫₀ˣ e^(−t²) dt`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn erf(&self) -> Result<Self, Self::Error>;

    /// Sum of each row: `[n, m] → [n, 1]`.
    ///
    /// # Errors
    /// The back end's.
    fn sum_rows(&self) -> Result<Self, Self::Error>;

    /// Largest element of each row: `[n, m] → [n, 1]`.
    ///
    /// # Errors
    /// When a row is empty.
    fn max_rows(&self) -> Result<Self, Self::Error>;

    // Provided: made of the operations above.

    /// One below the other: `[a, m], [b, m], … → [a + b + …, m]`.
    ///
    /// # Errors
    /// When the list is empty or the numbers of columns differ.
    fn concat_rows(parts: &[Self]) -> Result<Self, Self::Error> {
        let turned: Result<alloc::vec::Vec<Self>, _> = parts.iter().map(Self::transpose).collect();
        Self::concat_columns(&turned?)?.transpose()
    }

    /// Element-wise difference, with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not fit.
    fn sub(&self, rhs: &Self) -> Result<Self, Self::Error> {
        self.add(&rhs.affine(-1.0, 0.0)?)
    }

    /// `|x| = relu(x) + relu(−x)`, element by element; its gradient at 0 is 0.
    ///
    /// # Errors
    /// The back end's.
    fn abs(&self) -> Result<Self, Self::Error> {
        self.relu()?.add(&self.affine(-1.0, 0.0)?.relu()?)
    }

    /// `max(x, least)`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn clamp_min(&self, least: f32) -> Result<Self, Self::Error> {
        self.affine(1.0, -least)?.relu()?.affine(1.0, least)
    }

    /// The logistic function `1 / (1 + e⁻ˣ)`, element by element.
    ///
    /// Computed as `e^(x−m) / (e^(x−m) + e⁻ᵐ)` with `m = max(x, 0)`, so that neither the value nor
    /// the gradient overflows, however large `|x|` is.
    ///
    /// # Errors
    /// The back end's.
    fn sigmoid(&self) -> Result<Self, Self::Error> {
        let max = self.relu()?.detach();
        let part = self.sub(&max)?.exp()?;
        part.div(&part.add(&max.affine(-1.0, 0.0)?.exp()?)?)
    }

    /// The hyperbolic tangent `2σ(2x) − 1`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn tanh(&self) -> Result<Self, Self::Error> {
        self.affine(2.0, 0.0)?.sigmoid()?.affine(2.0, -1.0)
    }

    /// The Gaussian error linear unit `x·Φ(x) = x/2 · (1 + erf(x/√2))`, element by element.
    ///
    /// Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016; the exact form, as
    /// `torch.nn.functional.gelu` has it by default.
    ///
    /// # Errors
    /// The back end's.
    fn gelu(&self) -> Result<Self, Self::Error> {
        let twice = self.affine(core::f32::consts::FRAC_1_SQRT_2, 0.0)?.erf()?;
        self.mul(&twice.affine(0.5, 0.5)?)
    }

    /// Sum of all elements: `[n, m] → [1, 1]`.
    ///
    /// # Errors
    /// The back end's.
    fn sum(&self) -> Result<Self, Self::Error> {
        self.sum_rows()?.transpose()?.sum_rows()
    }

    /// Mean of all elements: `[n, m] → [1, 1]`.
    ///
    /// # Errors
    /// The back end's.
    fn mean(&self) -> Result<Self, Self::Error> {
        let (rows, columns) = self.dims();
        self.sum()?.affine(1.0 / (rows * columns) as f32, 0.0)
    }

    /// Length of each row, at least `least`: `[n, m] → [n, 1]`.
    ///
    /// The square is clamped before the root, so that the gradient of a zero row is 0, not NaN.
    ///
    /// # Errors
    /// The back end's.
    fn norm_rows(&self, least: f32) -> Result<Self, Self::Error> {
        self.mul(self)?.sum_rows()?.clamp_min(least * least)?.sqrt()
    }

    /// Each row divided by its length; a row shorter than `1e-12` is divided by that instead.
    ///
    /// # Errors
    /// The back end's.
    fn normalize_rows(&self) -> Result<Self, Self::Error> {
        self.div(&self.norm_rows(1e-12)?)
    }

    /// `ln Σⱼ exp(xᵢⱼ)` of each row, computed around the row's maximum: `[n, m] → [n, 1]`.
    ///
    /// # Errors
    /// When a row is empty.
    fn logsumexp_rows(&self) -> Result<Self, Self::Error> {
        let max = self.max_rows()?.detach();
        self.sub(&max)?.exp()?.sum_rows()?.ln()?.add(&max)
    }
}
