//! Layer 3: cross-batch memory, which lends a batch the embeddings of those before it.
//!
//! Embeddings drift slowly once a model has settled, so those of earlier batches still serve as
//! positives and negatives: thousands of them for the cost of one matrix product, and batches may
//! stay small.

use crate::{
    loss::MemoryLoss,
    sample::{BatchError, check_groups},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// The numbers of a [`CrossBatchMemory`], with Quaterion's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct MemoryConfig {
    /// Factor of the memory's part of the loss; 1 by default.
    pub weight: f32,
    /// Most embeddings kept; 10,000 by default. With 0 there is no memory.
    pub capacity: usize,
    /// Batches seen before the first is kept, while embeddings still move fast; 1,000 by default.
    pub start: u64,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            weight: 1.0,
            capacity: 10_000,
            start: 1_000,
        }
    }
}

/// The last embeddings and their groups, without gradient; the oldest give way first.
///
/// ```text
/// L = loss(batch) + weight · loss(batch against the memory)
/// ```
///
/// The first [`start`](MemoryConfig::start) batches and one more are passed over, as in Quaterion;
/// from then on each batch is compared with the memory first and kept second. Where batch and memory
/// have nothing to compare (an empty memory, no common groups) the other part stands alone.
///
/// # Differences from Quaterion
///
/// A batch larger than the memory leaves its last items there; Quaterion fails on it. When the groups
/// of the memory happen to equal those of the batch one by one, Quaterion takes item `i` of both for
/// the same and leaves the pair out; here nothing in the memory is in the batch.
///
/// Sources: Wang et al., "Cross-batch memory for embedding learning", CVPR 2020;
/// `quaterion/train/xbm`, `quaterion/train/trainable_model.py`.
///
/// # Example
///
/// ```
/// use crate::{loss::Triplet, matrix::Matrix, memory::{CrossBatchMemory, MemoryConfig}};
///
/// let mut memory = CrossBatchMemory::new(MemoryConfig { start: 0, ..Default::default() });
/// let x = Matrix::from_rows(&[[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]).unwrap();
/// for _ in 0..3 {
///     memory.loss(&Triplet::default(), &x, &[0, 0, 1]).unwrap();
/// }
/// // The first batch was passed over.
/// assert_eq!(memory.groups(), [0, 0, 1, 0, 0, 1]);
/// ```
#[derive(Clone, Debug)]
pub struct CrossBatchMemory<T> {
    config: MemoryConfig,
    batches: u64,
    embeddings: Option<T>,
    groups: Vec<u64>,
}

impl<T: Tensor> CrossBatchMemory<T> {
    /// An empty memory that has seen no batch.
    #[must_use]
    pub fn new(config: MemoryConfig) -> Self {
        Self {
            config,
            batches: 0,
            embeddings: None,
            groups: Vec::new(),
        }
    }

    /// Its numbers.
    #[must_use]
    pub fn config(&self) -> MemoryConfig {
        self.config
    }

    /// Batches seen by [`loss`](Self::loss), those passed over included.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// The groups of the kept embeddings, oldest first.
    #[must_use]
    pub fn groups(&self) -> &[u64] {
        &self.groups
    }

    /// The kept embeddings `[m, d]`, oldest first; none while there are none.
    #[must_use]
    pub fn embeddings(&self) -> Option<&T> {
        self.embeddings.as_ref()
    }

    /// Forgets all embeddings; batches stay counted.
    pub fn clear(&mut self) {
        self.embeddings = None;
        self.groups.clear();
    }

    /// Keeps a batch `[n, d]`: the last [`capacity`](MemoryConfig::capacity) of all embeddings stay.
    ///
    /// # Errors
    /// When embeddings and groups do not go together, or embeddings do not have the length of those
    /// kept.
    pub fn push(&mut self, embeddings: &T, groups: &[u64]) -> Result<(), BatchError<T::Error>> {
        check_groups(embeddings.dims().0, groups)?;
        let capacity = self.config.capacity;
        let skipped = groups.len().saturating_sub(capacity);
        let kept = (groups.len() - skipped).min(capacity);
        if kept == 0 {
            return Ok(());
        }
        let last = embeddings
            .detach()
            .select_rows(&(skipped as u32..groups.len() as u32).collect::<Vec<_>>())?;
        let gone = (self.groups.len() + kept).saturating_sub(capacity);
        let older = match &self.embeddings {
            Some(older) if gone < self.groups.len() => {
                let rows: Vec<u32> = (gone as u32..self.groups.len() as u32).collect();
                Some(older.select_rows(&rows)?)
            }
            _ => None,
        };
        let all = match older {
            Some(older) => {
                T::concat_columns(&[older.transpose()?, last.transpose()?])?.transpose()?
            }
            None => last,
        };
        self.embeddings = Some(all);
        self.groups.drain(..gone);
        self.groups.extend_from_slice(&groups[skipped..]);
        Ok(())
    }

