//! Layer 4: the nearest answers to a question, found exactly.

use crate::matrix::{Matrix, ShapeError, dot};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// An answer and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Number of the answer.
    pub answer: u32,
    /// Cosine similarity of its nearest vector, in `[−1, 1]`.
    pub score: f32,
    /// Number of that vector.
    pub vector: u32,
}

/// Unit vectors, each belonging to an answer: its own and those of its question's known wordings.
///
/// An answer scores as its nearest vector does. Search is exhaustive and exact; answers of equal
/// score keep their order.
#[derive(Clone, Debug, Default)]
pub struct Index {
    vectors: Matrix,
    owners: Vec<u32>,
    answers: usize,
}

impl Index {
    /// An index of vectors `[n, d]`, vector `i` belonging to answer `owners[i]`. Vectors are
    /// normalised here; answers are numbered from 0.
    ///
    /// # Errors
    /// When `owners` is not one number a vector.
    pub fn new(vectors: Matrix, owners: Vec<u32>) -> Result<Self, ShapeError> {
        if owners.len() != vectors.rows() {
            return Err(ShapeError {
                operation: "index",
                left: (vectors.rows(), vectors.columns()),
                right: (owners.len(), 1),
            });
        }
        let answers = owners.iter().max().map_or(0, |&last| last as usize + 1);
        let (rows, columns) = (vectors.rows(), vectors.columns());
        let mut data = vectors.into_data();
        for row in data.chunks_exact_mut(columns.max(1)) {
            normalize(row);
        }
        Ok(Self {
            vectors: Matrix::new(rows, columns, data)?,
            owners,
            answers,
        })
    }

    /// Number of answers.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.answers
    }

    /// Length of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.vectors.columns()
    }

    /// The normalised vectors, `[n, d]`.
    #[must_use]
    pub fn vectors(&self) -> &Matrix {
        &self.vectors
    }

    /// The answer each vector belongs to.
    #[must_use]
    pub fn owners(&self) -> &[u32] {
        &self.owners
    }

    /// Every answer's score for a question, `[answers]`: the best of its vectors, with its number.
    ///
    /// A query of another length than [`dim`](Self::dim) is compared as far as both go.
    #[must_use]
    pub fn scores(&self, query: &[f32]) -> Vec<Hit> {
        let mut query = query.to_vec();
        normalize(&mut query);
        let mut hits: Vec<Hit> = (0..self.answers as u32)
            .map(|answer| Hit {
                answer,
                score: f32::NEG_INFINITY,
                vector: 0,
            })
            .collect();
        for (number, (vector, &owner)) in self.vectors.iter_rows().zip(&self.owners).enumerate() {
            let score = dot(vector, &query);
            let hit = &mut hits[owner as usize];
            if score > hit.score {
                (hit.score, hit.vector) = (score, number as u32);
            }
        }
        hits
    }

    /// The `k` nearest answers, nearest first.
    #[must_use]
    pub fn search(&self, query: &[f32], k: usize) -> Vec<Hit> {
        let nearer = |a: &Hit, b: &Hit| -> Ordering {
            b.score.total_cmp(&a.score).then(a.answer.cmp(&b.answer))
        };
        let mut hits = self.scores(query);
        hits.retain(|hit| hit.score > f32::NEG_INFINITY);
        if k == 0 {
            return Vec::new();
        }
        if hits.len() > k {
            hits.select_nth_unstable_by(k - 1, nearer);
            hits.truncate(k);
        }
        hits.sort_unstable_by(nearer);
        hits
    }
}

/// Scales a vector to length 1; one shorter than `1e-12` stays as it is.
pub fn normalize(vector: &mut [f32]) {
    let length = libm::sqrtf(dot(vector, vector));
    if length > 1e-12 {
        for x in vector {
            *x /= length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn an_answer_scores_as_its_nearest_vector() {
        let vectors = Matrix::from_rows(&[[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]).unwrap();
        let index = Index::new(vectors, vec![0, 1, 0]).unwrap();
        let hits = index.search(&[1.0, 1.1], 5);
        assert_eq!(
            hits.iter().map(|hit| hit.answer).collect::<Vec<_>>(),
            [0, 1]
        );
        assert_eq!(hits[0].vector, 2);
        assert!((hits[0].score - 1.0).abs() < 2e-3);
    }

    #[test]
    fn equal_answers_keep_their_order() {
        let vectors = Matrix::from_rows(&[[1.0], [1.0], [1.0], [-1.0]]).unwrap();
        let index = Index::new(vectors, vec![0, 1, 2, 3]).unwrap();
        let found: Vec<u32> = index
            .search(&[2.0], 2)
            .iter()
            .map(|hit| hit.answer)
            .collect();
        assert_eq!(found, [0, 1]);
        assert!(index.search(&[1.0], 0).is_empty());
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        let index = Index::new(Matrix::default(), vec![]).unwrap();
        assert!(index.search(&[1.0], 3).is_empty());
        assert!(Index::new(Matrix::default(), vec![1]).is_err());
    }

    proptest! {
        #[test]
        fn search_agrees_with_sorting(
            data in prop::collection::vec(-1.0f32..1.0, 40 * 3),
            query in prop::collection::vec(-1.0f32..1.0, 3),
            k in 1usize..50,
        ) {
            let index = Index::new(Matrix::new(40, 3, data).unwrap(), (0..40).collect()).unwrap();
            let mut all = index.scores(&query);
            all.sort_by(|a, b| b.score.total_cmp(&a.score));
            let found = index.search(&query, k);
            prop_assert_eq!(found.len(), k.min(40));
            for (a, b) in found.iter().zip(&all) {
                prop_assert_eq!(a.score, b.score);
            }
        }
    }
}
