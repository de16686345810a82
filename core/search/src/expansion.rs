//! Layer 7: document expansion in embedding space.
//!
//! Each answer vector is shifted towards the questions of its nearest neighbours:
//!
//! ```text
//! a' = (a + w · Σ pᵢ qᵢ) / |a + w · Σ pᵢ qᵢ|,    pᵢ = exp(s · a·aᵢ) / Σⱼ exp(s · a·aⱼ)
//! ```
//!
//! The sums run over the [`NEAREST`] pairs of a question `qᵢ` and its answer `aᵢ` whose answers are nearest to
//! `a`. All vectors have length 1, and `s` = [`SHARPNESS`]. Expansion trains nothing and embeds no further text.
//!
//! An answer's own questions can count or be left out ([`Own`]). Leave them out where questions are held out for
//! validation: the answers of held-out questions lack own questions, and comparing them with answers that have
//! theirs would be unfair.
//!
//! Where the questions of other answers don't help, an answer can be shifted towards its own questions alone, with
//! equal weights ([`Towards::Own`]).
//!
//! Sources: Nogueira et al., "Document expansion by query prediction", 2019 (doc2query); Rocchio, "Relevance
//! feedback in information retrieval", 1971. Real questions of neighbours take the place of predicted ones.
//! Measurements are in the crate's `NOTES.md`.

use crate::index::normalize;
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_kernel::gemm::{Parallelism, View, ViewMut, matmul};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Number of pairs that expand an answer.
pub const NEAREST: usize = 20;

/// Scale of the softmax that weights the pairs by the similarity of their answers.
pub const SHARPNESS: f32 = 20.0;

/// Maximum number of pairs with [`Towards::Alike`], sampled evenly over the file. It bounds the time of
/// [`Expansion::apply`], which grows with the number of pairs.
pub const MOST: usize = 20_000;

/// Answers per matrix product; bounds the memory for similarities.
const BLOCK: usize = 256;

/// Settings of document expansion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Weight of the questions relative to the answer vector, from 0 to 4.
    pub weight: f32,
    /// Source of the questions. Default: [`Towards::Alike`].
    #[serde(default)]
    pub towards: Towards,
}

/// Source of the questions that expand an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Towards {
    /// The questions of the nearest answers, including its own.
    #[default]
    Alike,
    /// Only its own questions.
    Own,
}

impl Rule {
    /// Default with the questions of the nearest answers: weight 0.5.
    pub const ALIKE: Self = Self {
        weight: 0.5,
        towards: Towards::Alike,
    };

    /// Default with own questions only: weight 0.5.
    pub const OWN: Self = Self {
        weight: 0.5,
        towards: Towards::Own,
    };

    /// Returns whether the weight is in `[0, 4]`.
    #[must_use]
    pub fn is_sound(self) -> bool {
        (0.0..=4.0).contains(&self.weight)
    }
}

/// Whether an answer's own questions expand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Own questions count.
    Counts,
    /// Own questions are left out.
    LeftOut,
}

/// Texts of answers, with one vector each.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// Vectors from the model, before expansion, `[n, d]`, of length 1.
    pub vectors: &'a Matrix,
    /// Number of the answer that each text belongs to, `[n]`.
    pub owners: &'a [u32],
    /// Kind of each text, `[n]`.
    pub kinds: &'a [Kind],
}

/// Kind of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An answer; its vector is expanded.
    Answer,
    /// A question; answers are expanded by it.
    Question,
    /// A held-out question, which is ignored.
    KeptAside,
}

/// Pairs of a question and its answer that expand other answers.
#[derive(Clone, Debug)]
pub struct Expansion {
    rule: Rule,
    /// Empty with [`Towards::Own`].
    answers: Matrix,
    questions: Matrix,
    groups: Vec<u64>,
}

