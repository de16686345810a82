use super::{
    BatchSampler,
    random::{deal_batches, epoch_rng, shuffle},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// Batches of `P` groups with `K` items each, reshuffled each epoch.
///
/// Triplet-like losses need several items of each group in a batch (Hermans, Beyer and Leibe, *In
/// Defense of the Triplet Loss*, 2017). Each group is split at random into chunks of at most `K` items
/// and nearly equal size, and a batch holds chunks of at most `P` different groups. Every item occurs
/// exactly once per epoch, so batches have exactly `P · K` items only if group sizes are multiples of
/// `K` and the chunks fill the batches evenly. An epoch costs `O(n log n)`.
///
/// Hermans et al. sample `K` items of a small group with replacement instead. An item can then be its
/// own positive at distance 0, which has no training signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    members: Vec<Vec<usize>>,
    groups: usize,
    items: usize,
    seed: u64,
}

impl Groups {
    /// Creates batches of `groups` (`P`, at least 1) groups with `items` (`K`, at least 1) items each.
    /// `group_ids` holds the group of each sample.
    #[must_use]
    pub fn new(group_ids: &[u64], groups: usize, items: usize, seed: u64) -> Self {
        let mut members: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (number, &group) in group_ids.iter().enumerate() {
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
        let (mut chunks, mut keys) = (Vec::new(), Vec::new());
        for (group, members) in self.members.iter().enumerate() {
            let mut rest = members.clone();
            shuffle(&mut rest, &mut random);
            for chunks_left in (1..=rest.len().div_ceil(self.items)).rev() {
                let size = rest.len().div_ceil(chunks_left);
                chunks.push(rest.split_off(rest.len() - size));
                keys.push(group as u64);
            }
        }
        deal_batches(&keys, self.groups, &mut random)
            .into_iter()
            .map(|batch| {
                batch
                    .iter()
                    .flat_map(|&chunk| chunks[chunk].clone())
                    .collect()
            })
            .collect()
    }
}
