//! Who is whose positive or negative, and the entries of a matrix chosen by that.

use crate::{
    sample::{BatchError, check_groups},
    tensor::Tensor,
};
use alloc::{vec, vec::Vec};

/// Added to what must not count, beyond any distance or score of real embeddings.
pub(super) const FAR: f32 = 1e9;

/// Which rows and columns of a distance matrix are positives or negatives of each other.
#[derive(Clone, Copy)]
pub(super) struct Relation<'a> {
    rows: &'a [u64],
    columns: &'a [u64],
    within: bool,
}

impl<'a> Relation<'a> {
    /// A batch with itself: the diagonal is neither positive nor negative.
    pub(super) fn within<E>(count: usize, groups: &'a [u64]) -> Result<Self, BatchError<E>> {
        check_groups(count, groups)?;
        Ok(Self {
            rows: groups,
            columns: groups,
            within: true,
        })
    }

    /// A batch with a memory, which holds none of its items.
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

    /// The columns that are positives of a row.
    pub(super) fn positives(&self, row: usize) -> impl Iterator<Item = usize> {
        let relation = *self;
        (0..self.columns.len()).filter(move |&column| relation.is_positive(row, column))
    }

    /// The columns that are negatives of a row.
    pub(super) fn negatives(&self, row: usize) -> impl Iterator<Item = usize> {
        let relation = *self;
        (0..self.columns.len()).filter(move |&column| relation.is_negative(row, column))
    }

    /// 1 where `holds`, else 0, for each entry, row by row.
    pub(super) fn mask(&self, holds: impl Fn(usize, usize) -> bool) -> Vec<f32> {
        let (rows, columns) = self.dims();
        let mut mask = vec![0.0; rows * columns];
        for row in 0..rows {
            for column in 0..columns {
                if holds(row, column) {
                    mask[row * columns + column] = 1.0;
                }
            }
        }
        mask
    }
}

/// One entry a row, 0 where none is named: `[n, m] → [n, 1]`.
///
/// The gradient goes to that one entry even where others equal it.
pub(super) fn pick<T: Tensor>(
    x: &T,
    columns: impl IntoIterator<Item = Option<usize>>,
) -> Result<T, T::Error> {
    let (n, m) = x.dims();
    let mut chosen = vec![0.0; n * m];
    for (row, column) in columns.into_iter().enumerate() {
        if let Some(column) = column {
            chosen[row * m + column] = 1.0;
        }
    }
    x.mul(&x.constant(&chosen, n, m)?)?.sum_rows()
}

/// Entries by number, counted row by row: `[n, m] → [entries.len(), 1]`.
pub(super) fn entries<T: Tensor>(x: &T, entries: &[u32]) -> Result<T, T::Error> {
    let rows = (0..x.dims().0 as u32)
        .map(|row| x.select_rows(&[row]))
        .collect::<Result<Vec<_>, _>>()?;
    T::concat_columns(&rows)?.transpose()?.select_rows(entries)
}

/// The number of the largest of these entries of a row; the first of equal ones.
pub(super) fn largest(row: &[f32], columns: impl IntoIterator<Item = usize>) -> Option<usize> {
    best(row, columns, |a, b| a > b)
}

/// The number of the smallest of these entries of a row; the first of equal ones.
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

/// `ln(1 + eˣ)` of a column, without overflow: `[n, 1] → [n, 1]`.
pub(super) fn softplus<T: Tensor>(x: &T) -> Result<T, T::Error> {
    let n = x.dims().0;
    T::concat_columns(&[x.constant(&vec![0.0; n], n, 1)?, x.clone()])?.logsumexp_rows()
}
