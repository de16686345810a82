//! Layer 1: training samples and the targets of a batch made of them.

use alloc::vec::Vec;
use core::fmt;

/// Two objects that are alike or not.
#[derive(Clone, Debug, PartialEq)]
pub struct PairSample<O> {
    /// The anchor, for example a question.
    pub a: O,
    /// The positive (or, with score 0, the negative), for example its answer.
    pub b: O,
    /// How alike they are: 1 the same, 0 different.
    pub score: f32,
    /// Samples of one subgroup are never each other's negatives. All in one subgroup, which is
    /// the default, means that nothing is known about pairs of samples.
    pub subgroup: u64,
}

impl<O> PairSample<O> {
    /// A pair that belongs together (score 1), in subgroup 0.
    pub fn positive(a: O, b: O) -> Self {
        Self {
            a,
            b,
            score: 1.0,
            subgroup: 0,
        }
    }
}

/// An object and the group it belongs to, for example a question and the number of its answer.
///
/// All items of a group are alike, all others are not. The targets of a batch of `n` items are a
/// plain slice of `n` groups; the embeddings that go with it are `[n, d]`.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSample<O> {
    /// The object.
    pub item: O,
    /// Its group. Losses with a kernel (one row a group) need groups counted from 0; the others
    /// take any number.
    pub group: u64,
}

impl<O> GroupSample<O> {
    /// An item of a group.
    pub fn new(item: O, group: u64) -> Self {
        Self { item, group }
    }

    /// The targets of a batch of samples: one group an item.
    #[must_use]
    pub fn groups(samples: &[Self]) -> Vec<u64> {
        samples.iter().map(|sample| sample.group).collect()
    }
}

/// Checks that `rows` embeddings go with as many groups, at least one.
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

/// What is known about the `n` pairs of a batch.
///
/// The embeddings that go with it are `[2n, d]`: all `a` first, then all `b`, so that pair `i` is
/// rows `i` and `n + i`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PairTargets {
    /// One score a pair; see [`PairSample::score`].
    pub scores: Vec<f32>,
    /// One subgroup a pair; see [`PairSample::subgroup`].
    pub subgroups: Vec<u64>,
}

impl PairTargets {
    /// `n` pairs that each belong together, each its own subgroup.
    #[must_use]
    pub fn positives(n: usize) -> Self {
        Self {
            scores: alloc::vec![1.0; n],
            subgroups: (0..n as u64).collect(),
        }
    }

    /// The targets of a batch of samples.
    #[must_use]
    pub fn of<O>(samples: &[PairSample<O>]) -> Self {
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

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Checks that `2n` rows of embeddings go with `n` scores and `n` subgroups, `n` ≥ 1.
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

/// Why a batch cannot be used by a loss or a metric; `E` is the tensor back end's error.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchError<E> {
    /// There is no pair or item in the batch.
    Empty,
    /// The embeddings are not two rows a pair.
    Rows {
        /// Rows of the embeddings.
        rows: usize,
        /// Pairs of the targets.
        pairs: usize,
    },
    /// A ranking loss needs pairs that belong together; this pair's score is below 1.
    NotPositive {
        /// Number of the pair, from 0.
        pair: usize,
        /// Its score.
        score: f32,
    },
    /// The embeddings are not one row an item.
    Groups {
        /// Rows of the embeddings.
        rows: usize,
        /// Groups of the targets, one an item.
        groups: usize,
    },
    /// A loss with a kernel has no row for the group of this item.
    Group {
        /// Number of the item, from 0.
        item: usize,
        /// Its group.
        group: u64,
        /// Groups the kernel has rows for, counted from 0.
        groups: usize,
    },
    /// The guide's embeddings are not one row an embedding.
    Guide {
        /// Rows of the embeddings.
        rows: usize,
        /// Rows of the guide's.
        guide: usize,
    },
    /// Nothing in the batch can be compared, so that nothing can be learned from it. Not a loss of
    /// 0, which would look like success: whoever trains leaves the batch out.
    NothingToCompare {
        /// What the loss needs at least, for example `"two items of one group"`.
        needs: &'static str,
    },
    /// The tensor library failed.
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
                "{rows} embeddings do not go with {pairs} pairs; give two rows a pair, all a, then all b"
            ),
            Self::NotPositive { pair, score } => write!(
                f,
                "pair {pair} has score {score}, but a ranking loss learns from pairs of score 1 only; \
                 leave the pair out or use a contrastive loss"
            ),
            Self::Groups { rows, groups } => write!(
                f,
                "{rows} embeddings do not go with {groups} groups; give one group an embedding"
            ),
            Self::Group {
                item,
                group,
                groups,
            } => write!(
                f,
                "item {item} is of group {group}, but the loss knows {groups} groups, counted from 0; \
                 number the groups without gaps or give the loss a larger kernel"
            ),
            Self::Guide { rows, guide } => write!(
                f,
                "{guide} embeddings of the guide do not go with {rows} embeddings; give one each"
            ),
            Self::NothingToCompare { needs } => write!(
                f,
                "nothing in the batch can be compared, because the loss needs {needs}; leave the batch \
                 out or make it larger"
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
