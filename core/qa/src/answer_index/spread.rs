//! The spread of an encoder's similarities, which keyword weights are relative to.

use super::AnswerIndex;
use nearsay_core::matrix::{Matrix, ShapeError, dot};
use nearsay_search::expansion::Kind;

/// Spread of all-MiniLM-L6-v2, the mean over eight FAQs of [`AnswerIndex::spread`]. The default keyword weight of
/// transformers is stated for this spread.
pub const TRANSFORMER_SPREAD: f32 = 0.105;

/// Spread of the compact encoder, which the default keyword weight of static encoders is stated for.
pub const STATIC_SPREAD: f32 = 0.087;

/// Factor by which the spreads of one encoder differ between FAQs. Within it, keyword weights stay as they are.
const USUAL_RANGE: f32 = 1.5;

/// Maximum numbers of questions and of answers that are compared.
const SAMPLE: [usize; 2] = [256, 512];

/// Minimum number of answers; fewer don't tell how an encoder spreads its similarities.
const ENOUGH: usize = 8;

impl AnswerIndex {
    /// Computes how far the similarities of a question to wrong answers differ: the standard deviation over the answers,
    /// averaged over the questions. `None` with fewer than eight answers or without questions.
    ///
    /// Some encoders give all texts similarities between 0.7 and 1, others between 0 and 1. A keyword score that is added
    /// to similarities must be weighted by their spread, or it decides everything for the former and nothing for the
    /// latter. Uses the raw vectors of evenly sampled texts.
    ///
    /// # Errors
    /// If the vectors before expansion aren't loaded.
    pub fn spread(&self) -> Result<Option<f32>, ShapeError> {
        self.need_unexpanded()?;
        let kinds = self.answers.kinds();
        let of = |kind: Kind, most: usize| {
            let texts = (0..kinds.len()).filter(|&text| kinds[text] == kind);
            let texts: Vec<usize> = texts.collect();
            let step = texts.len().div_ceil(most).max(1);
            texts.into_iter().step_by(step).collect::<Vec<_>>()
        };
        let (questions, answers) = (of(Kind::Question, SAMPLE[0]), of(Kind::Answer, SAMPLE[1]));
        if questions.is_empty() || answers.len() < ENOUGH {
            return Ok(None);
        }
        let owners = self.index.owners();
        let vectors: &Matrix = &self.raw_vectors();
        let deviation = |&question: &usize| {
            let wrong = answers
                .iter()
                .filter(|&&answer| owners[answer] != owners[question]);
            let similarity = wrong.map(|&answer| dot(vectors.row(question), vectors.row(answer)));
            standard_deviation(&similarity.map(f64::from).collect::<Vec<_>>())
        };
        let sum: f64 = questions.iter().map(deviation).sum();
        Ok(Some((sum / questions.len() as f64) as f32))
    }

    /// Scales a keyword weight that was stated for a spread of `reference` to the spread of this index.
    ///
    /// A weight stays as it is if the spread is unknown, or within a factor of 1.5 of the reference, the range of one
    /// encoder on different FAQs. Beyond this range it is proportional to the spread. Weights stay in `[0, 4]`.
    ///
    /// # Errors
    /// The errors of [`spread`](Self::spread).
    pub fn scale_keyword_weight(&self, weight: f32, reference: f32) -> Result<f32, ShapeError> {
        let spread = self.spread()?.filter(|spread| spread.is_finite());
        let scale = spread.map_or(1.0, |spread| {
            let ratio = spread / reference;
            ratio / ratio.clamp(1.0 / USUAL_RANGE, USUAL_RANGE)
        });
        Ok((weight * scale).clamp(0.0, 4.0))
    }
}

fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::{AnswerSet, KnownAnswer, Scoring, Words};
    use super::*;
    use nearsay_search::index::normalize;
    use std::sync::Arc;

    const DIM: usize = 16;

    /// Vectors of an encoder whose cosines are `low + (1 − low) · cosine` of another one: a constant component is added.
    fn squeezed(vectors: &Matrix, low: f32) -> Matrix {
        Matrix::from_fn(vectors.rows(), DIM + 1, |row, column| {
            if column < DIM {
                (1.0 - low).sqrt() * vectors.row(row)[column]
            } else {
                low.sqrt()
            }
        })
    }

    fn vectors(rows: usize) -> Matrix {
        let mut random = fastrand::Rng::with_seed(9);
        let mut matrix = Matrix::from_fn(rows, DIM, |_, _| random.f32() - 0.5);
        matrix.data_mut().chunks_exact_mut(DIM).for_each(normalize);
        matrix
    }

    fn index(vectors: Matrix, weight: f32) -> AnswerIndex {
        let known = (0..vectors.rows() / 2).map(|answer| KnownAnswer {
            answer: format!("answer number{answer} word{}", answer % 5),
            questions: vec![format!(
                "question about thing{} and word{}",
                answer % 7,
                answer % 3
            )],
            row: 0,
            source: None,
        });
        let answers = Arc::new(AnswerSet::from_known(known.collect()));
        let scoring = Scoring {
            hybrid: Some(Words {
                near: false,
                ..Words::by_answer(weight)
            }),
            ..Scoring::default()
        };
        AnswerIndex::build(answers, vectors, scoring).unwrap()
    }

    #[test]
    fn ranking_is_the_same_for_squeezed_cosines() {
        let (all, asked) = (vectors(60), vectors(70));
        let mut spreads = Vec::new();
        let mut rankings = Vec::new();
        for low in [0.0, 0.7, 0.95] {
            let plain = index(squeezed(&all, low), 0.3);
            let spread = plain.spread().unwrap().unwrap() / (1.0 - low);
            spreads.push(spread);
            // Above the usual range of the unsqueezed spread.
            let reference = spreads[0] * USUAL_RANGE;
            let weight = plain.scale_keyword_weight(0.3, reference).unwrap();
            let scaled = index(squeezed(&all, low), weight);
            let questions = squeezed(&asked, low);
            let ranking = (60..70).map(|question| {
                let text = format!("word{} of thing{}", question % 3, question % 7);
                let hits = scaled.search(&text, questions.row(question), 30);
                hits.into_iter().map(|hit| hit.number).collect::<Vec<_>>()
            });
            rankings.push(ranking.collect::<Vec<_>>());
        }
        assert!(
            spreads
                .iter()
                .all(|spread| (spread - spreads[0]).abs() < 1e-3 * spreads[0])
        );
        assert_eq!(rankings[0], rankings[1]);
        assert_eq!(rankings[0], rankings[2]);
    }

    #[test]
    fn few_answers_keep_the_weight() {
        let few = index(vectors(2 * ENOUGH - 2), 0.3);
        assert_eq!(few.spread().unwrap(), None);
        assert_eq!(few.scale_keyword_weight(0.3, 0.2).unwrap(), 0.3);
        let many = index(vectors(2 * ENOUGH), 0.3);
        assert_eq!(many.scale_keyword_weight(0.3, 1e-9).unwrap(), 4.0);
    }

    #[test]
    fn weight_changes_outside_of_the_usual_range_only() {
        let index = index(vectors(40), 0.3);
        let spread = index.spread().unwrap().unwrap();
        let scaled = |reference: f32| index.scale_keyword_weight(0.3, reference).unwrap();
        for ratio in [0.7, 1.0, 1.4] {
            assert!((scaled(spread * ratio) - 0.3).abs() < 1e-6, "{ratio}");
        }
        assert!((scaled(spread * 3.0) - 0.15).abs() < 1e-6);
        assert!((scaled(spread / 3.0) - 0.6).abs() < 1e-6);
    }
}
