use super::Targets;
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Collects embeddings and targets of several batches into one batch.
///
/// The embeddings stay on their device, without gradient. Batches of pairs are `[2n, d]`, all `a`,
/// then all `b`; the collected batch has the same layout: the `a` of all batches, then the `b` of all
/// batches. Source: `quaterion/eval/accumulators`.
///
/// # Differences from Quaterion
///
/// Quaterion concatenates the batches, and its `PairSampler` then treats row `i` as pair `i`, which
/// is correct for a single batch only.
#[derive(Clone, Debug)]
pub struct Accumulator<T, G> {
    batches: Vec<(T, usize)>,
    targets: G,
}

impl<T: Tensor, G: Targets> Default for Accumulator<T, G> {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            targets: G::default(),
        }
    }
}

impl<T: Tensor, G: Targets> Accumulator<T, G> {
    /// Adds a batch: embeddings `[OBJECTS · n, d]` and the targets of its `n` samples.
    pub fn update(&mut self, embeddings: &T, targets: &G) {
        self.batches.push((embeddings.detach(), targets.samples()));
        self.targets.append(targets);
    }

    /// Number of collected samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.targets.samples()
    }

    /// Targets of all samples, in order of arrival.
    #[must_use]
    pub fn targets(&self) -> &G {
        &self.targets
    }

    /// Embeddings of all `n` samples, `[OBJECTS · n, d]`: the first objects of all batches, then the
    /// second objects. `None` if there are no samples.
    ///
    /// # Errors
    /// If the batches differ in embedding length, or a batch has fewer rows than its targets need.
    pub fn embeddings(&self) -> Result<Option<T>, T::Error> {
        let batches = || self.batches.iter().filter(|(_, n)| *n > 0);
        if G::OBJECTS == 1 || batches().count() == 1 {
            let all: Vec<T> = batches().map(|(batch, _)| batch.clone()).collect();
            return match all.as_slice() {
                [] => Ok(None),
                [one] => Ok(Some(one.clone())),
                several => T::concat_rows(several).map(Some),
            };
        }
        let mut parts = Vec::with_capacity(G::OBJECTS * self.batches.len());
        for object in 0..G::OBJECTS {
            for (batch, n) in batches() {
                let rows: Vec<u32> = (object * n..(object + 1) * n).map(|i| i as u32).collect();
                parts.push(batch.select_rows(&rows)?);
            }
        }
        if parts.is_empty() {
            return Ok(None);
        }
        T::concat_rows(&parts).map(Some)
    }

    /// Removes all batches.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::Matrix, sample::PairTargets};

    #[test]
    fn accumulator_merges_pair_batches_a_before_b() {
        let mut all = Accumulator::<Matrix, PairTargets>::default();
        assert!(all.embeddings().unwrap().is_none());
        let batch = |numbers: &[f32]| Matrix::new(numbers.len(), 1, numbers.to_vec()).unwrap();
        all.update(&batch(&[1.0, 2.0, 10.0, 20.0]), &PairTargets::positives(2));
        all.update(&batch(&[]), &PairTargets::default());
        all.update(&batch(&[3.0, 30.0]), &PairTargets::positives(1));
        let found = all.embeddings().unwrap().unwrap();
        assert_eq!(found.data(), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        assert_eq!((all.samples(), all.targets().scores.len()), (3, 3));
        all.reset();
        assert_eq!(all.samples(), 0);
    }

    #[test]
    fn accumulator_concatenates_group_batches() {
        let mut all = Accumulator::<Matrix, Vec<u64>>::default();
        let batch = |numbers: &[f32]| Matrix::new(numbers.len(), 1, numbers.to_vec()).unwrap();
        all.update(&batch(&[1.0, 2.0]), &alloc::vec![7, 8]);
        all.update(&batch(&[3.0]), &alloc::vec![7]);
        assert_eq!(all.embeddings().unwrap().unwrap().data(), [1.0, 2.0, 3.0]);
        assert_eq!(all.targets(), &[7, 8, 7]);
    }
}
