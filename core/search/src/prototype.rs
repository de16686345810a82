//! Layer 7: prototype scoring in embedding space.
//!
//! The score of an answer mixes the similarity of the question to its nearest paraphrase with the similarity to the mean
//! of all its paraphrases, its prototype. The mix is linear in the question, so it is stored in the vectors of the
//! paraphrases:
//!
//! ```text
//! p' = ((1 − w) · p + w · m) / |(1 − w) · p + w · m|,    w = n / (n + prior)
//! m  = Σ uᵢ pᵢ,    uᵢ = exp(s · p·pᵢ) / Σⱼ exp(s · p·pⱼ)
//! ```
//!
//! The sums run over the `n` paraphrases `pᵢ` of the answer, `p` among them; all have length 1. The mean of many
//! paraphrases is more reliable than that of few, so its weight grows with `n`; `prior` is the number of paraphrases from
//! which the mean has half the weight. The sharpness `s` is 0 for the plain mean. Where the paraphrases of an answer are
//! about several things, a greater sharpness moves each one towards those like it only.
//!
//! The only paraphrase of an answer is its own mean and stays as it is. Nothing is trained, and searches and exports that
//! compare with the stored vectors need nothing else. Held-out questions ([`Kind::KeptAside`]) are neither moved nor part
//! of a mean.
//!
//! Sources: Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", 2017; the weight is that of a
//! shrinkage estimator (James and Stein, 1961). Measurements are in the crate's `NOTES.md`.

use crate::{
    expansion::{Kind, Texts, add},
    index::normalize,
};
use nearsay_core::matrix::{Matrix, ShapeError, dot};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Maximum number of paraphrases that a sharp mean is computed from, sampled evenly. It bounds the time, which grows with
/// the square of their number.
pub const MOST: usize = 256;

/// Settings of prototype scoring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prototype {
    /// Number of paraphrases from which the mean has half the weight; from 0, which compares with the mean alone, to 100.
    pub prior: f32,
    /// Sharpness of the softmax that weights the paraphrases of a mean, from 0 to 100. Default: 0, which weights all
    /// equally.
    #[serde(default)]
    pub sharpness: f32,
}

impl Prototype {
    /// Default: the plain mean, which has half the weight with two paraphrases.
    pub const USUAL: Self = Self {
        prior: 2.0,
        sharpness: 0.0,
    };

    /// Returns whether the prior and the sharpness are in `[0, 100]`.
    #[must_use]
    pub fn is_sound(self) -> bool {
        let range = 0.0..=100.0;
        range.contains(&self.prior) && range.contains(&self.sharpness)
    }

    /// Moves the vectors of questions towards the mean of their answer's questions, in place. `vectors` are of length 1
    /// before and after, `[n, d]`; `owners` and `kinds` have the answer and the kind of each text, `[n]`. The vectors of
    /// other kinds stay as they are. Takes `O(n·d)` time, or with a sharpness `O(n·m·d)` for `m` questions an answer, of
    /// which at most [`MOST`] count.
    ///
    /// # Errors
    /// Returns [`ShapeError`] if `vectors`, `owners` and `kinds` differ in length.
    pub fn apply(
        self,
        vectors: &mut Matrix,
        owners: &[u32],
        kinds: &[Kind],
    ) -> Result<(), ShapeError> {
        let texts = Texts {
            vectors,
            owners,
            kinds,
        };
        texts.check()?;
        let answers = owners.iter().max().map_or(0, |&last| last as usize + 1);
        let mut questions: Vec<Vec<usize>> = vec![Vec::new(); answers];
        for (text, (&owner, kind)) in owners.iter().zip(kinds).enumerate() {
            if *kind == Kind::Question {
                questions[owner as usize].push(text);
            }
        }
        // A single question equals its mean; skipping it keeps its bits.
        questions.retain(|questions| questions.len() > 1);
        let (all, dim) = (texts.vectors, texts.vectors.columns());
        let moved = questions.par_iter().map(|rows| self.moved(all, rows));
        let moved: Vec<Vec<f32>> = moved.collect();
        for (rows, moved) in questions.iter().zip(moved) {
            for (&row, moved) in rows.iter().zip(moved.chunks_exact(dim.max(1))) {
                vectors.row_mut(row).copy_from_slice(moved);
            }
        }
        Ok(())
    }

