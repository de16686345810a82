use super::{Dataset, draw};
use crate::sample::{GroupSample, PairSample};
use alloc::{borrow::Cow, collections::BTreeMap, vec::Vec};

/// Items with a label each, as members of groups: one group for each different label.
///
/// Groups are numbered from 0 in order of appearance, as losses with a kernel need them.
/// Source: `quaterion/dataset/similarity_dataset.py` (`SimilarityGroupDataset`).
///
/// ```
/// use crate::dataset::labelled;
///
/// let samples = labelled([("cat", "animal"), ("oak", "tree"), ("dog", "animal")]);
/// let groups: Vec<u64> = samples.iter().map(|sample| sample.group).collect();
/// assert_eq!(groups, [0, 1, 0]);
/// ```
pub fn labelled<X, L: Ord>(items: impl IntoIterator<Item = (X, L)>) -> Vec<GroupSample<X>> {
    let mut groups = BTreeMap::new();
    items
        .into_iter()
        .map(|(item, label)| {
            let next = groups.len() as u64;
            let group = *groups.entry(label).or_insert(next);
            GroupSample { item, group }
        })
        .collect()
}

/// Rows of an FAQ, each with several ways to ask and one answer, as pairs (wording, answer) of score 1.
///
/// All pairs of one row share a subgroup, and so do the pairs of rows with equal answers: none of them
/// is another's negative. `key` says which answers are equal, for example without regard to case.
/// Subgroups are numbered from 0 in order of appearance and never collide, unlike the tutorial's
/// `hash(question)`.
///
/// ```
/// use crate::dataset::wordings;
///
/// let rows = [
///     (vec!["Is it free?", "What does it cost?"], "Yes."),
///     (vec!["When do you open?"], "At nine."),
///     (vec!["May I bring my dog?"], "yes."),
/// ];
/// let pairs = wordings(rows, |answer| answer.to_lowercase());
/// let found: Vec<(&str, &str, u64)> = pairs.iter().map(|p| (p.a, p.b, p.subgroup)).collect();
/// assert_eq!(
///     found,
///     [
///         ("Is it free?", "Yes.", 0),
///         ("What does it cost?", "Yes.", 0),
///         ("When do you open?", "At nine.", 1),
///         ("May I bring my dog?", "yes.", 0),
///     ]
/// );
/// ```
pub fn wordings<O: Clone, K: Ord, W: IntoIterator<Item = O>>(
    rows: impl IntoIterator<Item = (W, O)>,
    key: impl Fn(&O) -> K,
) -> Vec<PairSample<O>> {
    let mut subgroups = BTreeMap::new();
    let mut pairs = Vec::new();
    for (ways, answer) in rows {
        let next = subgroups.len() as u64;
        let subgroup = *subgroups.entry(key(&answer)).or_insert(next);
        pairs.extend(ways.into_iter().map(|a| PairSample {
            a,
            b: answer.clone(),
            score: 1.0,
            subgroup,
        }));
    }
    pairs
}

/// Another data set whose samples are changed one by one as they are read.
#[derive(Clone, Copy, Debug)]
pub struct Mapped<D, F> {
    dataset: D,
    map: F,
}

impl<D, F> Mapped<D, F> {
    /// `dataset`, each sample of it changed by `map`.
    pub fn new(dataset: D, map: F) -> Self {
        Self { dataset, map }
    }
}

impl<D: Dataset, S: Clone, F: Fn(&D::Sample) -> S> Dataset for Mapped<D, F> {
    type Sample = S;
    type Error = D::Error;

    fn len(&self) -> usize {
        self.dataset.len()
    }

    fn sample(&self, number: usize) -> Result<Cow<'_, S>, D::Error> {
        Ok(Cow::Owned((self.map)(&*self.dataset.sample(number)?)))
    }
}

/// Some of the samples of another data set.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    dataset: D,
    numbers: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The samples of these numbers, in this order.
    pub fn new(dataset: D, numbers: Vec<usize>) -> Self {
        Self { dataset, numbers }
    }

    /// `size` samples drawn at random, each at most once, in their order; all when there are fewer.
    pub fn draw(dataset: D, size: usize, seed: u64) -> Self {
        let numbers = draw(dataset.len(), size, seed);
        Self { dataset, numbers }
    }

    /// The numbers of the samples in the other data set.
    #[must_use]
    pub fn numbers(&self) -> &[usize] {
        &self.numbers
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Sample = D::Sample;
    type Error = D::Error;

    fn len(&self) -> usize {
        self.numbers.len()
    }

    fn sample(&self, number: usize) -> Result<Cow<'_, D::Sample>, D::Error> {
        // Beyond the last, the other data set says what is wrong.
        self.dataset
            .sample(self.numbers.get(number).copied().unwrap_or(usize::MAX))
    }
}
