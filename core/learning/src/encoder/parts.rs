use super::{BoxError, ComposeError, CompositeError, Encoder};
use crate::tensor::Tensor;
use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};

/// An encoder of records, with its input type erased.
trait Part<T: Tensor, R: ?Sized> {
    fn dim(&self) -> usize;
    fn trainable(&self) -> bool;
    fn encode(&self, records: &[&R]) -> Result<T, BoxError>;
    fn parameters(&self) -> Vec<(&str, &T)>;
}

/// An encoder and a function that extracts its input from a record.
struct Extracted<E, F> {
    encoder: E,
    extract: F,
}

impl<T, R, E, F> Part<T, R> for Extracted<E, F>
where
    T: Tensor,
    R: ?Sized,
    E: Encoder<T>,
    F: for<'r> Fn(&'r R) -> &'r E::Input,
{
    fn dim(&self) -> usize {
        self.encoder.dim()
    }

    fn trainable(&self) -> bool {
        self.encoder.trainable()
    }

    fn encode(&self, records: &[&R]) -> Result<T, BoxError> {
        let inputs: Vec<&E::Input> = records
            .iter()
            .map(|record| (self.extract)(record))
            .collect();
        Ok(self.encoder.encode(&inputs)?)
    }

    fn parameters(&self) -> Vec<(&str, &T)> {
        self.encoder.parameters()
    }
}

/// A part and the full names of its parameters.
struct Named<'a, T, R: ?Sized> {
    part: Box<dyn Part<T, R> + 'a>,
    names: Vec<String>,
}

/// Encoders of a record type by name, at least one.
pub(super) struct Parts<'a, T, R: ?Sized>(BTreeMap<String, Named<'a, T, R>>);

impl<'a, T: Tensor, R: ?Sized> Parts<'a, T, R> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(super) fn add<E: Encoder<T> + 'a>(
        &mut self,
        name: String,
        encoder: E,
        extract: impl for<'r> Fn(&'r R) -> &'r E::Input + 'a,
    ) -> Result<(), ComposeError> {
        if self.0.contains_key(&name) {
            return Err(ComposeError::Repeated { name });
        }
        let parameters = encoder.parameters();
        let names = parameters
            .iter()
            .map(|(own, _)| format!("{name}.{own}"))
            .collect();
        drop(parameters);
        let part = Box::new(Extracted { encoder, extract });
        self.0.insert(name, Named { part, names });
        Ok(())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn dims(&self) -> impl Iterator<Item = usize> {
        self.0.values().map(|named| named.part.dim())
    }

    pub(super) fn trainable(&self) -> bool {
        self.0.values().any(|named| named.part.trainable())
    }

    /// Parameters of the trainable parts, prefixed with the part names.
    pub(super) fn parameters(&self) -> Vec<(&str, &T)> {
        let trainable = self.0.values().filter(|named| named.part.trainable());
        trainable
            .flat_map(|named| {
                let values = named.part.parameters().into_iter().map(|(_, value)| value);
                named.names.iter().map(String::as_str).zip(values)
            })
            .collect()
    }

    /// Encodes records with one part and checks the shape of the result.
    pub(super) fn encode(&self, name: &str, records: &[&R]) -> Result<T, CompositeError> {
        let Some(named) = self.0.get(name) else {
            return Err(CompositeError::Unknown {
                name: name.into(),
                known: self.0.keys().cloned().collect(),
            });
        };
        let vectors = named.part.encode(records);
        let vectors = vectors.map_err(|source| CompositeError::part(name, source))?;
        let expected = (records.len(), named.part.dim());
        if vectors.dims() != expected {
            return Err(CompositeError::Shape {
                name: name.into(),
                expected,
                found: vectors.dims(),
            });
        }
        Ok(vectors)
    }
}