    /// Moved vectors of the questions of an answer, in rows.
    fn moved(self, vectors: &Matrix, rows: &[usize]) -> Vec<f32> {
        let weight = rows.len() as f32 / (rows.len() as f32 + self.prior);
        let dim = vectors.columns();
        let mut mean = vec![0.0; dim];
        if self.sharpness == 0.0 {
            let share = 1.0 / rows.len() as f32;
            rows.iter()
                .for_each(|&row| add(&mut mean, share, vectors.row(row)));
        }
        let sampled = || rows.iter().step_by(rows.len().div_ceil(MOST));
        let mut all = Vec::with_capacity(rows.len() * dim);
        for &row in rows {
            let question = vectors.row(row);
            if self.sharpness > 0.0 {
                // Cosines are at most 1, so no exponential overflows.
                let share = |other: &usize| {
                    (self.sharpness * (dot(question, vectors.row(*other)) - 1.0)).exp()
                };
                let shares: Vec<f32> = sampled().map(share).collect();
                let total: f32 = shares.iter().sum();
                mean.fill(0.0);
                for (&other, share) in sampled().zip(shares) {
                    add(
                        &mut mean,
                        share / total.max(f32::MIN_POSITIVE),
                        vectors.row(other),
                    );
                }
            }
            let start = all.len();
            let mixed = question.iter().zip(&mean);
            all.extend(mixed.map(|(x, mean)| (1.0 - weight) * x + weight * mean));
            normalize(&mut all[start..]);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(degrees: f32) -> [f32; 2] {
        [degrees.to_radians().cos(), degrees.to_radians().sin()]
    }

    const OWNERS: [u32; 7] = [0, 0, 0, 0, 1, 1, 2];
    const KINDS: [Kind; 7] = {
        let mut kinds = [Kind::Question; 7];
        kinds[0] = Kind::Answer;
        kinds[4] = Kind::Answer;
        kinds[6] = Kind::Answer;
        kinds
    };

    fn vectors() -> Matrix {
        Matrix::from_rows(&[0.0, 10.0, 20.0, 60.0, 90.0, 120.0, 180.0].map(at)).unwrap()
    }

    fn moved(prior: f32, kinds: &[Kind]) -> Matrix {
        moved_by(
            Prototype {
                prior,
                ..Prototype::USUAL
            },
            kinds,
        )
    }

    fn moved_by(prototype: Prototype, kinds: &[Kind]) -> Matrix {
        let mut vectors = vectors();
        prototype.apply(&mut vectors, &OWNERS, kinds).unwrap();
        vectors
    }

    #[test]
    fn questions_move_by_the_reference_formula() {
        let found = moved(2.0, &KINDS);
        let mean: Vec<f32> = (0..2)
            .map(|i| [10.0, 20.0, 60.0].map(at).iter().map(|p| p[i]).sum::<f32>() / 3.0)
            .collect();
        for (text, degrees) in [(1, 10.0), (2, 20.0), (3, 60.0)] {
            let mut right: Vec<f32> = (0..2)
                .map(|i| 0.4 * at(degrees)[i] + 0.6 * mean[i])
                .collect();
            normalize(&mut right);
            let row = found.row(text).iter().zip(right);
            assert!(row.into_iter().all(|(x, right)| (x - right).abs() < 1e-6));
        }
    }

    #[test]
    fn sharpness_weights_like_questions_more() {
        let sharp = Prototype {
            prior: 0.0,
            sharpness: 3.0,
        };
        let found = moved_by(sharp, &KINDS);
        let questions = [10.0, 20.0, 60.0];
        for (text, degrees) in (1..).zip(questions) {
            let shares =
                questions.map(|other: f32| (3.0 * (other - degrees).to_radians().cos()).exp());
            let points = questions.map(at);
            let mut right = [0, 1].map(|i| {
                let weighted = points.iter().zip(shares);
                weighted.map(|(p, share)| share * p[i]).sum::<f32>()
            });
            normalize(&mut right);
            let row = found.row(text).iter().zip(right);
            assert!(
                row.into_iter().all(|(x, right)| (x - right).abs() < 1e-6),
                "{text}"
            );
        }
        // Far from the other two, the last question stays closer to itself than with the plain mean.
        assert!(dot(found.row(3), &at(60.0)) > dot(moved(0.0, &KINDS).row(3), &at(60.0)));
    }

    #[test]
    fn answers_and_only_questions_stay() {
        let (found, before) = (moved(2.0, &KINDS), vectors());
        for text in [0, 4, 5, 6] {
            assert_eq!(found.row(text), before.row(text));
        }
    }

    #[test]
    fn prior_of_zero_compares_with_the_mean_alone() {
        let found = moved(0.0, &KINDS);
        for (a, b) in found.row(1).iter().zip(found.row(3)) {
            assert!((a - b).abs() < 1e-6);
        }
    }

    #[test]
    fn held_out_questions_do_not_count() {
        let mut kinds = KINDS;
        kinds[3] = Kind::KeptAside;
        let found = moved(2.0, &kinds);
        assert_eq!(found.row(3), vectors().row(3));
        // Half of the way between 10° and 15°, and between 20° and 15°.
        for (text, degrees) in [(1, 12.5), (2, 17.5)] {
            let cosine: f32 = found
                .row(text)
                .iter()
                .zip(at(degrees))
                .map(|(a, b)| a * b)
                .sum();
            assert!(cosine > 0.99999, "{text}");
        }
        kinds[2] = Kind::KeptAside;
        assert_eq!(moved(2.0, &kinds), vectors());
    }

    #[test]
    fn mismatched_shapes_are_rejected() {
        let usual = Prototype::USUAL;
        assert!(usual.apply(&mut vectors(), &OWNERS[1..], &KINDS).is_err());
        assert!(usual.apply(&mut vectors(), &OWNERS, &KINDS[1..]).is_err());
        usual.apply(&mut Matrix::zeros(0, 3), &[], &[]).unwrap();
    }
}
