use crate::{
    metric::Targets,
    sample::{GroupSample, PairSample, PairTargets},
};
use alloc::vec::Vec;

/// A training sample: its objects and its contribution to the batch targets.
///
/// Source: `quaterion/dataset/similarity_samples.py`.
pub trait Sample: Clone {
    /// Object type, the input of an encoder.
    type Object;
    /// Targets of a batch.
    type Targets: Targets;

    /// The [`Targets::OBJECTS`] objects of the sample, in a fixed order.
    fn objects(&self) -> impl Iterator<Item = &Self::Object>;

    /// Targets of a batch of samples.
    fn targets(samples: &[&Self]) -> Self::Targets;
}

impl<O: Clone> Sample for PairSample<O> {
    type Object = O;
    type Targets = PairTargets;

    fn objects(&self) -> impl Iterator<Item = &O> {
        [&self.a, &self.b].into_iter()
    }

    fn targets(samples: &[&Self]) -> PairTargets {
        PairTargets {
            scores: samples.iter().map(|sample| sample.score).collect(),
            subgroups: samples.iter().map(|sample| sample.subgroup).collect(),
        }
    }
}

impl<O: Clone> Sample for GroupSample<O> {
    type Object = O;
    type Targets = Vec<u64>;

    fn objects(&self) -> impl Iterator<Item = &O> {
        core::iter::once(&self.item)
    }

    fn targets(samples: &[&Self]) -> Vec<u64> {
        samples.iter().map(|sample| sample.group).collect()
    }
}

/// Splits the samples of a batch into objects and targets.
///
/// `n` pairs give `2n` objects, all `a`, then all `b`, and [`PairTargets`]; `n` group members give `n`
/// objects and their groups. Losses and metrics expect embeddings in this order.
///
/// Source: `quaterion/dataset/similarity_data_loader.py`.
///
/// ```
/// use nearsay_core::{dataset::{collate, group_by_label}, sample::PairSample};
///
/// let pairs = [PairSample::positive("q1", "a1"), PairSample::positive("q2", "a2")];
/// let (objects, targets) = collate(&pairs);
/// assert_eq!(objects, [&"q1", &"q2", &"a1", &"a2"]);
/// assert_eq!(targets.scores, [1.0, 1.0]);
///
/// let (objects, groups) = collate(&group_by_label([("cat", "animal"), ("oak", "tree")]));
/// # assert_eq!(groups, [0, 1]);
/// ```
pub fn collate<'s, S: Sample + 's>(
    samples: impl IntoIterator<Item = &'s S>,
) -> (Vec<&'s S::Object>, S::Targets) {
    let samples: Vec<&S> = samples.into_iter().collect();
    let mut objects = Vec::with_capacity(samples.len() * S::Targets::OBJECTS);
    for position in 0..S::Targets::OBJECTS {
        objects.extend(samples.iter().filter_map(|s| s.objects().nth(position)));
    }
    (objects, S::targets(&samples))
}
