//! Texts as lists of token ids.

use super::data::{Fingerprint, Texts};

/// Token ids of `n` texts in contiguous memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bags {
    /// End of each text in `ids`.
    ends: Vec<usize>,
    ids: Vec<u32>,
}

impl Bags {
    /// Creates an empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text; `write` appends its ids to the list.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u32>)) {
        write(&mut self.ids);
        self.ends.push(self.ids.len());
    }

    /// Token ids of a text; empty for an index out of range.
    #[must_use]
    pub fn get(&self, text: usize) -> &[u32] {
        let start = match text.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.ids.len()),
            None => 0,
        };
        let end = self.ends.get(text).copied().unwrap_or(self.ids.len());
        self.ids.get(start..end).unwrap_or_default()
    }

    /// All token ids, text after text.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.ids
    }

    /// Replaces every id; `None` if `f` returns `None` for one of them.
    #[must_use]
    pub fn map(self, f: impl Fn(u32) -> Option<u32>) -> Option<Self> {
        let ids = self.ids.iter().map(|&id| f(id)).collect::<Option<_>>()?;
        Some(Self {
            ends: self.ends,
            ids,
        })
    }
}

impl Texts for Bags {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn select(&self, numbers: &[usize]) -> Self {
        let mut bags = Self::new();
        for &number in numbers {
            bags.push(|ids| ids.extend(self.get(number)));
        }
        bags
    }

    fn hash(&self, hasher: &mut Fingerprint) {
        hasher.update(self.ends.len().to_le_bytes());
        for end in &self.ends {
            hasher.update(end.to_le_bytes());
        }
        for id in &self.ids {
            hasher.update(id.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bags_keep_the_ids_of_each_text() {
        let mut bags = Bags::new();
        for text in [&[3u32, 1][..], &[], &[7]] {
            bags.push(|ids| ids.extend(text));
        }
        assert_eq!(bags.len(), 3);
        assert_eq!(bags.get(0), [3, 1]);
        assert!(bags.get(1).is_empty() && bags.get(3).is_empty() && bags.get(9).is_empty());
        let picked = bags.select(&[2, 0]);
        assert_eq!((picked.get(0), picked.get(1)), (&[7][..], &[3, 1][..]));
        assert_eq!(bags.clone().map(|id| Some(id + 1)).unwrap().get(2), [8]);
        assert!(bags.map(|id| (id < 7).then_some(id)).is_none());
    }
}
