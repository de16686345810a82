//! Layer 5: metrics of a whole data set.
//!
//! A batch metric says how well an embedding finds its own among the others of its batch; how good that
//! is depends on how many others there are. An [`Evaluator`] encodes a whole data set, batch by batch,
//! and lets each embedding find its own among *all* others.
//!
//! | sampler | who ranks | whom | for |
//! | --- | --- | --- | --- |
//! | [`PairSampler`] | all `2n` objects of `n` pairs, or some of them | all others | pairs of equals |
//! | [`PairSampler`] with `distinguish` | the `a` of all pairs, or of some | all `b` | questions and answers |
//! | [`GroupSampler`] | all `n` items, or some of them | all others | groups |
//!
//! With `sample_size` only some objects rank, drawn anew for each seed, but always among *all* others, so
//! that the figure estimates the whole one: `sample_size · n` distances instead of `n²`, and never more
//! than 16 MiB of them at once. How far an estimate may be off shows
//! [`evaluate_repeated`](Evaluator::evaluate_repeated): the data set is encoded once, sampled several
//! times, and each figure comes as mean ± standard deviation (asked for in Quaterion's issue 190). To
//! also encode less, evaluate a [`Subset`](crate::dataset::Subset); that is another, easier task, as
//! there are fewer to be confused with.
//!
//! Sources: `quaterion/eval/evaluator.py`, `quaterion/eval/samplers`. Two defects of those are not here:
//! over several batches `PairSampler(distinguish=True)` looks a pair's label up in the row of another
//! object, and `GroupSampler` leaves out the `i`-th object of the data set for the `i`-th that was drawn,
//! instead of that object itself, so that each finds itself first.

mod evaluator;
mod sampler;

pub use evaluator::{Estimate, Evaluator, Score};
pub use sampler::{GroupSampler, PairSampler, Sampler};

#[cfg(test)]
mod tests;
