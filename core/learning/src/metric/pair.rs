use super::ranks::{Ranks, Relevant, for_each_row};
use crate::{
    distance::Distance,
    sample::{BatchError, PairTargets},
    tensor::Tensor,
};
use alloc::vec::Vec;

/// Ranks a batch of pairs (`[2n, d]`, all `a`, then all `b`), like Quaterion's pair metrics.
///
/// Each of the `2n` embeddings ranks the `2n − 1` others by distance; the relevant one is the other
/// half of its pair. Pairs with score 0 have no relevant embedding, and subgroups are ignored.
/// Source: `quaterion/eval/pair/pair_metric.py`.
///
/// # Errors
/// If embeddings and targets differ in size, or the tensor back end fails.
pub fn rank_pairs<T: Tensor>(
    distance: &dyn Distance<T>,
    embeddings: &T,
    targets: &PairTargets,
) -> Result<Ranks, BatchError<T::Error>> {
    let all: Vec<u32> = (0..embeddings.dims().0 as u32).collect();
    rank_pair_rows(distance, embeddings, targets, &all)
}

/// Like [`rank_pairs`], for a subset of the rows as queries.
pub(crate) fn rank_pair_rows<T: Tensor>(
    distance: &dyn Distance<T>,
    embeddings: &T,
    targets: &PairTargets,
    rows: &[u32],
) -> Result<Ranks, BatchError<T::Error>> {
    targets.check(embeddings.dims().0)?;
    let n = targets.len();
    let mut ranks = Ranks::default();
    for_each_row(distance, embeddings, rows, embeddings, &mut |row, found| {
        let row = row as usize;
        let right = [((row + n) % (2 * n), targets.scores[row % n])];
        let relevant = Relevant {
            own: Some(row),
            right: if right[0].1 > 0.0 { &right } else { &[] },
        };
        ranks.push(found, relevant);
    })?;
    Ok(ranks)
}

/// Ranks a batch in one direction: for each pair in `pairs`, `a` ranks all `n` objects `b` and the
/// relevant one is its own. Embeddings are `[2n, d]`, all `a`, then all `b`.
pub(crate) fn rank_a_to_b<T: Tensor>(
    distance: &dyn Distance<T>,
    embeddings: &T,
    targets: &PairTargets,
    pairs: &[u32],
) -> Result<Ranks, BatchError<T::Error>> {
    targets.check(embeddings.dims().0)?;
    let n = targets.len() as u32;
    let b: Vec<u32> = (n..2 * n).collect();
    let b = embeddings.select_rows(&b)?;
    let mut ranks = Ranks::default();
    for_each_row(distance, embeddings, pairs, &b, &mut |pair, found| {
        let pair = pair as usize;
        let right = [(pair, targets.scores[pair])];
        let relevant = Relevant {
            own: None,
            right: if right[0].1 > 0.0 { &right } else { &[] },
        };
        ranks.push(found, relevant);
    })?;
    Ok(ranks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        distance::Cosine,
        matrix::Matrix,
        metric::{Metric, PositiveRank, RetrievalPrecision, RetrievalReciprocalRank},
    };
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rank_pairs_agrees_with_sorting(data in prop::collection::vec(-3i8..3, 16 * 2)) {
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

        /// Batch order matters for ties only, and random values have none.
        #[test]
        fn rank_pairs_ignores_pair_order(seed in any::<u64>()) {
            let mut random = fastrand::Rng::with_seed(seed);
            let x = Matrix::new(20, 3, (0..60).map(|_| random.f32() - 0.5).collect()).unwrap();
            let scores: Vec<f32> = (0..10).map(|_| f32::from(random.u8(0..3)) / 2.0).collect();
            let targets = PairTargets { scores, ..PairTargets::positives(10) };
            let mut order: Vec<u32> = (0..10).collect();
            random.shuffle(&mut order);
            let both: Vec<u32> = order.iter().copied().chain(order.iter().map(|i| i + 10)).collect();
            let shuffled = PairTargets {
                scores: order.iter().map(|&i| targets.scores[i as usize]).collect(),
                ..targets.clone()
            };
            let before = rank_pairs(&Cosine, &x, &targets).unwrap();
            let after = rank_pairs(&Cosine, &x.select_rows(&both).unwrap(), &shuffled).unwrap();
            let figures = |ranks: &Ranks| {
                let (mut precision, mut reciprocal) = (
                    RetrievalPrecision::new(3),
                    RetrievalReciprocalRank::default(),
                );
                precision.update(ranks);
                reciprocal.update(ranks);
                [precision.compute(), reciprocal.compute()].map(Option::unwrap_or_default)
            };
            for (a, b) in figures(&before).into_iter().zip(figures(&after)) {
                prop_assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }
}
