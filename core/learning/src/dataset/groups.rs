use super::{
    BatchSampler,
    random::{deal, epoch_rng, shuffle},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// Batches of `P` groups with `K` items each, in another order each epoch.
///
/// A loss that compares items of one group with items of others needs several of each in a batch
/// (Hermans, Beyer and Leibe, *In Defense of the Triplet Loss*, 2017). Each group is cut at random into
/// pieces of at most `K` items, as equal in size as can be, and a batch is made of pieces of at most `P`
/// different groups. Every item comes exactly once an epoch; so batches are exactly `P · K` items large
/// only when all groups have a multiple of `K` items and their pieces go into batches evenly. An item
/// that is alone in its group stays alone. An epoch costs `O(n log n)`.
///
/// Hermans draws `K` items of a small group with repetition instead; an item is then its own positive,
/// at distance 0, which teaches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    members: Vec<Vec<usize>>,
    groups: usize,
    items: usize,
    seed: u64,
}

impl Groups {
    /// Batches of `groups` (`P`, at least 1) groups with `items` (`K`, at least 1) items each; `of` is
    /// the group of each sample.
    #[must_use]
    pub fn new(of: &[u64], groups: usize, items: usize, seed: u64) -> Self {
        let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (number, &group) in of.iter().enumerate() {
            members.entry(group).or_default().push(number);
        }
        Self {
            members: members.into_values().collect(),
            groups,
            items: items.max(1),
            seed,
        }
    }
}

impl BatchSampler for Groups {
    fn epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut random = epoch_rng(self.seed, epoch);
        let (mut pieces, mut keys) = (Vec::new(), Vec::new());
        for (group, members) in self.members.iter().enumerate() {
            let mut left = members.clone();
            shuffle(&mut left, &mut random);
            for more in (1..=left.len().div_ceil(self.items)).rev() {
                let size = left.len().div_ceil(more);
                pieces.push(left.split_off(left.len() - size));
                keys.push(group as u64);
            }
        }
        let hands = deal(&keys, self.groups, &mut random);
        let batch = |hand: Vec<usize>| {
            hand.iter()
                .flat_map(|&piece| pieces[piece].clone())
                .collect()
        };
        hands.into_iter().map(batch).collect()
    }
}
