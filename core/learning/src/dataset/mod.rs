//! Layer 4: samples to learn from, and the batches they come in.
//!
//! A [`Dataset`] gives samples by number; a [`BatchSampler`] says which numbers make the batches of an
//! epoch; [`collate`] takes a batch apart into what the encoder sees and what the loss needs to know.
//! Between them nothing is hidden: a batch is a list of numbers, so a run can be stopped after any batch
//! and taken up again from `(seed, epoch, batch)`.
//!
//! | form of the data | sample | objects a sample | targets of a batch |
//! | --- | --- | --- | --- |
//! | pairs: these two belong together (score 1), or not (score 0) | [`PairSample`] | 2: `a`, `b` | [`PairTargets`] |
//! | groups: all of one number belong together | [`GroupSample`] | 1: `item` | `Vec<u64>` |
//!
//! | making samples | out of |
//! | --- | --- |
//! | `Vec<S>`, `[S]` | samples that are there already |
//! | [`labelled`] | items with a label each; equal labels make a group |
//! | [`wordings`] | rows of an FAQ: an answer and several ways to ask for it |
//! | [`Mapped`] | another data set, changed one by one as it is read |
//! | [`Subset`] | some of another's samples, chosen or drawn |
//!
//! | batches | of an epoch | for |
//! | --- | --- | --- |
//! | [`Sequential`] | `0..b, b..2b, …` | measuring; the tutorial's training |
//! | [`Shuffled`] | the same, in another order each epoch | most training |
//! | [`NoDuplicates`] | no two samples of a batch have the same key | ranking losses, to which every other answer of the batch is wrong |
//! | [`Groups`] | `P` groups, `K` items of each | triplet-like losses, which need several items of a group |
//!
//! In all of them every sample comes exactly once an epoch.
//!
//! [`Remembered`] turns samples into embeddings and reads each of them only once.
//!
//! Sources: `quaterion/dataset`; the batch samplers of sentence-transformers.

mod adapters;
mod groups;
mod no_duplicates;
mod random;
mod remembered;
mod sample;
mod sampler;

pub use adapters::{Mapped, Subset, labelled, wordings};
pub use groups::Groups;
pub use no_duplicates::NoDuplicates;
pub(crate) use random::draw;
pub use remembered::{Encoded, LoadError, Remembered};
pub(crate) use remembered::{Failure, encode_samples};
pub use sample::{Sample, collate};
pub use sampler::{BatchSampler, Sequential, Shuffled};

#[cfg(doc)]
use crate::sample::PairTargets;
use crate::sample::{GroupSample, PairSample};
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

/// Samples by number.
///
/// # Example
///
/// A data set that makes its samples when they are asked for:
///
/// ```
/// use crate::{dataset::{Dataset, OutOfRange, collate}, sample::PairSample};
/// use std::borrow::Cow;
///
/// /// `n` and its square, as texts.
/// struct Squares(usize);
///
/// impl Dataset for Squares {
///     type Sample = PairSample<String>;
///     type Error = OutOfRange;
///
///     fn len(&self) -> usize {
///         self.0
///     }
///
///     fn sample(&self, n: usize) -> Result<Cow<'_, PairSample<String>>, OutOfRange> {
///         if n >= self.0 {
///             return Err(OutOfRange { number: n, len: self.0 });
///         }
///         Ok(Cow::Owned(PairSample::positive(n.to_string(), (n * n).to_string())))
///     }
/// }
///
/// let batch = Squares(10).samples(&[2, 3]).unwrap();
/// let (objects, targets) = collate(batch.iter().map(AsRef::as_ref));
/// assert_eq!(objects, ["2", "3", "4", "9"]);
/// assert_eq!(targets.scores, [1.0, 1.0]);
/// ```
pub trait Dataset {
    /// One sample, for example [`PairSample`] or [`GroupSample`].
    type Sample: Clone;
    /// What can go wrong while reading one.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there is no sample.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One sample by its number, from 0: lent where there is one in memory, else made.
    ///
    /// # Errors
    /// When there is no such sample, or it cannot be read.
    fn sample(&self, number: usize) -> Result<Cow<'_, Self::Sample>, Self::Error>;

    /// Several samples, in the order of their numbers.
    ///
    /// # Errors
    /// As [`sample`](Self::sample), for the first that fails.
    fn samples(&self, numbers: &[usize]) -> Result<Vec<Cow<'_, Self::Sample>>, Self::Error> {
        numbers.iter().map(|&number| self.sample(number)).collect()
    }
}

/// A sample that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// The number asked for.
    pub number: usize,
    /// Samples there are.
    pub len: usize,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, len } = self;
        write!(f, "there is no sample {number}; there are {len}, from 0")
    }
}

impl core::error::Error for OutOfRange {}

impl<S: Clone> Dataset for [S] {
    type Sample = S;
    type Error = OutOfRange;

    fn len(&self) -> usize {
        self.len()
    }

    fn sample(&self, number: usize) -> Result<Cow<'_, S>, OutOfRange> {
        let len = self.len();
        let sample = self.get(number);
        sample.map(Cow::Borrowed).ok_or(OutOfRange { number, len })
    }
}

impl<S: Clone> Dataset for Vec<S> {
    type Sample = S;
    type Error = OutOfRange;

    fn len(&self) -> usize {
        self.len()
    }

    fn sample(&self, number: usize) -> Result<Cow<'_, S>, OutOfRange> {
        self.as_slice().sample(number)
    }
}

impl<D: Dataset + ?Sized> Dataset for &D {
    type Sample = D::Sample;
    type Error = D::Error;

    fn len(&self) -> usize {
        (**self).len()
    }

    fn sample(&self, number: usize) -> Result<Cow<'_, D::Sample>, D::Error> {
        (**self).sample(number)
    }
}

/// The subgroup of every pair, as keys for [`NoDuplicates`].
///
/// When all pairs are in one subgroup, which means that nothing is known of them (see
/// [`PairSample::subgroup`]), each gets a key of its own.
///
/// # Errors
/// When a sample cannot be read.
pub fn subgroups<O: Clone, D: Dataset<Sample = PairSample<O>>>(
    dataset: &D,
) -> Result<Vec<u64>, D::Error> {
    let keys: Result<Vec<u64>, _> = (0..dataset.len())
        .map(|number| Ok(dataset.sample(number)?.subgroup))
        .collect();
    let keys = keys?;
    if keys.windows(2).all(|pair| pair[0] == pair[1]) {
        return Ok((0..keys.len() as u64).collect());
    }
    Ok(keys)
}

/// The group of every item, for [`Groups`].
///
/// # Errors
/// When a sample cannot be read.
pub fn groups_of<O: Clone, D: Dataset<Sample = GroupSample<O>>>(
    dataset: &D,
) -> Result<Vec<u64>, D::Error> {
    (0..dataset.len())
        .map(|number| Ok(dataset.sample(number)?.group))
        .collect()
}

#[cfg(test)]
mod tests;
