use crate::{distance::Distance, tensor::Tensor};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Maximum number of distances in memory (16 MiB). Larger rankings are computed in blocks of rows.
const BLOCK: usize = 1 << 22;

/// Rank of one relevant embedding for one query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositiveRank {
    /// Row of the query embedding.
    pub row: usize,
    /// Rank of the relevant embedding among the candidates, from 1; ties in batch order.
    pub rank: usize,
    /// Relevance: the score of a pair, 1 in a group.
    pub label: f32,
}

/// Ranks of the relevant embeddings of a batch, the input of the batch metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranks {
    /// Number of queries, including those without relevant embeddings.
    pub rows: usize,
    /// One entry per query and relevant embedding, by row, then by rank.
    pub positives: Vec<PositiveRank>,
}

/// Relevant columns of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relevant<'a> {
    /// Column of the query itself, which is excluded from the ranking.
    pub own: Option<usize>,
    /// Relevant columns without `own`, and their labels.
    pub right: &'a [(usize, f32)],
}

impl Ranks {
    /// Adds a query: its distances to all columns and its relevant columns.
    ///
    /// NaN distances of relevant columns rank last and other NaN distances rank first, so that a
    /// broken model never gets a good value.
    pub(crate) fn push(&mut self, distances: &[f32], relevant: Relevant<'_>) {
        let row = self.rows;
        self.rows += 1;
        if let [(column, label)] = *relevant.right {
            let rank = rank_single(distances, relevant.own, column);
            self.positives.push(PositiveRank { row, rank, label });
            return;
        }
        self.positives.extend(
            rank_several(distances, relevant)
                .into_iter()
                .map(|(rank, label)| PositiveRank { row, rank, label }),
        );
    }
}

/// Whether `column` ranks before the relevant column `right`: nearer, or equally near and earlier.
fn ranks_before(d: f32, column: usize, right_d: f32, right: usize) -> bool {
    match d.partial_cmp(&right_d) {
        Some(Ordering::Less) | None => true,
        Some(Ordering::Equal) => column < right,
        Some(Ordering::Greater) => false,
    }
}

/// Rank of a single relevant column, in one pass.
// The negated comparisons count NaN as nearer, like `ranks_before`, and vectorise.
#[allow(clippy::neg_cmp_op_on_partial_ord)]
fn rank_single(distances: &[f32], own: Option<usize>, right: usize) -> usize {
    let limit = distances[right];
    let earlier = distances[..right].iter().filter(|&&d| !(d > limit));
    let later = distances[right + 1..].iter().filter(|&&d| !(d >= limit));
    let nearer = earlier.count() + later.count();
    let own = own.is_some_and(|own| ranks_before(distances[own], own, limit, right));
    nearer - usize::from(own) + 1
}

/// Ascending ranks of several relevant columns, with their labels: `O(n log p)` for `n` columns, `p`
/// of them relevant.
fn rank_several(distances: &[f32], relevant: Relevant<'_>) -> Vec<(usize, f32)> {
    let mut right = relevant.right.to_vec();
    let key = |column: usize| (distances[column].is_nan(), distances[column]);
    right.sort_by(|&(a, _), &(b, _)| {
        key(a)
            .partial_cmp(&key(b))
            .unwrap_or(Ordering::Equal)
            .then(a.cmp(&b))
    });
    // Number of irrelevant columns before the first relevant one, between it and the second, …
    let mut between = alloc::vec![0usize; right.len() + 1];
    let mut is_right = alloc::vec![false; distances.len()];
    for &(column, _) in &right {
        is_right[column] = true;
    }
    for (column, &d) in distances.iter().enumerate() {
        if !is_right[column] && relevant.own != Some(column) {
            let first = right
                .partition_point(|&(right, _)| !ranks_before(d, column, distances[right], right));
            between[first] += 1;
        }
    }
    let mut wrong = 0;
    right
        .iter()
        .zip(between)
        .enumerate()
        .map(|(place, (&(_, label), more))| {
            wrong += more;
            (wrong + place + 1, label)
        })
        .collect()
}

