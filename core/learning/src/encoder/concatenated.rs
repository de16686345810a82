use super::{ComposeError, CompositeError, Encoder, parts::Parts};
use crate::tensor::Tensor;
use alloc::{string::String, vec::Vec};

/// Concatenates the vectors of several encoders of a record: `y = [e₁(r₁); e₂(r₂); …]`.
///
/// The parts are ordered by name (bytewise), independent of the order in which they are added, so the
/// layout of the vectors survives saving and loading. Each part encodes its own piece of the record
/// and is trainable or frozen on its own. Parameters are named `part.parameter`.
///
/// Source: `quaterion_models/model.py`.
///
/// # Example
///
/// ```
/// use nearsay_core::{encoder::{Concatenated, Encoder}, matrix::{Matrix, ShapeError}};
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
/// let pages = Concatenated::new("title", Length, |page: &Page| page.title.as_str())
///     .and("body", Length, |page: &Page| page.body.as_str())
///     .unwrap();
/// let page = Page { title: "Cats".into(), body: "All about them.".into() };
/// assert_eq!(pages.encode(&[&page]).unwrap().data(), [15.0, 4.0]);
/// ```
pub struct Concatenated<'a, T, R: ?Sized>(Parts<'a, T, R>);

impl<'a, T: Tensor, R: ?Sized> Concatenated<'a, T, R> {
    /// Creates the encoder with its first part; `extract` returns the input of the part.
    #[must_use]
    pub fn new<E: Encoder<T> + 'a>(
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Self {
        let mut parts = Parts::new();
        // Can't fail: the first name isn't a repetition.
        parts.add(name.into(), encoder, extract).ok();
        Self(parts)
    }

    /// Adds a part.
    ///
    /// # Errors
    /// If the name is already used.
    pub fn and<E: Encoder<T> + 'a>(
        mut self,
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Result<Self, ComposeError> {
        self.0.add(name.into(), encoder, extract)?;
        Ok(self)
    }

    /// Names of the parts, in the order of their vectors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }
}

impl<T: Tensor, R: ?Sized> Encoder<T> for Concatenated<'_, T, R> {
    type Input = R;
    type Error = CompositeError;

    /// Sum of the lengths of the parts.
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
