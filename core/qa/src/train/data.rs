//! Rows of an FAQ as pairs of texts in a learner's form.

use super::TrainError;
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_faq as faq;
use nearsay_search::index;
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt::Write as _};

/// A hash of the data, the settings and the initial weights of a run, by which a checkpoint is
/// matched to its run.
#[derive(Clone, Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Hash of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes to the hash.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The hash as hexadecimal digits.
    #[must_use]
    pub fn finish(self) -> String {
        let mut text = String::new();
        for byte in self.0.finalize() {
            write!(text, "{byte:02x}").ok();
        }
        text
    }
}

/// `n` texts in a learner's form: vectors, `[n, d]`, lists of token ids, or the texts themselves.
pub trait Texts: Clone + Default {
    /// Number of texts.
    fn len(&self) -> usize;

    /// Whether there are no texts.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The texts with these numbers, in this order. The result is unspecified for a number beyond the
    /// last.
    #[must_use]
    fn select(&self, numbers: &[usize]) -> Self;

    /// Adds all texts to a run's fingerprint.
    fn hash(&self, hasher: &mut Fingerprint);
}

impl Texts for Matrix {
    fn len(&self) -> usize {
        self.rows()
    }

    fn select(&self, numbers: &[usize]) -> Self {
        let rows: Vec<&[f32]> = numbers.iter().map(|&number| self.row(number)).collect();
        Self::from_rows(&rows).unwrap_or_default()
    }

    fn hash(&self, hasher: &mut Fingerprint) {
        hasher.update(self.rows().to_le_bytes());
        hasher.update(self.to_le_bytes());
    }
}

impl Texts for Vec<String> {
    fn len(&self) -> usize {
        self.len()
    }

    fn select(&self, numbers: &[usize]) -> Self {
        numbers.iter().map(|&number| self[number].clone()).collect()
    }

    fn hash(&self, hasher: &mut Fingerprint) {
        for text in self {
            hasher.update(text.len().to_le_bytes());
            hasher.update(text);
        }
    }
}

/// `n` pairs of texts.
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

    /// The pairs with these numbers, in this order; numbers beyond the last are ignored.
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

    /// Holds out a fraction of the distinct answers; see [`split_groups`].
    #[must_use]
    pub fn split(&self, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        split_groups(&self.subgroups, fraction, seed)
    }

    /// One more than the largest subgroup: the number of rows in the kernel of a loss such as
    /// [`ArcFace`](nearsay_core::loss::ArcFace).
    #[must_use]
    pub fn groups(&self) -> usize {
        let last = self.subgroups.iter().max();
        last.map_or(0, |&last| {
            usize::try_from(last)
                .unwrap_or(usize::MAX)
                .saturating_add(1)
        })
    }

    /// The `m` distinct answers, and the number of each pair's answer among them: `(m texts, [n])`.
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

    /// Adds all pairs to a run's fingerprint.
    pub(super) fn hash(&self, hasher: &mut Fingerprint) {
        self.anchors.hash(hasher);
        self.positives.hash(hasher);
        for group in &self.subgroups {
            hasher.update(group.to_le_bytes());
        }
    }

    /// Checks that there are enough answers to train on.
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

/// Holds out a fraction of the distinct groups: numbers of the pairs to train on and of those held
/// out.
///
/// At least one group is held out and at least two remain; of fewer than four groups none is held out.
#[must_use]
pub fn split_groups(subgroups: &[u64], fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut groups: Vec<u64> = subgroups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    if groups.len() < 4 {
        return ((0..subgroups.len()).collect(), Vec::new());
    }
    fastrand::Rng::with_seed(seed).shuffle(&mut groups);
    let wanted = (groups.len() as f64 * fraction).round() as usize;
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

/// A number for each answer, from 0 in order of appearance, equal for equal answers.
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
    fn answer_groups_gives_equal_answers_one_group() {
        assert_eq!(
            answer_groups(["Yes.", "No.", "yes. ", "Maybe"]),
            [0, 1, 0, 2]
        );
    }

    #[test]
    fn split_keeps_equal_answers_together() {
        let groups: Vec<u64> = (0..40).map(|i| i / 2).collect();
        let pairs = pairs(&groups);
        let (rest, held_out) = pairs.split(0.2, 1);
        assert_eq!((rest.len(), held_out.len()), (32, 8));
        assert!(
            held_out
                .iter()
                .all(|&i| rest.iter().all(|&j| groups[i] != groups[j]))
        );
        assert_eq!(pairs.split(0.2, 1), (rest, held_out));
    }

    #[test]
    fn split_of_too_few_answers_holds_nothing_out() {
        assert_eq!(pairs(&[0, 1, 2]).split(0.5, 0), (vec![0, 1, 2], vec![]));
        let (rest, held_out) = pairs(&[0, 1, 2, 3]).split(0.01, 0);
        assert_eq!((rest.len(), held_out.len()), (3, 1));
    }

    #[test]
    fn pool_has_each_answer_once() {
        let (pool, right) = pairs(&[7, 8, 7]).pool();
        assert_eq!((pool.rows(), right), (2, vec![0, 1, 0]));
    }

    #[test]
    fn check_needs_two_answers() {
        assert!(pairs(&[1, 1]).check().is_err());
        assert!(pairs(&[]).check().is_err());
        assert!(pairs(&[1, 2]).check().is_ok());
    }
}