/// Calls `each` with the distances of each row of `x` listed in `rows` to all rows of `y`, in order.
///
/// `x` is `[n, d]` and `y` is `[m, d]`. At most [`BLOCK`] distances (or one row) are in memory at
/// once.
pub(crate) fn for_each_row<T: Tensor>(
    distance: &dyn Distance<T>,
    x: &T,
    rows: &[u32],
    y: &T,
    each: &mut dyn FnMut(u32, &[f32]),
) -> Result<(), T::Error> {
    let columns = y.dims().0;
    if columns == 0 {
        return Ok(());
    }
    for block in rows.chunks((BLOCK / columns).max(1)) {
        let whole = block.len() == x.dims().0 && block.iter().copied().eq(0..block.len() as u32);
        let distances = if whole {
            distance.distance_matrix(x, y)?
        } else {
            distance.distance_matrix(&x.select_rows(block)?, y)?
        };
        let distances = distances.to_vec()?;
        for (&row, distances) in block.iter().zip(distances.chunks_exact(columns)) {
            each(row, distances);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rank(distances: &[f32], own: Option<usize>, right: &[(usize, f32)]) -> Ranks {
        let mut ranks = Ranks::default();
        ranks.push(distances, Relevant { own, right });
        ranks
    }

    #[test]
    fn nan_distances_worsen_ranks() {
        let nan = [f32::NAN; 4];
        let worst = |right: &[(usize, f32)]| {
            let ranks = rank(&nan, Some(0), right);
            ranks.positives.iter().map(|p| p.rank).collect::<Vec<_>>()
        };
        assert_eq!(worst(&[(1, 1.0)]), [3]);
        assert_eq!(worst(&[(1, 1.0), (2, 1.0)]), [2, 3]);
        let wrong_is_nan = [0.5, f32::NAN, 0.1];
        assert_eq!(rank(&wrong_is_nan, None, &[(2, 1.0)]).positives[0].rank, 2);
    }

    /// Expected values computed with Quaterion's functions.
    #[test]
    fn several_relevant_columns_count_separately() {
        use crate::metric::{Metric, RetrievalPrecision, RetrievalReciprocalRank};
        let mut ranks = rank(&[0.9, 0.1, 0.2, 0.3], None, &[(2, 1.0), (3, 1.0)]);
        ranks.push(
            &[0.4, 0.9, 0.1, 0.2],
            Relevant {
                own: None,
                right: &[(0, 1.0)],
            },
        );
        let found: Vec<_> = ranks.positives.iter().map(|p| (p.row, p.rank)).collect();
        assert_eq!(found, [(0, 2), (0, 3), (1, 3)]);
        let (mut precision, mut reciprocal) = (
            RetrievalPrecision::new(2),
            RetrievalReciprocalRank::default(),
        );
        precision.update(&ranks);
        reciprocal.update(&ranks);
        assert_eq!(precision.compute(), Some(0.25));
        let expected = (0.5 + 2.0 / 3.0) / 3.0;
        assert!((reciprocal.compute().unwrap() - expected).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn push_agrees_with_sorting(
            row in prop::collection::vec(-3i8..3, 12),
            right in prop::collection::btree_set(0usize..12, 1..6),
            own in prop::option::of(0usize..12),
        ) {
            let distances: Vec<f32> = row.iter().map(|&d| f32::from(d)).collect();
            let own = own.filter(|own| !right.contains(own));
            let mut order: Vec<usize> = (0..12).filter(|&i| Some(i) != own).collect();
            order.sort_by(|&i, &j| distances[i].total_cmp(&distances[j]));
            let mut expected: Vec<usize> = right
                .iter()
                .map(|&i| order.iter().position(|&j| i == j).unwrap() + 1)
                .collect();
            expected.sort_unstable();
            let right: Vec<(usize, f32)> = right.into_iter().map(|i| (i, 1.0)).collect();
            let found = rank(&distances, own, &right).positives;
            let found: Vec<usize> = found.iter().map(|p| p.rank).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