    /// The loss of a batch and of the batch against the memory, which then keeps the batch.
    ///
    /// # Errors
    /// When embeddings and groups do not go together, neither the batch nor the memory has anything
    /// to compare it with, or the tensor library fails.
    pub fn loss<L: MemoryLoss<T> + ?Sized>(
        &mut self,
        loss: &L,
        embeddings: &T,
        groups: &[u64],
    ) -> Result<T, BatchError<T::Error>> {
        let passed_over = self.batches <= self.config.start;
        self.batches += 1;
        let within = loss.forward(embeddings, groups);
        if passed_over {
            return within;
        }
        let across = match &self.embeddings {
            Some(memory) => {
                comparable(loss.forward_memory(embeddings, groups, memory, &self.groups))?
                    .map(|across| across.affine(self.config.weight, 0.0))
                    .transpose()?
            }
            None => None,
        };
        let total = match (within, across) {
            (Ok(within), Some(across)) => Ok(within.add(&across)?),
            (Err(BatchError::NothingToCompare { .. }), Some(across)) => Ok(across),
            (within, _) => within,
        };
        if !matches!(total, Ok(_) | Err(BatchError::NothingToCompare { .. })) {
            return total;
        }
        self.push(embeddings, groups)?;
        total
    }
}

/// A loss, or none where there was nothing to compare.
fn comparable<T, E>(loss: Result<T, BatchError<E>>) -> Result<Option<T>, BatchError<E>> {
    match loss {
        Ok(loss) => Ok(Some(loss)),
        Err(BatchError::NothingToCompare { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        loss::{GroupLoss, OnlineContrastive, Triplet},
        matrix::Matrix,
    };
    use alloc::vec;

    fn rows(values: &[f32]) -> Matrix {
        Matrix::new(values.len(), 1, values.to_vec()).unwrap()
    }

    fn memory(capacity: usize, start: u64) -> CrossBatchMemory<Matrix> {
        CrossBatchMemory::new(MemoryConfig {
            weight: 0.5,
            capacity,
            start,
        })
    }

    #[test]
    fn the_oldest_give_way() {
        let mut memory = memory(5, 0);
        memory.push(&rows(&[1.0, 2.0]), &[1, 2]).unwrap();
        memory.push(&rows(&[3.0, 4.0]), &[3, 4]).unwrap();
        assert_eq!(memory.groups(), [1, 2, 3, 4]);
        memory.push(&rows(&[5.0, 6.0, 7.0]), &[5, 6, 7]).unwrap();
        assert_eq!(memory.groups(), [3, 4, 5, 6, 7]);
        assert_eq!(
            memory.embeddings().unwrap(),
            &rows(&[3.0, 4.0, 5.0, 6.0, 7.0])
        );
    }

    #[test]
    fn a_batch_larger_than_the_memory_leaves_its_last_items() {
        let mut memory = memory(2, 0);
        memory.push(&rows(&[9.0]), &[9]).unwrap();
        memory.push(&rows(&[1.0, 2.0, 3.0]), &[1, 2, 3]).unwrap();
        assert_eq!(memory.groups(), [2, 3]);
        assert_eq!(memory.embeddings().unwrap(), &rows(&[2.0, 3.0]));
        memory.clear();
        assert!(memory.groups().is_empty() && memory.embeddings().is_none());
    }

    #[test]
    fn without_capacity_nothing_is_kept() {
        let mut memory = memory(0, 0);
        memory.push(&rows(&[1.0]), &[1]).unwrap();
        assert!(memory.groups().is_empty());
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let mut memory = memory(5, 0);
        assert!(memory.push(&rows(&[1.0]), &[1, 2]).is_err());
        memory.push(&rows(&[1.0]), &[1]).unwrap();
        let wide = Matrix::from_rows(&[[1.0, 2.0]]).unwrap();
        assert!(memory.push(&wide, &[1]).is_err());
        assert_eq!(memory.groups(), [1]);
    }

    #[test]
    fn starts_late_and_adds_its_share() {
        let x = Matrix::from_rows(&[[1.0, 0.0], [0.6, 0.5], [0.1, 1.0], [0.7, 0.6]]).unwrap();
        let groups = [0, 0, 1, 1];
        let loss = Triplet::default();
        let alone = loss.forward(&x, &groups).unwrap().data()[0];
        let against = loss
            .forward_memory(&x, &groups, &x, &groups)
            .unwrap()
            .data()[0];
        let mut memory = memory(100, 2);
        let found: Vec<f32> = (0..6)
            .map(|_| memory.loss(&loss, &x, &groups).unwrap().data()[0])
            .collect();
        // Three are passed over; the fourth meets an empty memory.
        assert_eq!(found[..4], [alone; 4]);
        assert!((found[4] - alone - 0.5 * against).abs() < 1e-6);
        assert!(against > 0.01, "{against}");
        assert_eq!(memory.batches(), 6);
        assert_eq!(memory.groups().len(), 3 * 4);
    }

    #[test]
    fn what_the_batch_lacks_the_memory_may_have() {
        let loss = OnlineContrastive::default();
        let mut memory = memory(100, 0);
        let single = |x: f32, y: f32| Matrix::from_rows(&[[x, y]]).unwrap();
        let nothing = |result| matches!(result, Err(BatchError::NothingToCompare { .. }));
        assert!(nothing(memory.loss(&loss, &single(1.0, 0.0), &[0])));
        assert!(nothing(memory.loss(&loss, &single(1.0, 0.0), &[0])));
        assert_eq!(memory.groups(), vec![0]);
        let found = memory.loss(&loss, &single(0.0, 1.0), &[0]).unwrap();
        // ½·(1 − cos)/2 of a right angle, at half weight.
        assert!((found.data()[0] - 0.125).abs() < 1e-6);
    }
}
