use super::ranks::{Ranks, Relevant, for_each_row};
use crate::{
    distance::Distance,
    sample::{BatchError, check_groups},
    tensor::Tensor,
};
use alloc::{collections::BTreeMap, vec::Vec};

/// Ranks a batch of grouped embeddings (`[n, d]`, one group per row).
///
/// Each embedding ranks the `n − 1` others by distance; the relevant ones are the other members of
/// its group. Source: `quaterion/eval/group/group_metric.py`.
///
/// # Errors
/// If the batch is empty, the number of embeddings and groups differs, or the tensor back end fails.
pub fn rank_groups<T: Tensor>(
    distance: &dyn Distance<T>,
    embeddings: &T,
    groups: &[u64],
) -> Result<Ranks, BatchError<T::Error>> {
    let all: Vec<u32> = (0..groups.len() as u32).collect();
    rank_group_rows(distance, embeddings, groups, &all)
}

/// Like [`rank_groups`], for a subset of the rows as queries.
pub(crate) fn rank_group_rows<T: Tensor>(
    distance: &dyn Distance<T>,
    embeddings: &T,
    groups: &[u64],
    rows: &[u32],
) -> Result<Ranks, BatchError<T::Error>> {
    check_groups(embeddings.dims().0, groups)?;
    let mut members: BTreeMap<u64, Vec<(usize, f32)>> = BTreeMap::new();
    for (row, &group) in groups.iter().enumerate() {
        members.entry(group).or_default().push((row, 1.0));
    }
    let mut ranks = Ranks::default();
    for_each_row(distance, embeddings, rows, embeddings, &mut |row, found| {
        let row = row as usize;
        let group = members.get(&groups[row]).map_or(&[][..], Vec::as_slice);
        let right: Vec<(usize, f32)> = group.iter().copied().filter(|r| r.0 != row).collect();
        ranks.push(
            found,
            Relevant {
                own: Some(row),
                right: &right,
            },
        );
    })?;
    Ok(ranks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        distance::{Cosine, Euclidean},
        matrix::Matrix,
        metric::{Metric, RetrievalPrecision, RetrievalRPrecision, RetrievalReciprocalRank},
    };
    use proptest::prelude::*;

    /// Reference implementation by sorting: (hits in the first R slots, slots).
    fn count_hits_by_sorting(distances: &Matrix, groups: &[u64]) -> (usize, usize) {
        let n = groups.len();
        let (mut hits, mut slots) = (0, 0);
        for i in 0..n {
            let mut order: Vec<usize> = (0..n).filter(|&j| j != i).collect();
            order.sort_by(|&a, &b| distances.row(i)[a].total_cmp(&distances.row(i)[b]));
            let right = |&&j: &&usize| groups[j] == groups[i];
            let wanted = order.iter().filter(right).count();
            hits += order[..wanted].iter().filter(right).count();
            slots += wanted;
        }
        (hits, slots)
    }

    #[test]
    fn rank_groups_rejects_mismatched_groups() {
        let x = Matrix::new(3, 1, alloc::vec![1.0, 2.0, 3.0]).unwrap();
        assert_eq!(rank_groups(&Cosine, &x, &[]), Err(BatchError::Empty));
        let (rows, groups) = (3, 2);
        let expected = Err(BatchError::Groups { rows, groups });
        assert_eq!(rank_groups(&Cosine, &x, &[1, 1]), expected);
    }

    fn figures(x: &Matrix, groups: &[u64]) -> [Option<f32>; 4] {
        let ranks = rank_groups(&Euclidean, x, groups).unwrap();
        let mut metrics: [alloc::boxed::Box<dyn Metric<Batch = Ranks>>; 4] = [
            alloc::boxed::Box::new(RetrievalRPrecision::default()),
            alloc::boxed::Box::new(RetrievalRPrecision::macro_mean()),
            alloc::boxed::Box::new(RetrievalPrecision::new(2)),
            alloc::boxed::Box::new(RetrievalReciprocalRank::default()),
        ];
        metrics.each_mut().map(|metric| {
            metric.update(&ranks);
            metric.compute()
        })
    }

    proptest! {
        #[test]
        fn r_precision_agrees_with_sorting(
            data in prop::collection::vec(-3i8..3, 14 * 2),
            groups in prop::collection::vec(0u64..5, 14),
        ) {
            let x = Matrix::new(14, 2, data.iter().map(|&x| f32::from(x)).collect()).unwrap();
            let ranks = rank_groups(&Euclidean, &x, &groups).unwrap();
            let mut metric = RetrievalRPrecision::default();
            metric.update(&ranks);
            let distances = Euclidean.distance_matrix(&x, &x).unwrap();
            let (hits, slots) = count_hits_by_sorting(&distances, &groups);
            let expected = (slots > 0).then(|| (hits as f64 / slots as f64) as f32);
            prop_assert_eq!(metric.compute(), expected);
        }

        /// Batch order matters for ties only, and random values have none.
        #[test]
        fn rank_groups_ignores_batch_order(seed in any::<u64>()) {
            let mut random = fastrand::Rng::with_seed(seed);
            let data: Vec<f32> = (0..20 * 3).map(|_| random.f32() - 0.5).collect();
            let x = Matrix::new(20, 3, data).unwrap();
            let groups: Vec<u64> = (0..20).map(|_| random.u64(0..6)).collect();
            let mut order: Vec<u32> = (0..20).collect();
            random.shuffle(&mut order);
            let shuffled: Vec<u64> = order.iter().map(|&i| groups[i as usize]).collect();
            let (a, b) = (
                figures(&x, &groups),
                figures(&x.select_rows(&order).unwrap(), &shuffled),
            );
            for (a, b) in a.iter().zip(b) {
                prop_assert!((a.unwrap() - b.unwrap()).abs() < 1e-6, "{a:?} {b:?}");
            }
        }
    }
}
