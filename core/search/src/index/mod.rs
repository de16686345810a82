//! Layer 4: the nearest answers to a question, found exactly.
//!
//! [`Index::search`] finds by vectors alone; `Index::ask`, with `std`, by vectors and words together, where
//! the index has words.

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

/// An answer and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Number of the answer.
    pub answer: u32,
    /// How near its nearest text is: `meaning + words`.
    pub score: f32,
    /// Number of that text, which is that of its vector.
    pub vector: u32,
    /// Cosine similarity of that vector, in `[−1, 1]`.
    pub meaning: f32,
    /// What the words add that the question shares with that text's document, the answer and all its wordings, from
    /// 0 to the weight of words; 0 in a search by vectors alone.
    pub words: f32,
}

/// Unit vectors, each belonging to an answer: its own and those of its question's known wordings.
///
/// An answer scores as its nearest vector does; with words, as its best text. Search is exact: it finds what
/// comparing the question with every vector would, the same scores to the last bit; answers of equal score keep
/// their order.
///
/// With `std`, large indexes have a code of each vector beside it, by which most vectors are ruled out
/// without being read, and all cores search. Memory, in bytes for `n` vectors of length `d`: `4·n·d`, and
/// `n·(d + 12)` for codes; at 384 dimensions 1,536 and 396 a vector, and 4 for each vector and each answer.
#[derive(Clone, Debug, Default)]
pub struct Index {
    vectors: Matrix,
    owners: Vec<u32>,
    /// The first vector of each answer, [`NO_VECTOR`] where it has none.
    own: Vec<u32>,
    #[cfg(feature = "std")]
    codes: Option<codes::Codes>,
    #[cfg(feature = "std")]
    words: Option<words::Words>,
}

impl Index {
    /// An index of vectors `[n, d]`, vector `i` belonging to answer `owners[i]`. Vectors are
    /// normalised here, but for those of length 1 up to rounding; answers are numbered from 0.
    ///
    /// Takes time in `O(n·d)`, on all cores.
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

    /// Number of answers.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.own.len()
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

    /// The vector of an answer's own text, which is the first of its vectors; none where it has none.
    #[must_use]
    pub fn own(&self, answer: u32) -> Option<u32> {
        let own = self.own.get(answer as usize).copied();
        own.filter(|&vector| vector != NO_VECTOR)
    }

    /// For each hit the cosine similarity of its answer's own text to the query it was found by, `[hits]`, in
    /// `[−1, 1]`; that of the hit where the answer has none.
    #[must_use]
    pub fn own_meanings(&self, query: &[f32], hits: &[Hit]) -> Vec<f32> {
        let unit = unit(query);
        let own = |hit: &Hit| match self.own(hit.answer) {
            Some(vector) if vector != hit.vector => self.hit(vector as usize, &unit, 0.0).meaning,
            _ => hit.meaning,
        };
        hits.iter().map(own).collect()
    }

    /// Every answer's score for a question, `[answers]`: the best of its vectors, with its number.
    ///
    /// A query of another length than [`dim`](Self::dim) is compared as far as both go.
    #[must_use]
    pub fn scores(&self, query: &[f32]) -> Vec<Hit> {
        self.scores_of(&unit(query), none)
    }

    /// Every answer's score for a normalised query and what words add to the score of a text.
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

    /// The score of one vector for a normalised query, with what words add to it: the only place where
    /// one is computed.
    pub fn hit(&self, vector: usize, unit: &[f32], words: f32) -> Hit {
        // Adding zero takes the sign off a negative one: equal scores are then equal bits.
        let meaning = dot(self.vectors.row(vector), unit) + 0.0;
        Hit {
            answer: self.owners[vector],
            score: meaning + words,
            vector: vector as u32,
            meaning,
            words,
        }
    }

    /// The `k` nearest answers, nearest first.
    ///
    /// Takes time in `O(n·d)`, mostly that of reading half a byte a number.
    #[must_use]
    pub fn search(&self, query: &[f32], k: usize) -> Vec<Hit> {
        self.best(&unit(query), none, k)
    }

    /// The `k` best for a normalised query and what words add to the score of a text.
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

    /// Bytes of memory that vectors, owners, codes and words take.
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

/// The vector of an answer that has none.
const NO_VECTOR: u32 = u32::MAX;

/// So many answers wanted, each vector is compared: keeping them in order would take longer.
#[cfg(feature = "std")]
const MANY: usize = 256;

/// What words add to the score of a text where there are none.
fn none(_: usize) -> f32 {
    0.0
}

/// Whether a vector of this squared length is of length 1 but for rounding.
fn is_unit(squared: f32) -> bool {
    (squared - 1.0).abs() <= 1e-6
}

/// Nearest first; answers of equal score by number.
fn nearer(a: &Hit, b: &Hit) -> Ordering {
    b.score.total_cmp(&a.score).then(a.answer.cmp(&b.answer))
}

fn unit(query: &[f32]) -> Vec<f32> {
    let mut query = query.to_vec();
    normalize(&mut query);
    query
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
