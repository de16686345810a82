//! Training samples and batch targets.

use alloc::vec::Vec;
use core::fmt;

/// Two objects and their similarity score.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSample<O> {
    /// The anchor, for example a question.
    pub a: O,
    /// The positive, for example the answer; with score 0 it is a negative.
    pub b: O,
    /// Similarity of the two objects, from 0 (unrelated) to 1 (matching).
    pub score: f32,
    /// Samples of the same subgroup never serve as each other's negatives. By default all samples
    /// are in subgroup 0, which leaves the relation between samples unspecified.
    pub subgroup: u64,
}

impl<O> PairSample<O> {
    /// A matching pair: score 1, subgroup 0.
    pub fn positive(a: O, b: O) -> Self {
        Self {
            a,
            b,
            score: 1.0,
            subgroup: 0,
        }
    }
}

/// An object and its group, for example a question and the index of its answer.
///
/// Items of the same group match each other; items of different groups don't. The targets of a
/// batch of `n` items are a slice of `n` group ids; the embeddings of the batch are `[n, d]`.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSample<O> {
    /// The object.
    pub item: O,
    /// Group id. Losses with a kernel (one row per group) need ids `0..groups`; other losses accept
    /// any ids.
    pub group: u64,
}

impl<O> GroupSample<O> {
    /// Creates a sample.
    pub fn new(item: O, group: u64) -> Self {
        Self { item, group }
    }

    /// Targets of a batch of samples: one group id per item.
    #[must_use]
    pub fn groups(samples: &[Self]) -> Vec<u64> {
        samples.iter().map(|sample| sample.group).collect()
    }
}

/// Checks that a batch isn't empty and has one group per embedding row.
///
/// # Errors
/// [`BatchError::Empty`] or [`BatchError::Groups`].
pub fn check_groups<E>(rows: usize, groups: &[u64]) -> Result<(), BatchError<E>> {
    if groups.is_empty() {
        return Err(BatchError::Empty);
    }
    if rows != groups.len() {
        return Err(BatchError::Groups {
            rows,
            groups: groups.len(),
        });
    }
    Ok(())
}

/// Targets of a batch of `n` pairs.
///
/// The embeddings of the batch are `[2n, d]`: all `a` first, then all `b`, so pair `i` is in rows
/// `i` and `n + i`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairTargets {
    /// One score per pair; see [`PairSample::score`].
    pub scores: Vec<f32>,
    /// One subgroup per pair; see [`PairSample::subgroup`].
    pub subgroups: Vec<u64>,
}

impl PairTargets {
    /// `n` matching pairs, each in a subgroup of its own.
    #[must_use]
    pub fn positives(n: usize) -> Self {
        Self {
            scores: alloc::vec![1.0; n],
            subgroups: (0..n as u64).collect(),
        }
    }

    /// Targets of a batch of samples.
    #[must_use]
    pub fn from_samples<O>(samples: &[PairSample<O>]) -> Self {
        Self {
            scores: samples.iter().map(|sample| sample.score).collect(),
            subgroups: samples.iter().map(|sample| sample.subgroup).collect(),
        }
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether the batch has no pairs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Checks that the batch isn't empty and has two embedding rows and one subgroup per score.
    ///
    /// # Errors
    /// [`BatchError::Empty`] or [`BatchError::Rows`].
    pub fn check<E>(&self, rows: usize) -> Result<(), BatchError<E>> {
        if self.is_empty() {
            return Err(BatchError::Empty);
        }
        if rows != 2 * self.len() || self.subgroups.len() != self.len() {
            return Err(BatchError::Rows {
                rows,
                pairs: self.len(),
            });
        }
        Ok(())
    }
}

/// Error of a loss or metric on a batch; `E` is the tensor back end's error.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchError<E> {
    /// The batch has no pairs or items.
    Empty,
    /// The number of embedding rows isn't twice the number of pairs.
    Rows {
        /// Embedding rows.
        rows: usize,
        /// Pairs in the targets.
        pairs: usize,
    },
    /// A ranking loss got a pair with a score below 1.
    NotPositive {
        /// Index of the pair.
        pair: usize,
        /// Score of the pair.
        score: f32,
    },
    /// The number of embedding rows differs from the number of groups.
    Groups {
        /// Embedding rows.
        rows: usize,
        /// Groups in the targets.
        groups: usize,
    },
    /// The kernel of a loss has no row for the group of an item.
    Group {
        /// Index of the item.
        item: usize,
        /// Group id of the item.
        group: u64,
        /// Number of groups in the kernel.
        groups: usize,
    },
    /// The number of guide embeddings differs from the number of embeddings.
    Guide {
        /// Embedding rows.
        rows: usize,
        /// Guide embedding rows.
        guide: usize,
    },
    /// The batch has no comparison to learn from. This is an error rather than a loss of 0, which
    /// would look like success; training loops skip the batch.
    NothingToCompare {
        /// Minimum that the loss needs, for example `"two items of one group"`.
        needs: &'static str,
    },
    /// The tensor back end failed.
    Tensor(E),
}

impl<E> From<E> for BatchError<E> {
    fn from(error: E) -> Self {
        Self::Tensor(error)
    }
}

impl<E: fmt::Display> fmt::Display for BatchError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the batch is empty; give it at least one pair or item"),
            Self::Rows { rows, pairs } => write!(
                f,
                "got {rows} embeddings for {pairs} pairs; pass two rows per pair, all a, then all b"
            ),
            Self::NotPositive { pair, score } => write!(
                f,
                "pair {pair} has score {score}, but a ranking loss accepts only pairs with score 1; \
                 remove the pair or use a contrastive loss"
            ),
            Self::Groups { rows, groups } => write!(
                f,
                "got {rows} embeddings for {groups} groups; pass one group per embedding"
            ),
            Self::Group {
                item,
                group,
                groups,
            } => write!(
                f,
                "item {item} has group {group}, but the kernel of the loss has {groups} groups, \
                 numbered from 0; number the groups without gaps or create a larger kernel"
            ),
            Self::Guide { rows, guide } => write!(
                f,
                "got {guide} guide embeddings for {rows} embeddings; pass one per embedding"
            ),
            Self::NothingToCompare { needs } => write!(
                f,
                "the batch has nothing to compare: the loss needs {needs}; skip the batch or make it \
                 larger"
            ),
            Self::Tensor(error) => error.fmt(f),
        }
    }
}

impl<E: core::error::Error + 'static> core::error::Error for BatchError<E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Tensor(error) => Some(error),
            _ => None,
        }
    }
}
