use super::{ComposeError, CompositeError, Encoder};
use crate::{
    head::{Head, Mode},
    tensor::Tensor,
};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// An encoder and the head behind it, as one encoder: `y = head(encoder(x))`.
///
/// What is searched with, measured and served. Parameters are named `encoder.…` and `head.…`. As an
/// [`Encoder`] it runs its head in [`Mode::Eval`]; training uses [`forward`](Self::forward).
///
/// Source: `quaterion_models/model.py`.
pub struct SimilarityModel<T, E> {
    encoder: E,
    head: Box<dyn Head<T>>,
    names: Vec<String>,
}

impl<T: Tensor, E: Encoder<T>> SimilarityModel<T, E> {
    /// An encoder with a head behind it.
    ///
    /// # Errors
    /// When the head is for vectors of another length.
    pub fn new(encoder: E, head: Box<dyn Head<T>>) -> Result<Self, ComposeError> {
        if head.in_dim() != encoder.dim() {
            return Err(ComposeError::Dim {
                name: "encoder".into(),
                expected: head.in_dim(),
                found: encoder.dim(),
            });
        }
        let mut names = Vec::new();
        if encoder.trainable() {
            let own = encoder.parameters();
            names.extend(own.iter().map(|(name, _)| format!("encoder.{name}")));
        }
        let own = head.parameters();
        names.extend(own.iter().map(|(name, _)| format!("head.{name}")));
        drop(own);
        Ok(Self {
            encoder,
            head,
            names,
        })
    }

    /// The encoder.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &dyn Head<T> {
        self.head.as_ref()
    }

    /// Encodes a batch in training or in use: `n` inputs → `[n, dim]`.
    ///
    /// # Errors
    /// What encoder or head report.
    pub fn forward(&self, batch: &[&E::Input], mode: Mode) -> Result<T, CompositeError> {
        let part = |name: &str, source| CompositeError::Part {
            name: name.into(),
            source,
        };
        let vectors = self.encoder.encode(batch);
        let vectors = vectors.map_err(|error| part("encoder", Box::new(error)))?;
        let vectors = self.head.forward(&vectors, mode);
        vectors.map_err(|error| part("head", Box::new(error)))
    }

    /// Encodes any number of inputs, at most `batch` (at least 1; Quaterion takes 32) at once: `n`
    /// inputs → `[n, dim]`, without gradient.
    ///
    /// # Errors
    /// What encoder, head or the tensor library report.
    pub fn encode_all(&self, inputs: &[&E::Input], batch: usize) -> Result<T, CompositeError> {
        let parts: Result<Vec<T>, _> = inputs
            .chunks(batch.max(1))
            .map(|inputs| Ok(self.encode(inputs)?.detach()))
            .collect();
        match parts?.as_slice() {
            [] => self.encode(inputs),
            [one] => Ok(one.clone()),
            several => T::concat_rows(several).map_err(CompositeError::tensor),
        }
    }
}

impl<T: Tensor, E: Encoder<T>> Encoder<T> for SimilarityModel<T, E> {
    type Input = E::Input;
    type Error = CompositeError;

    fn dim(&self) -> usize {
        self.head.out_dim()
    }

    fn trainable(&self) -> bool {
        self.encoder.trainable() || !self.head.parameters().is_empty()
    }

    fn encode(&self, batch: &[&E::Input]) -> Result<T, CompositeError> {
        self.forward(batch, Mode::Eval)
    }

    fn parameters(&self) -> Vec<(&str, &T)> {
        let mut values = Vec::new();
        if self.encoder.trainable() {
            let own = self.encoder.parameters();
            values.extend(own.into_iter().map(|(_, value)| value));
        }
        let own = self.head.parameters();
        values.extend(own.into_iter().map(|(_, value)| value));
        self.names.iter().map(String::as_str).zip(values).collect()
    }
}
