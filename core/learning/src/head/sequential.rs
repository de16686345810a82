use super::{Folded, Head, HeadError, Mode};
use crate::tensor::Tensor;
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// Composition of heads: `y = headₙ(… head₁(x))`.
///
/// Weights are named `_sequential.<number>.<name>` with numbers from 0, as in PyTorch; parts without
/// weights count too. Folds into the layers of its parts, with every run of linear layers multiplied
/// into one. Source: `quaterion_models/heads/sequential_head.py`.
///
/// [`HeadConfig::StackedProjection`](super::HeadConfig::StackedProjection) and
/// [`HeadConfig::Widening`](super::HeadConfig::Widening) build sequential heads too; their weights
/// are named `_stack.<number>.<name>`.
pub struct Sequential<T> {
    prefix: &'static str,
    parts: Vec<Box<dyn Head<T>>>,
}

/// Name prefix of the weights.
pub(super) const SEQUENTIAL: &str = "_sequential";

/// Name prefix of the weights of stacked linear layers.
pub(super) const STACK: &str = "_stack";

impl<T: Tensor> Sequential<T> {
    /// Composes `parts` in order; custom heads are allowed.
    ///
    /// # Errors
    /// If `parts` is empty, or the output length of a part differs from the input length of the
    /// next.
    pub fn new(parts: Vec<Box<dyn Head<T>>>) -> Result<Self, HeadError<T::Error>> {
        check_chain(parts.iter().map(|part| (part.in_dim(), part.out_dim())))
            .map_err(HeadError::Config)?;
        Ok(Self::with_prefix(SEQUENTIAL, parts))
    }

    /// Composes parts of matching lengths, with weights named `<prefix>.<number>.<name>`.
    pub(super) fn with_prefix(prefix: &'static str, parts: Vec<Box<dyn Head<T>>>) -> Self {
        Self { prefix, parts }
    }

    fn fold_forward(
        &self,
        x: &T,
        mode: Mode,
        step: impl Fn(&dyn Head<T>, &T, Mode) -> Result<T, HeadError<T::Error>>,
    ) -> Result<T, HeadError<T::Error>> {
        let mut x = x.clone();
        for (part, number) in self.parts.iter().zip(0..) {
            x = step(part.as_ref(), &x, mode.part(number))?;
        }
        Ok(x)
    }
}

/// Checks that the output length of each part, `(in, out)`, is the input length of the next.
pub(super) fn check_chain(parts: impl Iterator<Item = (usize, usize)>) -> Result<(), String> {
    let mut last = None;
    for (number, (in_dim, out_dim)) in parts.enumerate() {
        if let Some(length) = last.filter(|&length| length != in_dim) {
            return Err(format!(
                "part {number} of a sequential head has input length {in_dim}, but the part before \
                 it has output length {length}; make them equal"
            ));
        }
        last = Some(out_dim);
    }
    match last {
        Some(_) => Ok(()),
        None => Err("sequential head has no parts; add at least one".into()),
    }
}

impl<T: Tensor> Head<T> for Sequential<T> {
    fn in_dim(&self) -> usize {
        self.parts.first().map_or(0, |part| part.in_dim())
    }

    fn out_dim(&self) -> usize {
        self.parts.last().map_or(0, |part| part.out_dim())
    }

    fn forward(&self, x: &T, mode: Mode) -> Result<T, HeadError<T::Error>> {
        self.fold_forward(x, mode, |part, x, mode| part.forward(x, mode))
    }

    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        self.fold_forward(x, mode, |part, x, mode| {
            part.forward_routed(x, encoders, mode)
        })
    }

    fn parameters(&self) -> Vec<(String, &T)> {
        let parts = self.parts.iter().enumerate();
        parts
            .flat_map(|(number, part)| {
                let named = part.parameters().into_iter();
                named
                    .map(move |(name, weight)| (format!("{}.{number}.{name}", self.prefix), weight))
            })
            .collect()
    }

    fn fold(&self) -> Result<Folded, HeadError<T::Error>> {
        let mut folded = Folded::Identity;
        for part in &self.parts {
            folded = folded.then(part.fold()?).map_err(HeadError::Fold)?;
        }
        Ok(folded)
    }
}
