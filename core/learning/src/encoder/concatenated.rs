use super::{ComposeError, CompositeError, Encoder, parts::Parts};
use crate::tensor::Tensor;
use alloc::{string::String, vec::Vec};

/// Several encoders of one record, their vectors side by side: `y = [e₁(r₁); e₂(r₂); …]`.
///
/// The parts come in order of their names (as bytes), whatever order they were given in, so that a
/// model means the same after it was saved and loaded. Each sees its own part of the record, and each
/// is trainable or frozen for itself. Parameters are named `part.parameter`.
///
/// Source: `quaterion_models/model.py`.
///
/// # Example
///
/// ```
/// use crate::{encoder::{Concatenated, Encoder}, matrix::{Matrix, ShapeError}};
///
/// /// The length of a text.
/// struct Length;
///
/// impl Encoder<Matrix> for Length {
///     type Input = str;
///     type Error = ShapeError;
///     fn dim(&self) -> usize { 1 }
///     fn trainable(&self) -> bool { false }
///     fn encode(&self, batch: &[&str]) -> Result<Matrix, ShapeError> {
///         Matrix::new(batch.len(), 1, batch.iter().map(|text| text.len() as f32).collect())
///     }
/// }
///
/// struct Page { title: String, body: String }
///
/// let pages = Concatenated::of("title", Length, |page: &Page| page.title.as_str())
///     .and("body", Length, |page: &Page| page.body.as_str())
///     .unwrap();
/// let page = Page { title: "Cats".into(), body: "All about them.".into() };
/// assert_eq!(pages.encode(&[&page]).unwrap().data(), [15.0, 4.0]);
/// ```
pub struct Concatenated<'a, T, R: ?Sized>(Parts<'a, T, R>);

impl<'a, T: Tensor, R: ?Sized> Concatenated<'a, T, R> {
    /// The first part: its name, its encoder, and where that finds its input in a record.
    #[must_use]
    pub fn of<E: Encoder<T> + 'a>(
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Self {
        let mut parts = Parts::new();
        // The first name cannot be repeated.
        parts.add(name.into(), encoder, extract).ok();
        Self(parts)
    }

    /// One more part.
    ///
    /// # Errors
    /// When there is a part of this name.
    pub fn and<E: Encoder<T> + 'a>(
        mut self,
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Result<Self, ComposeError> {
        self.0.add(name.into(), encoder, extract)?;
        Ok(self)
    }

    /// The names of the parts, in the order of their vectors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }
}

impl<T: Tensor, R: ?Sized> Encoder<T> for Concatenated<'_, T, R> {
    type Input = R;
    type Error = CompositeError;

    /// The sum of the parts'.
    fn dim(&self) -> usize {
        self.0.dims().sum()
    }

    fn trainable(&self) -> bool {
        self.0.trainable()
    }

    fn encode(&self, batch: &[&R]) -> Result<T, CompositeError> {
        let parts: Result<Vec<T>, _> = self
            .0
            .names()
            .map(|name| self.0.encode(name, batch))
            .collect();
        T::concat_columns(&parts?).map_err(CompositeError::tensor)
    }

    fn parameters(&self) -> Vec<(&str, &T)> {
        self.0.parameters()
    }
}
