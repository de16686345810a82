use super::Encoder;
use crate::tensor::Tensor;

/// An encoder that training leaves as it is: no parameters, and its vectors carry no gradient.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frozen<E>(
    /// The encoder itself.
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
