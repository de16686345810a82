use super::Targets;
use crate::tensor::Tensor;
use alloc::vec::Vec;

/// Embeddings and targets over several batches, put together as one batch.
///
/// Keeps the embeddings where they are (on their device), cut off from the gradient. Batches of pairs
/// are `[2n, d]`, all `a`, then all `b`, and so is what comes out: the `a` of all batches, then the
/// `b` of all batches. Quaterion's accumulator leaves the batches one after the other, and its
/// `PairSampler` then takes row `i` for pair `i`, which is right for one batch only.
///
/// Source: `quaterion/eval/accumulators`.
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
    /// Takes in a batch: embeddings `[OBJECTS · n, d]` and what is known of its `n` samples.
    pub fn update(&mut self, embeddings: &T, targets: &G) {
        self.batches.push((embeddings.detach(), targets.samples()));
        self.targets.append(targets);
    }

    /// Number of samples taken in.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.targets.samples()
    }

    /// What is known of all samples, in the order they came.
    #[must_use]
    pub fn targets(&self) -> &G {
        &self.targets
    }

    /// All embeddings, `[OBJECTS · n, d]` for `n` samples in all: the first objects of all batches,
    /// then the second ones. `None` before the first sample.
    ///
    /// # Errors
    /// When the batches differ in width or have fewer rows than their targets ask for.
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

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{matrix::Matrix, sample::PairTargets};

    #[test]
    fn pairs_of_several_batches_become_one_batch() {
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
    fn groups_of_several_batches_follow_one_another() {
        let mut all = Accumulator::<Matrix, Vec<u64>>::default();
        let batch = |numbers: &[f32]| Matrix::new(numbers.len(), 1, numbers.to_vec()).unwrap();
        all.update(&batch(&[1.0, 2.0]), &alloc::vec![7, 8]);
        all.update(&batch(&[3.0]), &alloc::vec![7]);
        assert_eq!(all.embeddings().unwrap().unwrap().data(), [1.0, 2.0, 3.0]);
        assert_eq!(all.targets(), &[7, 8, 7]);
    }
}
