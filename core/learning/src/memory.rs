//! Cross-batch memory: embeddings of earlier batches as extra positives and negatives.
//!
//! Embeddings drift slowly once training has settled, so embeddings of earlier batches are still
//! usable. The memory adds thousands of comparisons for the cost of one matrix product, and batches
//! can stay small.

use crate::{
    loss::MemoryLoss,
    sample::{BatchError, check_groups},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Settings of a [`CrossBatchMemory`]; the defaults are Quaterion's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct MemoryConfig {
    /// Weight of the memory loss. Default: 1.
    pub weight: f32,
    /// Maximum number of stored embeddings; 0 disables the memory. Default: 10,000.
    pub capacity: usize,
    /// Number of batches to skip while embeddings still change fast. Default: 1,000.
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

/// Queue of the latest embeddings and their groups, without gradient.
///
/// ```text
/// L = loss(batch) + weight · loss(batch against the memory)
/// ```
///
/// Like Quaterion, the memory skips the first [`start`](MemoryConfig::start) batches and one more.
/// Each later batch is compared with the memory and then stored. If one of the two terms has
/// nothing to compare (an empty memory, no common groups), the loss is the other term alone.
///
/// # Differences from Quaterion
///
/// A batch larger than the capacity leaves its last items in the memory; Quaterion fails. If the
/// groups in the memory equal those of the batch one by one, Quaterion treats item `i` of both as
/// the same object and drops the pair; here memory and batch never share an object.
///
/// Sources: Wang et al., "Cross-batch memory for embedding learning", CVPR 2020;
/// `quaterion/train/xbm`, `quaterion/train/trainable_model.py`.
///
/// # Example
///
/// ```
/// use nearsay_core::{loss::Triplet, matrix::Matrix, memory::{CrossBatchMemory, MemoryConfig}};
///
/// let mut memory = CrossBatchMemory::new(MemoryConfig { start: 0, ..Default::default() });
/// let x = Matrix::from_rows(&[[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]).unwrap();
/// for _ in 0..3 {
///     memory.loss(&Triplet::default(), &x, &[0, 0, 1]).unwrap();
/// }
/// // The first batch was skipped.
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
    /// Creates an empty memory.
    #[must_use]
    pub fn new(config: MemoryConfig) -> Self {
        Self {
            config,
            batches: 0,
            embeddings: None,
            groups: Vec::new(),
        }
    }

    /// Settings of the memory.
    #[must_use]
    pub fn config(&self) -> MemoryConfig {
        self.config
    }

    /// Number of batches passed to [`loss`](Self::loss), including skipped ones.
    #[must_use]
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Groups of the stored embeddings, oldest first.
    #[must_use]
    pub fn groups(&self) -> &[u64] {
        &self.groups
    }

    /// Stored embeddings `[m, d]`, oldest first; `None` if the memory is empty.
    #[must_use]
    pub fn embeddings(&self) -> Option<&T> {
        self.embeddings.as_ref()
    }

    /// Removes all embeddings and keeps the batch count.
    pub fn clear(&mut self) {
        self.embeddings = None;
        self.groups.clear();
    }

    /// Stores a batch `[n, d]` and drops the oldest embeddings beyond
    /// [`capacity`](MemoryConfig::capacity).
    ///
    /// # Errors
    /// If the number of embeddings and groups differs, or the embeddings differ in length from the
    /// stored ones.
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
        let dropped = (self.groups.len() + kept).saturating_sub(capacity);
        let older = match &self.embeddings {
            Some(older) if dropped < self.groups.len() => {
                let rows: Vec<u32> = (dropped as u32..self.groups.len() as u32).collect();
                Some(older.select_rows(&rows)?)
            }
            _ => None,
        };
        self.embeddings = Some(match older {
            Some(older) => T::concat_rows(&[older, last])?,
            None => last,
        });
        self.groups.drain(..dropped);
        self.groups.extend_from_slice(&groups[skipped..]);
        Ok(())
    }

    /// Computes the loss within a batch plus the loss against the memory, then stores the batch.
    ///
    /// # Errors
    /// If the number of embeddings and groups differs, neither term has anything to compare, or the
    /// tensor back end fails.
    pub fn loss<L: MemoryLoss<T> + ?Sized>(
        &mut self,
        loss: &L,
        embeddings: &T,
        groups: &[u64],
    ) -> Result<T, BatchError<T::Error>> {
        let skipped = self.batches <= self.config.start;
        self.batches += 1;
        let within = loss.forward(embeddings, groups);
        if skipped {
            return within;
        }
        let across = match &self.embeddings {
            Some(memory) => skip_nothing_to_compare(loss.forward_memory(
                embeddings,
                groups,
                memory,
                &self.groups,
            ))?
            .map(|across| across.affine(self.config.weight, 0.0))
            .transpose()?,
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

/// Turns [`BatchError::NothingToCompare`] into `None`.
fn skip_nothing_to_compare<T, E>(
    loss: Result<T, BatchError<E>>,
) -> Result<Option<T>, BatchError<E>> {
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
    fn push_drops_oldest_embeddings_first() {
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
    fn push_stores_last_items_of_batch_above_capacity() {
        let mut memory = memory(2, 0);
        memory.push(&rows(&[9.0]), &[9]).unwrap();
        memory.push(&rows(&[1.0, 2.0, 3.0]), &[1, 2, 3]).unwrap();
        assert_eq!(memory.groups(), [2, 3]);
        assert_eq!(memory.embeddings().unwrap(), &rows(&[2.0, 3.0]));
        memory.clear();
        assert!(memory.groups().is_empty() && memory.embeddings().is_none());
    }

    #[test]
    fn push_stores_nothing_without_capacity() {
        let mut memory = memory(0, 0);
        memory.push(&rows(&[1.0]), &[1]).unwrap();
        assert!(memory.groups().is_empty());
    }

    #[test]
    fn push_rejects_mismatched_shapes() {
        let mut memory = memory(5, 0);
        assert!(memory.push(&rows(&[1.0]), &[1, 2]).is_err());
        memory.push(&rows(&[1.0]), &[1]).unwrap();
        let wide = Matrix::from_rows(&[[1.0, 2.0]]).unwrap();
        assert!(memory.push(&wide, &[1]).is_err());
        assert_eq!(memory.groups(), [1]);
    }

    #[test]
    fn loss_adds_weighted_memory_term_after_start() {
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
        // The memory skips three batches and is still empty for the fourth.
        assert_eq!(found[..4], [alone; 4]);
        assert!((found[4] - alone - 0.5 * against).abs() < 1e-6);
        assert!(against > 0.01, "{against}");
        assert_eq!(memory.batches(), 6);
        assert_eq!(memory.groups().len(), 3 * 4);
    }

    #[test]
    fn loss_compares_with_memory_when_batch_has_no_pairs() {
        let loss = OnlineContrastive::default();
        let mut memory = memory(100, 0);
        let single = |x: f32, y: f32| Matrix::from_rows(&[[x, y]]).unwrap();
        for _ in 0..2 {
            let result = memory.loss(&loss, &single(1.0, 0.0), &[0]);
            assert!(matches!(result, Err(BatchError::NothingToCompare { .. })));
        }
        assert_eq!(memory.groups(), vec![0]);
        let found = memory.loss(&loss, &single(0.0, 1.0), &[0]).unwrap();
        // ½·(1 − cos)/2 of a right angle, with weight ½.
        assert!((found.data()[0] - 0.125).abs() < 1e-6);
    }
}
