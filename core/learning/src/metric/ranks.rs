use crate::{distance::Distance, tensor::Tensor};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Distances held at once: 16 MiB. Larger rankings are done in blocks of rows.
const BLOCK: usize = 1 << 22;

/// Where one of the right embeddings landed when an embedding ranked the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositiveRank {
    /// The embedding that ranked, `0..rows`.
    pub row: usize,
    /// Rank of the right embedding among the others, from 1; ties in batch order.
    pub rank: usize,
    /// How right it is: a pair's score, 1 in a group.
    pub label: f32,
}

/// All that the batch metrics need to know of a batch: the ranks of what was to be found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranks {
    /// How many embeddings ranked the others, whether or not there was anything to be found.
    pub rows: usize,
    /// One for each right embedding of each row, by row, then by rank.
    pub positives: Vec<PositiveRank>,
}

/// What a row is to find: the columns that are right for it, and its own, which it is not asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The row's own column, if it stands among the columns; it is left out of the ranking.
    pub own: Option<usize>,
    /// The right columns, `own` not among them, and their labels.
    pub right: &'a [(usize, f32)],
}

impl Ranks {
    /// Adds one row: its distances to all columns, and what it was to find.
    ///
    /// A distance that is not a number counts as farther than all others when it is a right one's
    /// and as nearer when it is not, so that a broken model never looks good.
    pub(crate) fn push(&mut self, distances: &[f32], wanted: Wanted<'_>) {
        let row = self.rows;
        self.rows += 1;
        if let [(column, label)] = *wanted.right {
            let rank = rank_of_one(distances, wanted.own, column);
            self.positives.push(PositiveRank { row, rank, label });
            return;
        }
        let ranked = rank_of_many(distances, wanted);
        self.positives
            .extend(
                ranked
                    .into_iter()
                    .map(|(rank, label)| PositiveRank { row, rank, label }),
            );
    }
}

/// Whether a column stands before another one: nearer, or as near and earlier.
fn before(d: f32, column: usize, right_d: f32, right: usize) -> bool {
    match d.partial_cmp(&right_d) {
        Some(Ordering::Less) | None => true,
        Some(Ordering::Equal) => column < right,
        Some(Ordering::Greater) => false,
    }
}

/// The rank of the only right column, in one pass.
fn rank_of_one(distances: &[f32], own: Option<usize>, right: usize) -> usize {
    let limit = distances[right];
    // `before`, written so that compilers vectorise it: nothing compares with what is no number.
    #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN must count
    let count = |from: &[f32], equal: bool| match equal {
        true => from.iter().filter(|&&d| !(d > limit)).count(),
        false => from.iter().filter(|&&d| !(d >= limit)).count(),
    };
    let nearer = count(&distances[..right], true) + count(&distances[right + 1..], false);
    let own = own.is_some_and(|own| before(distances[own], own, limit, right));
    nearer - usize::from(own) + 1
}

/// The ranks of several right columns, ascending, with their labels: `O(n log p)` for `n` columns,
/// `p` of them right.
fn rank_of_many(distances: &[f32], wanted: Wanted<'_>) -> Vec<(usize, f32)> {
    let mut right = wanted.right.to_vec();
    let key = |column: usize| (distances[column].is_nan(), distances[column]);
    right.sort_by(|&(a, _), &(b, _)| {
        key(a)
            .partial_cmp(&key(b))
            .unwrap_or(Ordering::Equal)
            .then(a.cmp(&b))
    });
    // How many wrong columns stand before the first right one, between it and the second, …
    let mut between = alloc::vec![0usize; right.len() + 1];
    let mut is_right = alloc::vec![false; distances.len()];
    for &(column, _) in &right {
        is_right[column] = true;
    }
    for (column, &d) in distances.iter().enumerate() {
        if !is_right[column] && wanted.own != Some(column) {
            let first =
                right.partition_point(|&(right, _)| !before(d, column, distances[right], right));
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

/// Calls back with the distances of each of the given rows of `x` to all rows of `y`, in order.
///
/// `x` is `[n, d]`, `y` is `[m, d]`; at most [`BLOCK`] distances (or one row of them) are held at
/// once, whatever `n` is.
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
        ranks.push(distances, Wanted { own, right });
        ranks
    }

    #[test]
    fn what_is_no_number_never_looks_good() {
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

    /// Two rows with several right columns, as Quaterion's own functions count them.
    #[test]
    fn several_right_columns_count_one_by_one() {
        use crate::metric::{Metric, RetrievalPrecision, RetrievalReciprocalRank};
        let mut ranks = rank(&[0.9, 0.1, 0.2, 0.3], None, &[(2, 1.0), (3, 1.0)]);
        ranks.push(
            &[0.4, 0.9, 0.1, 0.2],
            Wanted {
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
        fn ranks_agree_with_sorting(
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
