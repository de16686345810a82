//! The [`Tensor`] trait: the operations that heads, losses, distances and metrics need.
//!
//! A [`Tensor`] is always two-dimensional: a batch of embeddings with one per row (`[n, d]`), a
//! similarity matrix (`[n, m]`), a column of per-row values (`[n, 1]`) or a scalar (`[1, 1]`).
//! Labels, masks and groups are plain slices that enter through [`Tensor::constant`], so the trait
//! needs neither integer nor boolean tensors. The back end decides about gradients: code over this
//! trait is differentiable on candle and computes values only on [`Matrix`](crate::matrix::Matrix).

/// A two-dimensional `f32` array with the few operations metric learning needs.
///
/// Element-wise operations of two tensors broadcast: an axis of length 1 stretches to the other's.
///
/// # Errors
///
/// Every operation returns the back end's error when the shapes don't match.
///
/// # Example
///
/// A generic function runs on every back end:
///
/// ```
/// use nearsay_core::{matrix::Matrix, tensor::Tensor};
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
    /// Error of a failed operation.
    type Error: core::error::Error + Send + Sync + 'static;

    /// `(rows, columns)`.
    fn dims(&self) -> (usize, usize);

    /// Copies all elements to the host in row-major order. Synchronises with the device.
    ///
    /// # Errors
    /// The back end's error if the copy fails.
    fn to_vec(&self) -> Result<alloc::vec::Vec<f32>, Self::Error>;

    /// Creates a tensor without gradient on the device of `self`, from `rows × columns` values in
    /// row-major order.
    ///
    /// # Errors
    /// If `data.len() != rows * columns`.
    fn constant(&self, data: &[f32], rows: usize, columns: usize) -> Result<Self, Self::Error>;

    /// A copy of the values through which no gradient flows.
    #[must_use]
    fn detach(&self) -> Self;

    /// `self · rhsᵀ`: `[n, d] × [m, d] → [n, m]`.
    ///
    /// # Errors
    /// If the operands differ in their number of columns.
    fn matmul_t(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// Transpose: `[n, m] → [m, n]`.
    ///
    /// # Errors
    /// The back end's.
    fn transpose(&self) -> Result<Self, Self::Error>;

    /// Gathers rows by index, in the given order and with repeats: `[n, m] → [rows.len(), m]`.
    ///
    /// # Errors
    /// If an index is `n` or more.
    fn select_rows(&self, rows: &[u32]) -> Result<Self, Self::Error>;

    /// Concatenates side by side: `[n, a], [n, b], … → [n, a + b + …]`.
    ///
    /// # Errors
    /// If `parts` is empty or its elements differ in their number of rows.
    fn concat_columns(parts: &[Self]) -> Result<Self, Self::Error>;

    /// Element-wise sum, with broadcasting.
    ///
    /// # Errors
    /// If the shapes can't be broadcast.
    fn add(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// Element-wise product, with broadcasting.
    ///
    /// # Errors
    /// If the shapes can't be broadcast.
    fn mul(&self, rhs: &Self) -> Result<Self, Self::Error>;

    /// Element-wise quotient, with broadcasting.
    ///
    /// # Errors
    /// If the shapes can't be broadcast.
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
    /// If the tensor has no columns.
    fn max_rows(&self) -> Result<Self, Self::Error>;

    // Provided methods, composed of the operations above.

    /// Stacks vertically: `[a, m], [b, m], … → [a + b + …, m]`.
    ///
    /// # Errors
    /// If `parts` is empty or its elements differ in their number of columns.
    fn concat_rows(parts: &[Self]) -> Result<Self, Self::Error> {
        let transposed: Result<alloc::vec::Vec<Self>, _> =
            parts.iter().map(Self::transpose).collect();
        Self::concat_columns(&transposed?)?.transpose()
    }

    /// Element-wise difference, with broadcasting.
    ///
    /// # Errors
    /// If the shapes can't be broadcast.
    fn sub(&self, rhs: &Self) -> Result<Self, Self::Error> {
        self.add(&rhs.affine(-1.0, 0.0)?)
    }

    /// `|x| = relu(x) + relu(−x)`, element by element. The gradient at 0 is 0.
    ///
    /// # Errors
    /// The back end's.
    fn abs(&self) -> Result<Self, Self::Error> {
        self.relu()?.add(&self.affine(-1.0, 0.0)?.relu()?)
    }

    /// `max(x, min)`, element by element.
    ///
    /// # Errors
    /// The back end's.
    fn clamp_min(&self, min: f32) -> Result<Self, Self::Error> {
        self.affine(1.0, -min)?.relu()?.affine(1.0, min)
    }

    /// The logistic function `1 / (1 + e⁻ˣ)`, element by element.
    ///
    /// Computed as `e^(x−m) / (e^(x−m) + e⁻ᵐ)` with `m = max(x, 0)`, so neither the value nor the
    /// gradient overflows for large `|x|`.
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
    /// Source: Hendrycks and Gimpel, "Gaussian error linear units (GELUs)", 2016; the exact form,
    /// which is the default of `torch.nn.functional.gelu`.
    ///
    /// # Errors
    /// The back end's.
    fn gelu(&self) -> Result<Self, Self::Error> {
        let erf = self.affine(core::f32::consts::FRAC_1_SQRT_2, 0.0)?.erf()?;
        self.mul(&erf.affine(0.5, 0.5)?)
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

    /// L2 norm of each row, clamped to at least `min`: `[n, m] → [n, 1]`.
    ///
    /// The square is clamped before the root, so the gradient of a zero row is 0 rather than NaN.
    ///
    /// # Errors
    /// The back end's.
    fn norm_rows(&self, min: f32) -> Result<Self, Self::Error> {
        self.mul(self)?.sum_rows()?.clamp_min(min * min)?.sqrt()
    }

    /// Divides each row by its L2 norm, clamped to at least `1e-12`.
    ///
    /// # Errors
    /// The back end's.
    fn normalize_rows(&self) -> Result<Self, Self::Error> {
        self.div(&self.norm_rows(1e-12)?)
    }

    /// `ln Σⱼ exp(xᵢⱼ)` of each row: `[n, m] → [n, 1]`.
    ///
    /// The maximum of each row is subtracted before `exp`, so large values don't overflow.
    ///
    /// # Errors
    /// If the tensor has no columns.
    fn logsumexp_rows(&self) -> Result<Self, Self::Error> {
        let max = self.max_rows()?.detach();
        self.sub(&max)?.exp()?.sum_rows()?.ln()?.add(&max)
    }
}
