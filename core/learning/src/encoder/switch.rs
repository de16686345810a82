use super::{ComposeError, CompositeError, Encoder, parts::Parts};
use crate::tensor::Tensor;
use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

/// Encodes each record with one of several encoders, chosen by name.
///
/// For different kinds of records in one vector space, for example pictures and their captions. All
/// encoders have the same embedding length. Each encoder gets its records of a batch at once; the
/// output rows are in the order of the records. Parameters are named `encoder.parameter`.
///
/// Source: `quaterion_models/encoders/switch_encoder.py`.
///
/// # Example
///
/// ```
/// use nearsay_core::{encoder::{Encoder, Switch}, matrix::{Matrix, ShapeError}};
///
/// /// The length of a text, times a factor.
/// struct Length(f32);
///
/// impl Encoder<Matrix> for Length {
///     type Input = str;
///     type Error = ShapeError;
///     fn dim(&self) -> usize { 1 }
///     fn trainable(&self) -> bool { false }
///     fn encode(&self, batch: &[&str]) -> Result<Matrix, ShapeError> {
///         Matrix::new(batch.len(), 1, batch.iter().map(|text| text.len() as f32 * self.0).collect())
///     }
/// }
///
/// fn kind(text: &str) -> &str {
///     if text.ends_with('?') { "question" } else { "answer" }
/// }
///
/// let texts = Switch::new(kind, "question", Length(10.0), |text: &str| text)
///     .and("answer", Length(1.0), |text: &str| text)
///     .unwrap();
/// assert_eq!(texts.encode(&["yes", "why?", "no"]).unwrap().data(), [3.0, 40.0, 2.0]);
/// ```
pub struct Switch<'a, T, R: ?Sized> {
    parts: Parts<'a, T, R>,
    select: Box<dyn for<'r> Fn(&'r R) -> &'r str + 'a>,
    dim: usize,
}

impl<'a, T: Tensor, R: ?Sized> Switch<'a, T, R> {
    /// Creates a switch with its first encoder. `select` returns the encoder name of a record, and
    /// `extract` the input of the encoder.
    #[must_use]
    pub fn new<E: Encoder<T> + 'a>(
        select: impl for<'r> Fn(&'r R) -> &'r str + 'a,
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Self {
        let dim = encoder.dim();
        let mut parts = Parts::new();
        // Can't fail: the first name isn't a repetition.
        parts.add(name.into(), encoder, extract).ok();
        Self {
            parts,
            select: Box::new(select),
            dim,
        }
    }

    /// Adds an encoder.
    ///
    /// # Errors
    /// If the name is already used, or the embedding length differs from that of the first encoder.
    pub fn and<E: Encoder<T> + 'a>(
        mut self,
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Result<Self, ComposeError> {
        let name = name.into();
        if encoder.dim() != self.dim {
            return Err(ComposeError::Dim {
                name,
                expected: self.dim,
                found: encoder.dim(),
            });
        }
        self.parts.add(name, encoder, extract)?;
        Ok(self)
    }
}

impl<T: Tensor, R: ?Sized> Encoder<T> for Switch<'_, T, R> {
    type Input = R;
    type Error = CompositeError;

    fn dim(&self) -> usize {
        self.dim
    }

    fn trainable(&self) -> bool {
        self.parts.trainable()
    }

    fn encode(&self, batch: &[&R]) -> Result<T, CompositeError> {
        let mut records_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, record) in batch.iter().enumerate() {
            let name = (self.select)(record);
            records_of.entry(name).or_default().push(index);
        }
        let mut vectors = Vec::with_capacity(records_of.len());
        let mut row_of = alloc::vec![0u32; batch.len()];
        let mut rows = 0;
        for (name, indices) in &records_of {
            let records: Vec<&R> = indices.iter().map(|&index| batch[index]).collect();
            vectors.push(self.parts.encode(name, &records)?);
            for &index in indices {
                row_of[index] = rows;
                rows += 1;
            }
        }
        match (vectors.as_slice(), self.parts.names().next()) {
            // Rows of a single encoder are in order already.
            ([all], _) => Ok(all.clone()),
            ([], Some(first)) => self.parts.encode(first, batch),
            (several, _) => T::concat_rows(several)
                .and_then(|all| all.select_rows(&row_of))
                .map_err(CompositeError::tensor),
        }
    }

    fn parameters(&self) -> Vec<(&str, &T)> {
        self.parts.parameters()
    }
}
