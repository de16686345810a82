use super::{Dataset, draw_numbers};
use crate::sample::{GroupSample, PairSample};
use alloc::{borrow::Cow, collections::BTreeMap, vec::Vec};

/// Converts labelled items to group samples, with one group per distinct label.
///
/// Groups are numbered from 0 in order of appearance, as required by losses with a kernel.
/// Source: `quaterion/dataset/similarity_dataset.py` (`SimilarityGroupDataset`).
///
/// ```
/// use nearsay_core::dataset::group_by_label;
///
/// let samples = group_by_label([("cat", "animal"), ("oak", "tree"), ("dog", "animal")]);
/// let groups: Vec<u64> = samples.iter().map(|sample| sample.group).collect();
/// assert_eq!(groups, [0, 1, 0]);
/// ```
pub fn group_by_label<X, L: Ord>(items: impl IntoIterator<Item = (X, L)>) -> Vec<GroupSample<X>> {
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

/// Converts FAQ rows, each with several paraphrases of a question and one answer, to pairs
/// (paraphrase, answer) with score 1.
///
/// All pairs of a row, and of rows with equal answers, share a subgroup, so they never serve as each
/// other's negatives. Answers with the same `key` are equal, for example after lowercasing. Subgroups
/// are numbered from 0 in order of appearance; unlike the `hash(question)` of the Quaterion tutorial,
/// they never collide.
///
/// ```
/// use nearsay_core::dataset::pair_paraphrases;
///
/// let rows = [
///     (vec!["Is it free?", "What does it cost?"], "Yes."),
///     (vec!["When do you open?"], "At nine."),
///     (vec!["May I bring my dog?"], "yes."),
/// ];
/// let pairs = pair_paraphrases(rows, |answer| answer.to_lowercase());
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
pub fn pair_paraphrases<O: Clone, K: Ord, P: IntoIterator<Item = O>>(
    rows: impl IntoIterator<Item = (P, O)>,
    key: impl Fn(&O) -> K,
) -> Vec<PairSample<O>> {
    let mut subgroups = BTreeMap::new();
    let mut pairs = Vec::new();
    for (paraphrases, answer) in rows {
        let next = subgroups.len() as u64;
        let subgroup = *subgroups.entry(key(&answer)).or_insert(next);
        pairs.extend(paraphrases.into_iter().map(|a| PairSample {
            a,
            b: answer.clone(),
            score: 1.0,
            subgroup,
        }));
    }
    pairs
}

/// Data set that applies a function to each sample of another data set on read.
#[derive(Clone, Copy, Debug)]
pub struct Mapped<D, F> {
    dataset: D,
    map: F,
}

impl<D, F> Mapped<D, F> {
    /// Applies `map` to the samples of `dataset`.
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

/// Subset of another data set.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    dataset: D,
    numbers: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// Selects samples by number, in the given order.
    pub fn new(dataset: D, numbers: Vec<usize>) -> Self {
        Self { dataset, numbers }
    }

    /// Draws `size` samples at random without replacement and keeps their order; selects all samples
    /// if there are fewer.
    pub fn draw(dataset: D, size: usize, seed: u64) -> Self {
        let numbers = draw_numbers(dataset.len(), size, seed);
        Self { dataset, numbers }
    }

    /// Numbers of the samples in the other data set.
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
        // Out of range, the other data set returns its error.
        self.dataset
            .sample(self.numbers.get(number).copied().unwrap_or(usize::MAX))
    }
}
