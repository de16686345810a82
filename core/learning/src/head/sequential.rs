use super::{Folded, Head, HeadError, Mode};
use crate::tensor::Tensor;
use alloc::{boxed::Box, format, string::String, vec::Vec};

/// Heads one after another: `y = headₙ(… head₁(x))`.
///
/// Weights are named `_sequential.<number>.<name>`, numbers from 0, as PyTorch names them. Parts
/// without weights count too. It folds into what its parts fold into, with every run of linear
/// layers multiplied into one. Source: `quaterion_models/heads/sequential_head.py`.
///
/// A stacked projection and a widening head
/// ([`HeadConfig::StackedProjection`](super::HeadConfig::StackedProjection),
/// [`HeadConfig::Widening`](super::HeadConfig::Widening)) are such heads too, with weights named
/// `_stack.<number>.<name>`.
pub struct Sequential<T> {
    prefix: &'static str,
    parts: Vec<Box<dyn Head<T>>>,
}

/// First part of the weights' names.
pub(super) const SEQUENTIAL: &str = "_sequential";

/// The same, for stacks of linear layers.
pub(super) const STACK: &str = "_stack";

impl<T: Tensor> Sequential<T> {
    /// These parts one after another, heads of one's own among them.
    ///
    /// # Errors
    /// When there is none, or one does not take what the one before it gives.
    pub fn new(parts: Vec<Box<dyn Head<T>>>) -> Result<Self, HeadError<T::Error>> {
        check_chain(parts.iter().map(|part| (part.in_dim(), part.out_dim())))
            .map_err(HeadError::Config)?;
        Ok(Self::named(SEQUENTIAL, parts))
    }

    /// Parts that are known to follow on, with weights named `<prefix>.<number>.<name>`.
    pub(super) fn named(prefix: &'static str, parts: Vec<Box<dyn Head<T>>>) -> Self {
        Self { prefix, parts }
    }

    fn run(
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

/// Checks that each part, `(in, out)`, takes what the one before it gives.
pub(super) fn check_chain(parts: impl Iterator<Item = (usize, usize)>) -> Result<(), String> {
    let mut last = None;
    for (number, (takes, gives)) in parts.enumerate() {
        if let Some(length) = last.filter(|&length| length != takes) {
            return Err(format!(
                "part {number} of a sequential head takes embeddings of length {takes}, but the \
                 part before it gives {length}"
            ));
        }
        last = Some(gives);
    }
    match last {
        Some(_) => Ok(()),
        None => Err("a sequential head has no parts; give it at least one".into()),
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
        self.run(x, mode, |part, x, mode| part.forward(x, mode))
    }

    fn forward_routed(
        &self,
        x: &T,
        encoders: &[&str],
        mode: Mode,
    ) -> Result<T, HeadError<T::Error>> {
        self.run(x, mode, |part, x, mode| {
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
