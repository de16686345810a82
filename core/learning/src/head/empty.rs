use super::{Folded, Head, HeadError, Mode, check_width};
use crate::tensor::Tensor;
use alloc::{string::String, vec::Vec};

/// Identity head: `y = x`. Source: `quaterion_models/heads/empty_head.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Empty {
    dim: usize,
}

impl Empty {
    /// Creates the head for embeddings of length `dim`.
    #[must_use]
    pub fn new(dim: usize) -> Self {
        Self { dim }
    }
}

impl<T: Tensor> Head<T> for Empty {
    fn in_dim(&self) -> usize {
        self.dim
    }

    fn out_dim(&self) -> usize {
        self.dim
    }

    fn forward(&self, x: &T, _mode: Mode) -> Result<T, HeadError<T::Error>> {
        check_width(x, self.dim)?;
        Ok(x.clone())
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        Vec::new()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        Ok(Folded::Identity)
    }
}
