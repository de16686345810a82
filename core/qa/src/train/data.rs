//! Rows of an FAQ as pairs of texts in the form a learner takes them.

use super::TrainError;
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq as faq;
use nearsay_search::index;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// `n` texts in the form a learner takes them: vectors, `[n, d]`, or lists of token ids.
pub trait Texts: Clone + Default {
    /// Number of texts.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The texts of these numbers, in this order. A number beyond the last is a bug; what stands
    /// for its text is not said.
    #[must_use]
    fn select(&self, numbers: &[usize]) -> Self;

    /// Feeds everything into a hash, so that a saved run can tell its own data.
    fn hash(&self, hasher: &mut Sha256);
}

impl Texts for Matrix {
    fn len(&self) -> usize {
        self.rows()
    }

    fn select(&self, numbers: &[usize]) -> Self {
        let rows: Vec<&[f32]> = numbers.iter().map(|&number| self.row(number)).collect();
        Self::from_rows(&rows).unwrap_or_default()
    }

    fn hash(&self, hasher: &mut Sha256) {
        hasher.update(self.rows().to_le_bytes());
        hasher.update(self.to_le_bytes());
    }
}

/// `n` pairs of texts, with what is known about equal answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pairs<X = Matrix> {
    /// Questions.
    pub anchors: X,
    /// Their answers.
    pub positives: X,
    /// One number a pair, equal for pairs with equal answers; see [`answer_groups`].
    pub subgroups: Vec<u64>,
}

impl<X: Texts> Pairs<X> {
    /// Pairs of questions and answers.
    ///
    /// # Errors
    /// When the three differ in length.
    pub fn new(anchors: X, positives: X, subgroups: Vec<u64>) -> Result<Self, ShapeError> {
        let (left, right) = (anchors.len(), positives.len());
        if left != right || subgroups.len() != left {
            return Err(ShapeError {
                operation: "pairs",
                left: (left, subgroups.len()),
                right: (right, subgroups.len()),
            });
        }
        Ok(Self {
            anchors,
            positives,
            subgroups,
        })
    }

    /// Number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subgroups.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subgroups.is_empty()
    }

    /// The pairs of these numbers, in this order; numbers beyond the last are left out.
    #[must_use]
    pub fn select(&self, numbers: &[usize]) -> Self {
        let numbers: Vec<usize> = numbers
            .iter()
            .copied()
            .filter(|&n| n < self.len())
            .collect();
        Self {
            anchors: self.anchors.select(&numbers),
            positives: self.positives.select(&numbers),
            subgroups: numbers
                .iter()
                .map(|&number| self.subgroups[number])
                .collect(),
        }
    }

    /// Keeps a share of the distinct answers aside, as [`slice`] does.
    #[must_use]
    pub fn slice(&self, share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        slice(&self.subgroups, share, seed)
    }

    /// The `m` distinct answers and which of them is each of the `n` pairs': `(m texts, [n])`.
    #[must_use]
    pub fn pool(&self) -> (X, Vec<usize>) {
        let mut place = HashMap::new();
        let mut firsts = Vec::new();
        let right = self
            .subgroups
            .iter()
            .enumerate()
            .map(|(pair, &group)| {
                *place.entry(group).or_insert_with(|| {
                    firsts.push(pair);
                    firsts.len() - 1
                })
            })
            .collect();
        (self.positives.select(&firsts), right)
    }

    /// Feeds everything into a hash, so that a saved run can tell its own data.
    pub(super) fn hash(&self, hasher: &mut Sha256) {
        self.anchors.hash(hasher);
        self.positives.hash(hasher);
        for group in &self.subgroups {
            hasher.update(group.to_le_bytes());
        }
    }

    /// Checks that there is something to learn from.
    ///
    /// # Errors
    /// [`TrainError::TooFew`] with fewer than two distinct answers.
    pub fn check(&self) -> Result<(), TrainError> {
        match self.subgroups.first() {
            Some(first) if self.subgroups.iter().any(|group| group != first) => Ok(()),
            _ => Err(TrainError::TooFew { pairs: self.len() }),
        }
    }
}

/// Keeps a share of the distinct groups aside: (the rest, the slice), by numbers of pairs.
///
/// At least one group goes into the slice and at least two stay; with fewer than four there is no slice.
#[must_use]
pub fn slice(subgroups: &[u64], share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut groups: Vec<u64> = subgroups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    if groups.len() < 4 {
        return ((0..subgroups.len()).collect(), Vec::new());
    }
    fastrand::Rng::with_seed(seed).shuffle(&mut groups);
    let wanted = (groups.len() as f64 * share).round() as usize;
    groups.truncate(wanted.clamp(1, groups.len() - 2));
    groups.sort_unstable();
    (0..subgroups.len()).partition(|&pair| groups.binary_search(&subgroups[pair]).is_err())
}

/// A matrix with every row scaled to length 1.
#[must_use]
pub fn normalized(matrix: Matrix) -> Matrix {
    let (rows, columns) = (matrix.rows(), matrix.columns());
    let mut data = matrix.into_data();
    data.chunks_exact_mut(columns.max(1))
        .for_each(index::normalize);
    Matrix::new(rows, columns, data).unwrap_or_default()
}

/// One number an answer, from 0 in order of appearance, equal for equal answers.
///
/// Answers are equal when [`faq::normalize`] makes them so. Unlike Quaterion's
/// `hash(question)` the numbers never collide.
pub fn answer_groups<'a>(answers: impl IntoIterator<Item = &'a str>) -> Vec<u64> {
    let mut groups = HashMap::new();
    answers
        .into_iter()
        .map(|answer| {
            let next = groups.len() as u64;
            *groups.entry(faq::normalize(answer)).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(groups: &[u64]) -> Pairs {
        let data: Vec<f32> = (0..groups.len() * 2).map(|x| x as f32).collect();
        let matrix = Matrix::new(groups.len(), 2, data).unwrap();
        Pairs::new(matrix.clone(), matrix, groups.to_vec()).unwrap()
    }

    #[test]
    fn equal_answers_share_a_group() {
        assert_eq!(
            answer_groups(["Yes.", "No.", "yes. ", "Maybe"]),
            [0, 1, 0, 2]
        );
    }

    #[test]
    fn a_slice_never_parts_equal_answers() {
        let groups: Vec<u64> = (0..40).map(|i| i / 2).collect();
        let pairs = pairs(&groups);
        let (rest, slice) = pairs.slice(0.2, 1);
        assert_eq!((rest.len(), slice.len()), (32, 8));
        assert!(
            slice
                .iter()
                .all(|&i| rest.iter().all(|&j| groups[i] != groups[j]))
        );
        assert_eq!(pairs.slice(0.2, 1), (rest, slice));
    }

    #[test]
    fn too_few_answers_give_no_slice() {
        assert_eq!(pairs(&[0, 1, 2]).slice(0.5, 0), (vec![0, 1, 2], vec![]));
        let (rest, slice) = pairs(&[0, 1, 2, 3]).slice(0.01, 0);
        assert_eq!((rest.len(), slice.len()), (3, 1));
    }

    #[test]
    fn the_pool_holds_each_answer_once() {
        let (pool, right) = pairs(&[7, 8, 7]).pool();
        assert_eq!((pool.rows(), right), (2, vec![0, 1, 0]));
    }

    #[test]
    fn needs_two_answers() {
        assert!(pairs(&[1, 1]).check().is_err());
        assert!(pairs(&[]).check().is_err());
        assert!(pairs(&[1, 2]).check().is_ok());
    }
}
