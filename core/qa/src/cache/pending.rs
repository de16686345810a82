//! Embedding result while it is being filled in.

use super::Key;
use sha2::{Digest as _, Sha256};
use std::ops::Range;

/// Partially filled result.
pub(super) struct PendingResult {
    /// Key of each content.
    pub(super) keys: Vec<Key>,
    /// Indices of contents, sorted by key and then by index.
    by_key: Vec<u32>,
    /// Whether each content is the first with its key and still missing.
    missing: Vec<bool>,
    /// Number of missing contents.
    pub(super) left: usize,
    dim: usize,
    /// Embeddings of all contents, `[n, dim]` in row-major order; zero where missing.
    pub(super) result: Vec<f32>,
}

impl PendingResult {
    pub(super) fn new(contents: &[&[u8]], dim: usize) -> Self {
        let keys: Vec<Key> = contents
            .iter()
            .map(|content| Key::from(Sha256::digest(content)))
            .collect();
        let mut by_key: Vec<u32> = (0..keys.len() as u32).collect();
        by_key.sort_unstable_by_key(|index| (&keys[*index as usize], *index));
        let mut missing = vec![false; keys.len()];
        let equals = by_key.chunk_by(|a, b| keys[*a as usize] == keys[*b as usize]);
        for first in equals.filter_map(|equals| equals.first()) {
            missing[*first as usize] = true;
        }
        Self {
            left: missing.iter().filter(|missing| **missing).count(),
            missing,
            // The system allocates zeroed pages only when they are touched.
            result: vec![0.0; keys.len() * dim],
            keys,
            by_key,
            dim,
        }
    }

    /// Fills in the vector of all contents with a key, if it is missing.
    pub(super) fn fill(&mut self, key: &Key, vector: &[f32]) {
        let rows = &self.by_key[self.find_key(key)];
        let Some(first) = rows.first().map(|first| *first as usize) else {
            return;
        };
        if !self.missing[first] {
            return;
        }
        self.missing[first] = false;
        self.left -= 1;
        for row in rows {
            let at = *row as usize * self.dim;
            self.result[at..at + self.dim].copy_from_slice(vector);
        }
    }

    /// Range of `by_key` with the contents that have a key.
    fn find_key(&self, key: &Key) -> Range<usize> {
        let key_of = |index: &u32| &self.keys[*index as usize];
        let start = self.by_key.partition_point(|index| key_of(index) < key);
        let rest = self.by_key[start..].iter();
        start..start + rest.take_while(|index| key_of(index) == key).count()
    }

    /// Indices of the missing contents, in order; equal contents once.
    pub(super) fn missing_indices(&self) -> Vec<usize> {
        (0..self.missing.len())
            .filter(|index| self.missing[*index])
            .collect()
    }
}
