//! Layer 4: exact top-k search for the answers nearest to a question.
//!
//! [`Index::search`] is dense search. With `std`, `Index::ask` is hybrid search: dense scores plus keyword scores.

use alloc::{vec, vec::Vec};
use core::cmp::Ordering;
use nearsay_core::matrix::{Matrix, ShapeError, dot};

#[cfg(feature = "std")]
mod codes;
#[cfg(feature = "std")]
mod nearest;
#[cfg(test)]
mod tests;
#[cfg(feature = "std")]
mod words;

#[cfg(feature = "std")]
pub use words::Words;

/// Search result: an answer with its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Number of the answer.
    pub answer: u32,
    /// Score of the best text of the answer: `meaning + words`.
    pub score: f32,
    /// Number of the best text, equal to the number of its vector.
    pub vector: u32,
    /// Dense score: cosine similarity of the best text to the query, in `[−1, 1]`.
    pub meaning: f32,
    /// Keyword score of the best text: that of its document, from 0 to the keyword weight, and up to another weight if the
    /// text says nearly the same as the question; 0 in dense search.
    pub words: f32,
}

/// Exact index of unit vectors. Each answer has a vector of its own text and one per paraphrase of its question.
///
/// The score of an answer is that of its best text. Results equal those of a comparison with every vector, bit for
/// bit. Answers with equal scores are ordered by number.
///
/// With `std`, large indexes store a code next to each vector, which rules out most vectors without reading them,
/// and search runs on all cores. Memory in bytes for `n` vectors of dimension `d`: `4·n·d` for the vectors,
/// `n·(d + 12)` for the codes (`d` rounded up to a multiple of 128), and 4 per vector and per answer.
#[derive(Clone, Debug, Default)]
pub struct Index {
    vectors: Matrix,
    owners: Vec<u32>,
    /// First vector of each answer, or [`NO_VECTOR`].
    own: Vec<u32>,
    #[cfg(feature = "std")]
    codes: Option<codes::Codes>,
    #[cfg(feature = "std")]
    words: Option<words::Words>,
}

impl Index {
    /// Creates an index of vectors `[n, d]`; vector `i` belongs to answer `owners[i]`, numbered from 0.
    ///
    /// Normalises all vectors except those that have length 1 up to rounding. Takes `O(n·d)` time; with `std`, on all
    /// cores.
    ///
    /// # Errors
    /// Returns [`ShapeError`] if `owners` isn't one number per vector.
    pub fn new(vectors: Matrix, owners: Vec<u32>) -> Result<Self, ShapeError> {
        if owners.len() != vectors.rows() {
            return Err(ShapeError {
                operation: "index",
                left: (vectors.rows(), vectors.columns()),
                right: (owners.len(), 1),
            });
        }
        let answers = owners.iter().max().map_or(0, |&last| last as usize + 1);
        let mut own = vec![NO_VECTOR; answers];
        for (vector, &owner) in owners.iter().enumerate().rev() {
            own[owner as usize] = vector as u32;
        }
        let (rows, columns) = (vectors.rows(), vectors.columns());
        let mut data = vectors.into_data();
        #[cfg(feature = "std")]
        let codes = codes::prepare(&mut data, columns);
        #[cfg(not(feature = "std"))]
        for row in data.chunks_exact_mut(columns.max(1)) {
            if !is_unit(dot(row, row)) {
                normalize(row);
            }
        }
        Ok(Self {
            vectors: Matrix::new(rows, columns, data)?,
            owners,
            own,
            #[cfg(feature = "std")]
            codes,
            #[cfg(feature = "std")]
            words: None,
        })
    }

