//! Batch metrics over a whole data set.
//!
//! A batch metric ranks an embedding's matches among the other embeddings of the batch, so its value
//! depends on the batch size. An [`Evaluator`] encodes a whole data set, batch by batch, and ranks each
//! embedding's matches among *all* embeddings.
//!
//! | sampler | queries | candidates | use |
//! | --- | --- | --- | --- |
//! | [`PairSampler`] | the `2n` objects of `n` pairs | all other objects | symmetric pairs |
//! | [`PairSampler`] with `distinguish` | the `a` of all pairs | all `b` | questions and answers |
//! | [`GroupSampler`] | the `n` items | all other items | groups |
//!
//! With `sample_size` the queries are a random sample per seed. The candidates are still *all* objects,
//! so the value is an estimate of the full value, with `sample_size · n` instead of `n²` distances and
//! at most 16 MiB of them in memory. [`evaluate_repeated`](Evaluator::evaluate_repeated) measures the
//! error of the estimate: it encodes the data set once, draws several samples and returns mean and
//! standard deviation. To encode less, evaluate a [`Subset`](crate::dataset::Subset), which is an easier
//! task because it has fewer candidates.
//!
//! Sources: `quaterion/eval/evaluator.py`, `quaterion/eval/samplers`.
//!
//! # Differences from Quaterion
//!
//! Over several batches, Quaterion's `PairSampler(distinguish=True)` reads the label of a pair from the
//! row of another object. Its `GroupSampler` excludes the `i`-th object of the data set for the `i`-th
//! drawn object instead of the drawn object, which therefore finds itself first.

mod evaluator;
mod sampler;

pub use evaluator::{Estimate, Evaluator, Score};
pub use sampler::{GroupSampler, PairSampler, Sampler};

#[cfg(test)]
mod tests;
