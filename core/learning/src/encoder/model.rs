use super::{ComposeError, CompositeError, Encoder};
use crate::{
    head::{Head, Mode},
    tensor::Tensor,
};
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// An encoder followed by a head: `y = head(encoder(x))`.
///
/// Parameters are named `encoder.…` and `head.…`. As an [`Encoder`] it runs the head in
/// [`Mode::Eval`]; training uses [`forward`](Self::forward).
///
/// Source: `quaterion_models/model.py`.
pub struct SimilarityModel<T, E> {
    encoder: E,
    head: Box<dyn Head<T>>,
    names: Vec<String>,
}

impl<T: Tensor, E: Encoder<T>> SimilarityModel<T, E> {
    /// Combines an encoder and a head.
    ///
    /// # Errors
    /// If the input length of the head differs from the length of the encoder's vectors.
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

    /// Encodes a batch for training or inference: `n` inputs → `[n, dim]`.
    ///
    /// # Errors
    /// The error of the encoder or the head.
    pub fn forward(&self, batch: &[&E::Input], mode: Mode) -> Result<T, CompositeError> {
        let vectors = self
            .encoder
            .encode(batch)
            .map_err(|error| CompositeError::part("encoder", Box::new(error)))?;
        self.head
            .forward(&vectors, mode)
            .map_err(|error| CompositeError::part("head", Box::new(error)))
    }

    /// Encodes any number of inputs in batches of `batch` (at least 1): `n` inputs → `[n, dim]`,
    /// without gradient. Quaterion uses batches of 32.
    ///
    /// # Errors
    /// The error of the encoder, the head or the tensor back end.
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
