//! Positives and negatives of a distance matrix, and the selection of its entries.

use crate::{
    distance::Distance,
    sample::{BatchError, check_groups},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// Offset that excludes an entry; larger than any distance or score of embeddings.
pub(super) const FAR: f32 = 1e9;

/// Distance matrix of a batch with itself, `[n, n]`, and its positives and negatives.
pub(super) fn batch_distances<'a, T: Tensor>(
    distance: &impl Distance<T>,
    embeddings: &T,
    groups: &'a [u64],
) -> Result<(T, Relation<'a>), BatchError<T::Error>> {
    let relation = Relation::within(embeddings.dims().0, groups)?;
    Ok((distance.distance_matrix(embeddings, embeddings)?, relation))
}

/// Distance matrix of a batch with a memory, `[n, m]`, and its positives and negatives.
pub(super) fn memory_distances<'a, T: Tensor>(
    distance: &impl Distance<T>,
    (embeddings, groups): (&T, &'a [u64]),
    (memory, memory_groups): (&T, &'a [u64]),
) -> Result<(T, Relation<'a>), BatchError<T::Error>> {
    let counts = (embeddings.dims().0, memory.dims().0);
    let relation = Relation::across(counts, groups, memory_groups)?;
    Ok((distance.distance_matrix(embeddings, memory)?, relation))
}

/// Positives and negatives among the rows and columns of a distance matrix.
#[derive(Clone, Copy)]
pub(super) struct Relation<'a> {
    rows: &'a [u64],
    columns: &'a [u64],
    within: bool,
}

impl<'a> Relation<'a> {
    /// Relation of a batch with itself; the diagonal is neither positive nor negative.
    pub(super) fn within<E>(count: usize, groups: &'a [u64]) -> Result<Self, BatchError<E>> {
        check_groups(count, groups)?;
        Ok(Self {
            rows: groups,
            columns: groups,
            within: true,
        })
    }

    /// Relation of a batch with a memory, which contains none of its items.
    pub(super) fn across<E>(
        counts: (usize, usize),
        groups: &'a [u64],
        memory_groups: &'a [u64],
    ) -> Result<Self, BatchError<E>> {
        check_groups(counts.0, groups)?;
        check_groups(counts.1, memory_groups)?;
        Ok(Self {
            rows: groups,
            columns: memory_groups,
            within: false,
        })
    }

    pub(super) fn dims(&self) -> (usize, usize) {
        (self.rows.len(), self.columns.len())
    }

    pub(super) fn is_positive(&self, row: usize, column: usize) -> bool {
        self.rows[row] == self.columns[column] && !(self.within && row == column)
    }

    pub(super) fn is_negative(&self, row: usize, column: usize) -> bool {
        self.rows[row] != self.columns[column]
    }

    /// Positives of a row.
    pub(super) fn positives(&self, row: usize) -> impl Iterator<Item = usize> {
        let relation = *self;
        (0..self.columns.len()).filter(move |&column| relation.is_positive(row, column))
    }

    /// Negatives of a row.
    pub(super) fn negatives(&self, row: usize) -> impl Iterator<Item = usize> {
        let relation = *self;
        (0..self.columns.len()).filter(move |&column| relation.is_negative(row, column))
    }

    /// Row-major mask: 1 for entries that satisfy `condition`, otherwise 0.
    pub(super) fn mask(&self, condition: impl Fn(usize, usize) -> bool) -> Vec<f32> {
        let (rows, columns) = self.dims();
        let mut mask = vec![0.0; rows * columns];
        for row in 0..rows {
            for column in 0..columns {
                if condition(row, column) {
                    mask[row * columns + column] = 1.0;
                }
            }
        }
        mask
    }
}

/// Selects one entry per row, or 0 for `None`: `[n, m] → [n, 1]`.
///
/// The gradient flows to the selected entry only, even if others are equal to it.
pub(super) fn select_one_per_row<T: Tensor>(
    x: &T,
    columns: impl IntoIterator<Item = Option<usize>>,
) -> Result<T, T::Error> {
    let (n, m) = x.dims();
    let mut selected = vec![0.0; n * m];
    for (row, column) in columns.into_iter().enumerate() {
        if let Some(column) = column {
            selected[row * m + column] = 1.0;
        }
    }
    x.mul(&x.constant(&selected, n, m)?)?.sum_rows()
}

/// Selects entries by row-major index: `[n, m] → [entries.len(), 1]`.
pub(super) fn select_entries<T: Tensor>(x: &T, entries: &[u32]) -> Result<T, T::Error> {
    let rows = (0..x.dims().0 as u32)
        .map(|row| x.select_rows(&[row]))
        .collect::<Result<Vec<_>, _>>()?;
    T::concat_columns(&rows)?.transpose()?.select_rows(entries)
}

/// Index of the largest of the given entries of a row; the first one among equals.
pub(super) fn largest(row: &[f32], columns: impl IntoIterator<Item = usize>) -> Option<usize> {
    best(row, columns, |a, b| a > b)
}

/// Index of the smallest of the given entries of a row; the first one among equals.
pub(super) fn smallest(row: &[f32], columns: impl IntoIterator<Item = usize>) -> Option<usize> {
    best(row, columns, |a, b| a < b)
}

fn best(
    row: &[f32],
    columns: impl IntoIterator<Item = usize>,
    beats: impl Fn(f32, f32) -> bool,
) -> Option<usize> {
    columns.into_iter().reduce(|best, column| {
        if beats(row[column], row[best]) {
            column
        } else {
            best
        }
    })
}

/// `ln(1 + eˣ)` of a column without overflow: `[n, 1] → [n, 1]`.
pub(super) fn softplus<T: Tensor>(x: &T) -> Result<T, T::Error> {
    let n = x.dims().0;
    T::concat_columns(&[x.constant(&vec![0.0; n], n, 1)?, x.clone()])?.logsumexp_rows()
}
