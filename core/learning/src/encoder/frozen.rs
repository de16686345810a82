use super::Encoder;
use crate::tensor::Tensor;

/// Freezes an encoder: no trainable parameters, and vectors without gradient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frozen<E>(
    /// Frozen encoder.
    pub E,
);

impl<T: Tensor, E: Encoder<T>> Encoder<T> for Frozen<E> {
    type Input = E::Input;
    type Error = E::Error;

    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&E::Input]) -> Result<T, E::Error> {
        Ok(self.0.encode(batch)?.detach())
    }
}