impl Expansion {
    /// Creates an expansion from pairs of an answer, `[m, d]`, and its question, `[m, d]`, all of length 1.
    ///
    /// Pairs with equal `groups`, `[m]`, have one answer. With [`Towards::Alike`], more than [`MOST`] pairs are
    /// reduced to every n-th pair.
    ///
    /// # Errors
    /// Returns [`ShapeError`] if the shapes of `answers` and `questions` differ or `groups` has another length.
    pub fn new(
        rule: Rule,
        answers: Matrix,
        questions: Matrix,
        groups: Vec<u64>,
    ) -> Result<Self, ShapeError> {
        let shape = |matrix: &Matrix| (matrix.rows(), matrix.columns());
        if shape(&answers) != shape(&questions) || groups.len() != answers.rows() {
            return Err(ShapeError {
                operation: "expansion",
                left: shape(&answers),
                right: (groups.len(), questions.columns()),
            });
        }
        if rule.towards == Towards::Own {
            let mut order: Vec<usize> = (0..groups.len()).collect();
            order.sort_by_key(|&pair| groups[pair]);
            return Ok(Self {
                rule,
                answers: Matrix::zeros(0, questions.columns()),
                questions: rows(&questions, order.iter().copied())?,
                groups: order.iter().map(|&pair| groups[pair]).collect(),
            });
        }
        if groups.len() <= MOST {
            return Ok(Self {
                rule,
                answers,
                questions,
                groups,
            });
        }
        let kept: Vec<usize> = thinned(groups.len()).collect();
        let some = |matrix: &Matrix| rows(matrix, kept.iter().copied());
        Ok(Self {
            rule,
            answers: some(&answers)?,
            questions: some(&questions)?,
            groups: kept.iter().map(|&pair| groups[pair]).collect(),
        })
    }

    /// Creates an expansion from the answers and questions among `texts`.
    ///
    /// # Errors
    /// Returns [`ShapeError`] if `vectors`, `owners` and `kinds` differ in length.
    pub fn of(rule: Rule, texts: &Texts<'_>) -> Result<Self, ShapeError> {
        texts.check()?;
        let answers = texts
            .owners
            .iter()
            .max()
            .map_or(0, |&last| last as usize + 1);
        let mut text_of = vec![None; answers];
        let mut pairs = Vec::new();
        for (text, (&owner, kind)) in texts.owners.iter().zip(texts.kinds).enumerate() {
            match kind {
                Kind::Answer => text_of[owner as usize] = Some(text),
                Kind::Question => pairs.push((owner, text)),
                Kind::KeptAside => {}
            }
        }
        pairs.retain(|(owner, _)| text_of[*owner as usize].is_some());
        // Sampling first avoids copying vectors that `new` would drop.
        if rule.towards == Towards::Alike {
            pairs = thinned(pairs.len()).map(|pair| pairs[pair]).collect();
        }
        let answer = |(owner, _): &(u32, usize)| text_of[*owner as usize].unwrap_or_default();
        Self::new(
            rule,
            rows(texts.vectors, pairs.iter().map(answer))?,
            rows(texts.vectors, pairs.iter().map(|(_, text)| *text))?,
            pairs.iter().map(|(owner, _)| u64::from(*owner)).collect(),
        )
    }

    /// Expands answer vectors in place, `[n, d]`, of length 1 before and after.
    ///
    /// An answer's own questions are the pairs of its group; `groups` has one number per answer, `[n]`. Takes
    /// `O(n·m·d)` time on all cores, or `O((n + m)·d)` with [`Towards::Own`].
    ///
    /// # Errors
    /// Returns [`ShapeError`] if the answers and the pairs differ in dimension, or `groups` isn't one number per
    /// answer.
    pub fn apply(&self, answers: &mut Matrix, groups: &[u64], own: Own) -> Result<(), ShapeError> {
        let (pairs, dim) = (self.questions.rows(), self.questions.columns());
        if answers.rows() != groups.len() || (pairs > 0 && answers.columns() != dim) {
            return Err(ShapeError {
                operation: "expansion",
                left: (answers.rows(), answers.columns()),
                right: (groups.len(), dim),
            });
        }
        if pairs == 0 || dim == 0 {
            return Ok(());
        }
        if self.rule.towards == Towards::Own {
            if own == Own::Counts {
                let answers = answers.data_mut().par_chunks_exact_mut(dim).zip(groups);
                answers.for_each(|(answer, group)| self.move_to_own(answer, *group));
            }
            return Ok(());
        }
        let mut near = vec![0.0; BLOCK.min(answers.rows()) * pairs];
        for (block, groups) in answers
            .data_mut()
            .chunks_mut(BLOCK * dim)
            .zip(groups.chunks(BLOCK))
        {
            let rows = groups.len();
            let near = &mut near[..rows * pairs];
            matmul(
                ViewMut::new(near, rows, pairs),
                0.0,
                1.0,
                View::new(block, rows, dim),
                View::new(self.answers.data(), pairs, dim).t(),
                Parallelism::Rayon(rayon::current_num_threads()),
            )?;
            let answers = block.par_chunks_exact_mut(dim).zip(groups);
            answers
                .zip(near.par_chunks_exact(pairs))
                .for_each(|((answer, group), near)| self.move_one(answer, *group, near, own));
        }
        Ok(())
    }