    /// Returns the number of answers.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.own.len()
    }

    /// Returns the dimension of the vectors.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.vectors.columns()
    }

    /// Returns the normalised vectors, `[n, d]`.
    #[must_use]
    pub fn vectors(&self) -> &Matrix {
        &self.vectors
    }

    /// Returns the number of the answer that each vector belongs to, `[n]`.
    #[must_use]
    pub fn owners(&self) -> &[u32] {
        &self.owners
    }

    /// Returns the number of the vector of an answer's own text, the first of its vectors, or `None` if the answer has
    /// no vector.
    #[must_use]
    pub fn own(&self, answer: u32) -> Option<u32> {
        let own = self.own.get(answer as usize).copied();
        own.filter(|&vector| vector != NO_VECTOR)
    }

    /// Computes the cosine similarity of each hit's own answer text to the query, `[hits]`, in `[−1, 1]`.
    ///
    /// `query` must be the query of the search that returned `hits`.
    #[must_use]
    pub fn own_meanings(&self, query: &[f32], hits: &[Hit]) -> Vec<f32> {
        let unit = unit(query);
        let own = |hit: &Hit| match self.own(hit.answer) {
            Some(vector) if vector != hit.vector => self.hit(vector as usize, &unit, 0.0).meaning,
            _ => hit.meaning,
        };
        hits.iter().map(own).collect()
    }

    /// Scores every answer by its best vector, `[answers]`, in the order of their numbers.
    ///
    /// If the query and the vectors differ in length, only the leading components that both have are compared. An
    /// answer without vectors has the score negative infinity.
    #[must_use]
    pub fn scores(&self, query: &[f32]) -> Vec<Hit> {
        self.scores_of(&unit(query), none)
    }

    /// Scores every answer for a normalised query; `words` returns the keyword score of a text.
    fn scores_of(&self, unit: &[f32], words: impl Fn(usize) -> f32) -> Vec<Hit> {
        let mut hits: Vec<Hit> = (0..self.own.len() as u32)
            .map(|answer| Hit {
                answer,
                score: f32::NEG_INFINITY,
                vector: 0,
                meaning: f32::NEG_INFINITY,
                words: 0.0,
            })
            .collect();
        for (number, &owner) in self.owners.iter().enumerate() {
            let hit = self.hit(number, unit, words(number));
            let best = &mut hits[owner as usize];
            if hit.score > best.score {
                *best = hit;
            }
        }
        hits
    }

    /// Scores one vector for a normalised query, given the keyword score of its text.
    ///
    /// All searches call this function, so their scores are bit-equal.
    pub fn hit(&self, vector: usize, unit: &[f32], words: f32) -> Hit {
        // Adding zero turns -0.0 into 0.0, so that equal scores have equal bits.
        let meaning = dot(self.vectors.row(vector), unit) + 0.0;
        Hit {
            answer: self.owners[vector],
            score: meaning + words,
            vector: vector as u32,
            meaning,
            words,
        }
    }

    /// Returns the `k` answers nearest to a query vector, nearest first.
    ///
    /// Takes `O(n·d)` time; with codes, most of it is spent reading half a byte per vector component.
    #[must_use]
    pub fn search(&self, query: &[f32], k: usize) -> Vec<Hit> {
        self.best(&unit(query), none, k)
    }

    /// Returns the `k` best answers for a normalised query; `words` returns the keyword score of a text.
    fn best(&self, unit: &[f32], words: impl Fn(usize) -> f32 + Copy + Sync, k: usize) -> Vec<Hit> {
        if k == 0 {
            return Vec::new();
        }
        #[cfg(feature = "std")]
        if let Some(codes) = self.codes.as_ref().filter(|_| k <= MANY)
            && let Some(hits) = codes.search(self, unit, words, k)
        {
            return hits;
        }
        self.plain_search(unit, words, k)
    }

    /// Compares a normalised query with every vector.
    fn plain_search(&self, unit: &[f32], words: impl Fn(usize) -> f32, k: usize) -> Vec<Hit> {
        let mut hits = self.scores_of(unit, words);
        hits.retain(|hit| hit.score > f32::NEG_INFINITY);
        if hits.len() > k {
            hits.select_nth_unstable_by(k - 1, nearer);
            hits.truncate(k);
        }
        hits.sort_unstable_by(nearer);
        hits
    }

    /// Returns the memory of vectors, owners, codes and keyword index, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let plain =
            size_of_val(self.vectors.data()) + size_of_val(&*self.owners) + size_of_val(&*self.own);
        #[cfg(feature = "std")]
        let plain = plain
            + self.codes.as_ref().map_or(0, codes::Codes::bytes)
            + self.words.as_ref().map_or(0, words::Words::bytes);
        plain
    }
}

/// Marks an answer without vectors.
const NO_VECTOR: u32 = u32::MAX;

/// Largest `k` that codes are used for; beyond, keeping the hits sorted takes longer than comparing every vector.
#[cfg(feature = "std")]
const MANY: usize = 256;

/// Keyword score in dense search.
fn none(_: usize) -> f32 {
    0.0
}

/// Returns whether a vector with this squared length has length 1 up to rounding.
fn is_unit(squared: f32) -> bool {
    (squared - 1.0).abs() <= 1e-6
}

/// Orders hits by descending score, then by the number of the answer.
fn nearer(a: &Hit, b: &Hit) -> Ordering {
    b.score.total_cmp(&a.score).then(a.answer.cmp(&b.answer))
}

fn unit(query: &[f32]) -> Vec<f32> {
    let mut query = query.to_vec();
    normalize(&mut query);
    query
}

/// Scales a vector to length 1; vectors shorter than `1e-12` are left unchanged.
pub fn normalize(vector: &mut [f32]) {
    let length = libm::sqrtf(dot(vector, vector));
    if length > 1e-12 {
        for x in vector {
            *x /= length;
        }
    }
}
