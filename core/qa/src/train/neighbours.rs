//! Batches of pairs that are easily confused, which makes their negatives hard.
//!
//! In a random batch, few answers are plausible for the question of another pair, so the loss soon vanishes.
//! Each pair is therefore batched with some of its neighbours: pairs whose answers lie nearest to its question.
//! Unlike added negatives, they need no further embeddings.
//!
//! Source: the idea of mining negatives by the model itself is that of Xiong et al., "Approximate nearest
//! neighbor negative contrastive learning for dense text retrieval", 2021; here they share a batch.

use super::{Pairs, TrainError};
use candle_core::Device;
use nearsay_core::{candle::to_tensor, metric::score_questions};

/// Neighbours stored per pair. Some are in another batch already when they are needed.
const KNOWN: usize = 16;

/// Neighbours batched with each pair.
const ALONG: usize = 3;

/// For each pair, the pairs of other answers that are nearest to its question, nearest first.
pub(super) struct Neighbours(Vec<Vec<u32>>);

impl Neighbours {
    /// Finds the neighbours by the vectors of the pairs, which needn't be normalised. The time is quadratic in
    /// the number of pairs.
    pub(super) fn of(vectors: &Pairs) -> Result<Self, TrainError> {
        let place = |matrix| to_tensor(matrix, &Device::Cpu);
        let (anchors, positives) = (place(&vectors.anchors)?, place(&vectors.positives)?);
        let nobody = vec![Vec::new(); vectors.len()];
        let mut all = Vec::with_capacity(vectors.len());
        score_questions(&anchors, &positives, &nobody, &mut |scores| {
            let own = vectors.subgroups[all.len()];
            let others = (0..vectors.len()).filter(|&pair| vectors.subgroups[pair] != own);
            let mut others: Vec<u32> = others.map(|pair| pair as u32).collect();
            let nearer = |a: &u32, b: &u32| {
                let [a_score, b_score] = [a, b].map(|pair| scores.scores[*pair as usize]);
                b_score.total_cmp(&a_score).then(a.cmp(b))
            };
            if others.len() > KNOWN {
                others.select_nth_unstable_by(KNOWN, nearer);
                others.truncate(KNOWN);
            }
            others.sort_unstable_by(nearer);
            all.push(others);
        })?;
        Ok(Self(all))
    }

    /// Reorders the pairs: each is followed by neighbours that aren't placed yet, as far as its batch has room.
    pub(super) fn together(&self, order: &[u32], batch: usize) -> Vec<u32> {
        let mut placed = vec![false; order.len()];
        let mut together = Vec::with_capacity(order.len());
        for &pair in order {
            if std::mem::replace(&mut placed[pair as usize], true) {
                continue;
            }
            together.push(pair);
            let room = (batch - together.len() % batch) % batch;
            let neighbours = self.0[pair as usize].iter();
            let free = neighbours
                .filter(|&&other| !placed[other as usize])
                .copied();
            let along: Vec<u32> = free.take(ALONG.min(room)).collect();
            for other in along {
                placed[other as usize] = true;
                together.push(other);
            }
        }
        together
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearsay_core::matrix::Matrix;

    /// Pairs on a circle, in order.
    fn circle(n: usize) -> Pairs {
        let at = |pair: usize| std::f32::consts::TAU * pair as f32 / n as f32;
        let matrix = Matrix::from_fn(n, 2, |pair, column| match column {
            0 => at(pair).cos(),
            _ => at(pair).sin(),
        });
        let groups = (0..n as u64).collect();
        Pairs::new(matrix.clone(), matrix, groups).unwrap()
    }

    #[test]
    fn neighbours_are_the_nearest_of_other_groups() {
        let mut pairs = circle(40);
        assert_eq!(Neighbours::of(&pairs).unwrap().0[10][..2], [9, 11]);
        pairs.subgroups[9] = 10;
        let neighbours = Neighbours::of(&pairs).unwrap();
        assert_eq!(neighbours.0[10][..2], [11, 8]);
        assert_eq!(neighbours.0[10].len(), KNOWN);
        let few = Neighbours::of(&circle(3)).unwrap();
        assert_eq!(few.0[0].len(), 2);
    }

    #[test]
    fn every_pair_comes_once_with_neighbours_beside_it() {
        let neighbours = Neighbours::of(&circle(200)).unwrap();
        let mut order: Vec<u32> = (0..200).collect();
        fastrand::Rng::with_seed(1).shuffle(&mut order);
        let together = neighbours.together(&order, 32);
        let mut sorted = together.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..200).collect::<Vec<_>>());
        let near = |order: &[u32]| -> usize {
            let batches = order.chunks(32);
            let pairs = batches.flat_map(|batch| {
                batch
                    .iter()
                    .map(|a| batch.iter().filter(|b| a.abs_diff(**b) == 1).count())
            });
            pairs.sum()
        };
        assert!(
            near(&together) > 2 * near(&order),
            "{} {}",
            near(&together),
            near(&order)
        );
        // No batch takes in a neighbour that the next one would begin with.
        assert_eq!(neighbours.together(&order, 1).len(), 200);
    }
}