    /// Expands the vectors of selected texts in place.
    ///
    /// `answers` has the row numbers of the texts to expand, `vectors` one row per text, `[n, d]`, and `owners` the
    /// answer of each text, `[n]`, numbered as in [`of`](Self::of).
    ///
    /// # Errors
    /// Returns [`ShapeError`] if there isn't one owner per vector, or for the reasons of [`apply`](Self::apply).
    pub fn apply_to(
        &self,
        answers: &[usize],
        owners: &[u32],
        vectors: &mut Matrix,
        own: Own,
    ) -> Result<(), ShapeError> {
        if owners.len() != vectors.rows() {
            return Err(ShapeError {
                operation: "expansion",
                left: (vectors.rows(), vectors.columns()),
                right: (owners.len(), 1),
            });
        }
        let mut moved = rows(vectors, answers.iter().copied())?;
        let groups: Vec<u64> = answers.iter().map(|&text| owners[text].into()).collect();
        self.apply(&mut moved, &groups, own)?;
        for (&text, vector) in answers.iter().zip(moved.iter_rows()) {
            vectors.row_mut(text).copy_from_slice(vector);
        }
        Ok(())
    }

    /// Shifts one answer vector towards its own questions.
    fn move_to_own(&self, answer: &mut [f32], group: u64) {
        let first = self.groups.partition_point(|&other| other < group);
        let end = self.groups.partition_point(|&other| other <= group);
        let share = self.rule.weight / (end - first) as f32;
        for pair in first..end {
            add(answer, share, self.questions.row(pair));
        }
        normalize(answer);
    }

    /// Shifts one answer vector, given its similarity to the answer of each pair, `[m]`.
    fn move_one(&self, answer: &mut [f32], group: u64, near: &[f32], own: Own) {
        let counts = |pair: &usize| own == Own::Counts || self.groups[*pair] != group;
        let mut pairs: Vec<usize> = (0..near.len()).filter(counts).collect();
        let nearer = |a: &usize, b: &usize| near[*b].total_cmp(&near[*a]).then(a.cmp(b));
        if pairs.len() > NEAREST {
            pairs.select_nth_unstable_by(NEAREST, nearer);
            pairs.truncate(NEAREST);
            // Floating-point sums depend on the order; selection leaves it unspecified.
            pairs.sort_unstable();
        }
        let nearest = pairs
            .iter()
            .map(|&pair| near[pair])
            .fold(f32::NEG_INFINITY, f32::max);
        let shares: Vec<f32> = pairs
            .iter()
            .map(|&pair| (SHARPNESS * (near[pair] - nearest)).exp())
            .collect();
        let all: f32 = shares.iter().sum();
        for (pair, share) in pairs.into_iter().zip(shares) {
            add(
                answer,
                self.rule.weight * share / all,
                self.questions.row(pair),
            );
        }
        normalize(answer);
    }
}

impl Texts<'_> {
    pub(crate) fn check(&self) -> Result<(), ShapeError> {
        if self.owners.len() == self.vectors.rows() && self.kinds.len() == self.vectors.rows() {
            return Ok(());
        }
        Err(ShapeError {
            operation: "expansion",
            left: (self.vectors.rows(), self.vectors.columns()),
            right: (self.owners.len(), self.kinds.len()),
        })
    }

    /// Returns all vectors, `[n, d]`: those of answers expanded, the others unchanged.
    ///
    /// # Errors
    /// Returns [`ShapeError`] if `vectors`, `owners` and `kinds` differ in length.
    pub fn expanded(&self, rule: Rule, own: Own) -> Result<Matrix, ShapeError> {
        let expansion = Expansion::of(rule, self)?;
        let is_answer = |text: &usize| self.kinds[*text] == Kind::Answer;
        let texts: Vec<usize> = (0..self.kinds.len()).filter(is_answer).collect();
        let mut all = self.vectors.clone();
        expansion.apply_to(&texts, self.owners, &mut all, own)?;
        Ok(all)
    }
}

