use super::{Mean, Metric};
use crate::{
    distance::Distance,
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Where the right embedding landed when one embedding of a batch ranked all the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositiveRank {
    /// The embedding that ranked, `0..2n`.
    pub row: usize,
    /// Rank of its other half among the `2n − 1` others, from 1; ties in batch order.
    pub rank: usize,
    /// The pair's score.
    pub label: f32,
}

/// All that the batch metrics need to know of a batch of `n` pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct PairRanks {
    /// `2n`: every embedding ranks the others, whether or not it has a positive.
    pub rows: usize,
    /// One for each row whose pair has a score above 0.
    pub positives: Vec<PositiveRank>,
}

/// Ranks a batch as Quaterion's pair metrics do: each of its `2n` embeddings (`[2n, d]`, all `a`,
/// then all `b`) ranks the `2n − 1` others by distance, itself excluded. Subgroups play no part.
///
/// Source: `quaterion/eval/pair/pair_metric.py`.
///
/// # Errors
/// When embeddings and targets do not go together, or the tensor library fails.
pub fn rank_pairs<T: Tensor>(
    distance: &dyn Distance<T>,
    embeddings: &T,
    targets: &PairTargets,
) -> Result<PairRanks, BatchError<T::Error>> {
    targets.check(embeddings.dims().0)?;
    let n = targets.len();
    let distances = distance.distance_matrix(embeddings, embeddings)?.to_vec()?;
    let mut positives = Vec::with_capacity(2 * n);
    for (row, distances) in distances.chunks_exact(2 * n).enumerate() {
        let label = targets.scores[row % n];
        if label > 0.0 {
            let rank = rank_in_row(distances, row, (row + n) % (2 * n));
            positives.push(PositiveRank { row, rank, label });
        }
    }
    Ok(PairRanks {
        rows: 2 * n,
        positives,
    })
}

/// Rank of `target` among the columns other than `row`, ascending, ties in order.
fn rank_in_row(distances: &[f32], row: usize, target: usize) -> usize {
    let limit = distances[target];
    let before = |from: &[f32]| from.iter().filter(|&&d| d <= limit).count();
    let after = |from: &[f32]| from.iter().filter(|&&d| d < limit).count();
    let mut nearer = before(&distances[..target]) + after(&distances[target + 1..]);
    let own = distances[row];
    nearer -= usize::from(if row < target {
        own <= limit
    } else {
        own < limit
    });
    nearer + 1
}

/// `rp@k`: the mean over all `2n` rows of (score of the positives among the first `k`) / `k`.
///
/// In `[0, 1]`, more is better. Source: `quaterion/eval/pair/retrieval_precision.py`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalPrecision {
    k: usize,
    hits: f64,
    rows: usize,
}

impl RetrievalPrecision {
    /// The metric for the first `k` (at least 1).
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self {
            k: k.max(1),
            hits: 0.0,
            rows: 0,
        }
    }
}

impl Metric for RetrievalPrecision {
    type Batch = PairRanks;

    fn update(&mut self, ranks: &PairRanks) {
        let found = ranks
            .positives
            .iter()
            .filter(|positive| positive.rank <= self.k);
        self.hits += found.map(|positive| f64::from(positive.label)).sum::<f64>();
        self.rows += ranks.rows;
    }

    fn compute(&self) -> Option<f32> {
        (self.rows > 0).then(|| (self.hits / (self.rows * self.k) as f64) as f32)
    }

    fn reset(&mut self) {
        *self = Self::new(self.k);
    }
}

/// `rrk`: the mean over all positives of 1 / rank. In `(0, 1]`, more is better.
///
/// Source: `quaterion/eval/pair/retrieval_reciprocal_rank.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalReciprocalRank(Mean);

impl Metric for RetrievalReciprocalRank {
    type Batch = PairRanks;

    fn update(&mut self, ranks: &PairRanks) {
        for positive in &ranks.positives {
            self.0.add(1.0 / positive.rank as f64);
        }
    }

    fn compute(&self) -> Option<f32> {
        self.0.value()
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{distance::Cosine, matrix::Matrix};
    use proptest::prelude::*;

    #[test]
    fn metrics_add_up_over_batches_and_forget_on_reset() {
        let batch = |rank| PairRanks {
            rows: 2,
            positives: alloc::vec![
                PositiveRank {
                    row: 0,
                    rank: 1,
                    label: 1.0
                },
                PositiveRank {
                    row: 1,
                    rank,
                    label: 1.0
                },
            ],
        };
        let mut precision = RetrievalPrecision::new(1);
        let mut reciprocal = RetrievalReciprocalRank::default();
        assert_eq!(precision.compute(), None);
        for rank in [1, 2] {
            precision.update(&batch(rank));
            reciprocal.update(&batch(rank));
        }
        assert_eq!(precision.compute(), Some(0.75));
        assert_eq!(reciprocal.compute(), Some(0.875));
        precision.reset();
        reciprocal.reset();
        assert_eq!((precision.compute(), reciprocal.compute()), (None, None));
    }

    proptest! {
        #[test]
        fn ranks_agree_with_sorting(data in prop::collection::vec(-3i8..3, 16 * 2)) {
            let x = Matrix::new(16, 2, data.iter().map(|&x| f32::from(x)).collect()).unwrap();
            let ranks = rank_pairs(&Cosine, &x, &PairTargets::positives(8)).unwrap();
            let distances = Cosine.distance_matrix(&x, &x).unwrap();
            for PositiveRank { row, rank, .. } in ranks.positives {
                let mut order: Vec<usize> = (0..16).filter(|&i| i != row).collect();
                order.sort_by(|&i, &j| distances.row(row)[i].total_cmp(&distances.row(row)[j]));
                let expected = order.iter().position(|&i| i == (row + 8) % 16).unwrap() + 1;
                prop_assert_eq!(rank, expected);
            }
        }
    }
}
