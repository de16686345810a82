//! Data sets and batch samplers.
//!
//! A [`Dataset`] returns samples by number, a [`BatchSampler`] groups the numbers into the batches of
//! an epoch, and [`collate`] splits a batch into the objects for the encoder and the targets for the
//! loss. A batch is a plain list of numbers, so a run can stop after any batch and resume from
//! `(seed, epoch, batch)`.
//!
//! | data | sample | objects per sample | targets of a batch |
//! | --- | --- | --- | --- |
//! | pairs of matching (score 1) or unrelated (score 0) objects | [`PairSample`] | 2: `a`, `b` | [`PairTargets`] |
//! | groups of matching items | [`GroupSample`] | 1: `item` | `Vec<u64>` |
//!
//! | data set | source |
//! | --- | --- |
//! | `Vec<S>`, `[S]` | samples in memory |
//! | [`group_by_label`] | labelled items; equal labels form a group |
//! | [`pair_paraphrases`] | FAQ rows: an answer and paraphrases of its question |
//! | [`Mapped`] | another data set, with a function applied to each sample |
//! | [`Subset`] | selected or randomly drawn samples of another data set |
//!
//! | sampler | batches of an epoch | use |
//! | --- | --- | --- |
//! | [`Sequential`] | `0..b, b..2b, …` | evaluation; training as in the Quaterion tutorial |
//! | [`Shuffled`] | equal sizes, reshuffled each epoch | most training |
//! | [`NoDuplicates`] | distinct keys within a batch | ranking losses with in-batch negatives |
//! | [`Groups`] | `P` groups with `K` items each | triplet-like losses |
//!
//! Every sampler yields each sample exactly once per epoch.
//!
//! [`Remembered`] encodes samples and reads each of them once.
//!
//! Sources: `quaterion/dataset`; the batch samplers of sentence-transformers.

mod adapters;
mod groups;
mod no_duplicates;
mod random;
mod remembered;
mod sample;
mod sampler;

pub use adapters::{Mapped, Subset, group_by_label, pair_paraphrases};
pub use groups::Groups;
pub use no_duplicates::NoDuplicates;
pub(crate) use random::draw_numbers;
pub use remembered::{Encoded, LoadError, Remembered};
pub(crate) use remembered::{Failure, encode_samples};
pub use sample::{Sample, collate};
pub use sampler::{BatchSampler, Sequential, Shuffled};

#[cfg(doc)]
use crate::sample::PairTargets;
use crate::sample::{GroupSample, PairSample};
use alloc::{borrow::Cow, vec::Vec};
use core::fmt;

/// Random-access collection of samples.
///
/// # Example
///
/// A data set that computes its samples on demand:
///
/// ```
/// use nearsay_core::{dataset::{Dataset, OutOfRange, collate}, sample::PairSample};
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
    /// Sample type, for example [`PairSample`] or [`GroupSample`].
    type Sample: Clone;
    /// Error of reading a sample.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether the data set has no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a sample by its number, from 0: borrowed from memory or created.
    ///
    /// # Errors
    /// If the number is out of range or the sample can't be read.
    fn sample(&self, number: usize) -> Result<Cow<'_, Self::Sample>, Self::Error>;

    /// Returns several samples, in the order of `numbers`.
    ///
    /// # Errors
    /// The first error of [`sample`](Self::sample).
    fn samples(&self, numbers: &[usize]) -> Result<Vec<Cow<'_, Self::Sample>>, Self::Error> {
        numbers.iter().map(|&number| self.sample(number)).collect()
    }
}

/// Error of a sample number out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// Requested number.
    pub number: usize,
    /// Number of samples.
    pub len: usize,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, len } = self;
        write!(
            f,
            "sample {number} is out of range; the data set has {len} samples, numbered from 0"
        )
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

/// Subgroups of all pairs, as keys for [`NoDuplicates`].
///
/// If all pairs are in one subgroup, which means that their relation is unspecified (see
/// [`PairSample::subgroup`]), each pair gets a key of its own.
///
/// # Errors
/// If a sample can't be read.
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

/// Groups of all items, for [`Groups`].
///
/// # Errors
/// If a sample can't be read.
pub fn groups_of<O: Clone, D: Dataset<Sample = GroupSample<O>>>(
    dataset: &D,
) -> Result<Vec<u64>, D::Error> {
    (0..dataset.len())
        .map(|number| Ok(dataset.sample(number)?.group))
        .collect()
}

#[cfg(test)]
mod tests;