/// Adds `share · vector` to `to`.
pub(crate) fn add(to: &mut [f32], share: f32, vector: &[f32]) {
    to.iter_mut().zip(vector).for_each(|(x, q)| *x += share * q);
}

/// Samples at most [`MOST`] pair numbers evenly.
fn thinned(pairs: usize) -> impl Iterator<Item = usize> {
    (0..pairs).step_by(pairs.div_ceil(MOST).max(1))
}

/// Copies the given rows of a matrix.
fn rows(matrix: &Matrix, rows: impl Iterator<Item = usize>) -> Result<Matrix, ShapeError> {
    let (mut data, mut count) = (Vec::new(), 0);
    for row in rows {
        data.extend_from_slice(matrix.row(row));
        count += 1;
    }
    Matrix::new(count, matrix.columns(), data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made_up(rows: usize, dim: usize, seed: u64) -> Matrix {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut matrix = Matrix::from_fn(rows, dim, |_, _| random.f32() - 0.5);
        matrix.data_mut().chunks_exact_mut(dim).for_each(normalize);
        matrix
    }

    /// Reference implementation of the formula in the module docs.
    fn plainly(expansion: &Expansion, answer: &[f32], group: u64, own: Own) -> Vec<f64> {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        let mut pairs: Vec<(f64, usize)> = (0..expansion.groups.len())
            .filter(|&pair| own == Own::Counts || expansion.groups[pair] != group)
            .map(|pair| (dot(answer, expansion.answers.row(pair)), pair))
            .collect();
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        pairs.truncate(NEAREST);
        let all: f64 = pairs.iter().map(|(near, _)| (20.0 * near).exp()).sum();
        let mut sum: Vec<f64> = answer.iter().map(|x| f64::from(*x)).collect();
        for (near, pair) in pairs {
            let share = f64::from(expansion.rule.weight) * (20.0 * near).exp() / all;
            for (x, q) in sum.iter_mut().zip(expansion.questions.row(pair)) {
                *x += share * f64::from(*q);
            }
        }
        let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        sum.iter().map(|x| x / length).collect()
    }

    #[test]
    fn apply_matches_reference_formula() {
        let groups: Vec<u64> = (0..90).map(|pair| pair / 2).collect();
        let expansion =
            Expansion::new(Rule::ALIKE, made_up(90, 7, 1), made_up(90, 7, 2), groups).unwrap();
        let before = made_up(300, 7, 3);
        let own: Vec<u64> = (0..300).map(|answer| answer % 50).collect();
        for which in [Own::Counts, Own::LeftOut] {
            let mut after = before.clone();
            expansion.apply(&mut after, &own, which).unwrap();
            for (row, group) in own.iter().enumerate() {
                let right = plainly(&expansion, before.row(row), *group, which);
                for (x, right) in after.row(row).iter().zip(right) {
                    assert!((f64::from(*x) - right).abs() < 1e-5, "{which:?} {row}");
                }
            }
        }
    }

    #[test]
    fn expanded_keeps_questions_and_ignores_held_out_ones() {
        let vectors = made_up(6, 5, 4);
        let (owners, mut kinds) = ([0, 0, 0, 1, 1, 2], [Kind::Question; 6]);
        [kinds[0], kinds[3], kinds[5]] = [Kind::Answer; 3];
        let expanded = |kinds: &[Kind], own| {
            let texts = Texts {
                vectors: &vectors,
                owners: &owners,
                kinds,
            };
            texts.expanded(Rule::ALIKE, own).unwrap()
        };
        let all = expanded(&kinds, Own::Counts);
        for question in [1, 2, 4] {
            assert_eq!(all.row(question), vectors.row(question));
        }
        let mut aside = kinds;
        aside[2] = Kind::KeptAside;
        let without = expanded(&aside, Own::Counts);
        assert_ne!(all.row(0), without.row(0));
        // The only remaining question belongs to another answer, so it gets the full weight.
        aside[1] = Kind::KeptAside;
        let alone = expanded(&aside, Own::LeftOut);
        let mut towards = vectors.row(0).to_vec();
        let question = vectors.row(4).iter();
        towards
            .iter_mut()
            .zip(question)
            .for_each(|(x, q)| *x += 0.5 * q);
        normalize(&mut towards);
        for (x, right) in alone.row(0).iter().zip(towards) {
            assert!((x - right).abs() < 1e-6);
        }
        // The only question is its own and left out, so the vector is unchanged.
        for (x, right) in alone.row(3).iter().zip(vectors.row(3)) {
            assert!((x - right).abs() < 1e-6);
        }
    }

    #[test]
    fn own_mode_averages_only_own_questions() {
        let vectors = made_up(7, 5, 4);
        // The last answer has no question; those of the first answer are not adjacent.
        let groups = vec![9, 4, 9];
        let three = |first: usize| rows(&vectors, first..first + 3).unwrap();
        let expansion = Expansion::new(Rule::OWN, three(0), three(3), groups).unwrap();
        let mut moved = three(0);
        expansion
            .apply(&mut moved, &[9, 4, 7], Own::Counts)
            .unwrap();
        let mut both = vectors.row(0).to_vec();
        add(&mut both, 0.25, vectors.row(3));
        add(&mut both, 0.25, vectors.row(5));
        let mut one = vectors.row(1).to_vec();
        add(&mut one, 0.5, vectors.row(4));
        let right = [both, one, vectors.row(2).to_vec()];
        for (moved, mut right) in moved.iter_rows().zip(right) {
            normalize(&mut right);
            assert!(moved.iter().zip(&right).all(|(a, b)| (a - b).abs() < 1e-6));
        }
        // Own mode without own questions has nothing to add.
        let mut stay = three(0);
        expansion
            .apply(&mut stay, &[9, 4, 7], Own::LeftOut)
            .unwrap();
        assert_eq!(stay, three(0));
        // `MOST` does not apply in own mode.
        let many = 2 * MOST;
        let vectors = Matrix::zeros(many, 1);
        let groups = (0..many as u64).collect();
        let expansion = Expansion::new(Rule::OWN, vectors.clone(), vectors, groups).unwrap();
        assert_eq!(expansion.questions.rows(), many);
    }

    #[test]
    fn new_samples_pairs_evenly_from_large_files() {
        let pairs = 2 * MOST + 1;
        let groups: Vec<u64> = (0..pairs as u64).collect();
        let vectors = Matrix::zeros(pairs, 1);
        let expansion = Expansion::new(Rule::ALIKE, vectors.clone(), vectors, groups).unwrap();
        assert!(expansion.groups.len() <= MOST);
        assert_eq!(expansion.groups[..2], [0, 3]);
        assert!(expansion.groups.last() > Some(&(pairs as u64 - 4)));
    }

    #[test]
    fn mismatched_shapes_are_rejected() {
        let three = || made_up(3, 4, 1);
        assert!(Expansion::new(Rule::ALIKE, three(), made_up(2, 4, 1), vec![0; 3]).is_err());
        assert!(Expansion::new(Rule::ALIKE, three(), three(), vec![0; 2]).is_err());
        let expansion = Expansion::new(Rule::ALIKE, three(), three(), vec![0; 3]).unwrap();
        assert!(
            expansion
                .apply(&mut made_up(2, 5, 1), &[0; 2], Own::Counts)
                .is_err()
        );
        assert!(expansion.apply(&mut three(), &[0; 2], Own::Counts).is_err());
        let short = expansion.apply_to(&[0], &[0; 2], &mut three(), Own::Counts);
        assert!(short.is_err());
        let none = Expansion::new(
            Rule::ALIKE,
            Matrix::zeros(0, 4),
            Matrix::zeros(0, 4),
            vec![],
        )
        .unwrap();
        let mut answers = three();
        none.apply(&mut answers, &[0; 3], Own::Counts).unwrap();
        assert_eq!(answers, three());
    }
}
