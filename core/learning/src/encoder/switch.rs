use super::{ComposeError, CompositeError, Encoder, parts::Parts};
use crate::tensor::Tensor;
use alloc::{boxed::Box, collections::BTreeMap, string::String, vec::Vec};

/// Several encoders of vectors of equal length, of which each record chooses one by name.
///
/// For records of several kinds that are to lie in one space, for example pictures and their captions.
/// Each encoder is given its records of a batch at once; the rows come in the order of the records.
/// Parameters are named `encoder.parameter`.
///
/// Source: `quaterion_models/encoders/switch_encoder.py`.
///
/// # Example
///
/// ```
/// use crate::{encoder::{Encoder, Switch}, matrix::{Matrix, ShapeError}};
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
/// let texts = Switch::by(kind, "question", Length(10.0), |text: &str| text)
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
    /// How a record chooses, and the first encoder: its name, itself, and where it finds its input in
    /// a record.
    #[must_use]
    pub fn by<E: Encoder<T> + 'a>(
        select: impl for<'r> Fn(&'r R) -> &'r str + 'a,
        name: impl Into<String>,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Self {
        let dim = encoder.dim();
        let mut parts = Parts::new();
        // The first name cannot be repeated.
        parts.add(name.into(), encoder, extract).ok();
        Self {
            parts,
            select: Box::new(select),
            dim,
        }
    }

    /// One more encoder.
    ///
    /// # Errors
    /// When there is one of this name, or its vectors are longer or shorter than the first one's.
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
        let mut chosen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, record) in batch.iter().enumerate() {
            chosen.entry((self.select)(record)).or_default().push(place);
        }
        let mut vectors = Vec::with_capacity(chosen.len());
        let mut row_of = alloc::vec![0u32; batch.len()];
        let mut rows = 0;
        for (name, places) in &chosen {
            let records: Vec<&R> = places.iter().map(|&place| batch[place]).collect();
            vectors.push(self.parts.encode(name, &records)?);
            for &place in places {
                row_of[place] = rows;
                rows += 1;
            }
        }
        match (vectors.as_slice(), self.parts.names().next()) {
            // One encoder for all: the rows are in order already.
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
