//! Choice of the keyword weight of a hybrid index on a validation split.

use super::{AnswerIndex, TestQuery};
use nearsay_core::{
    matrix::ShapeError,
    metric::{PoolScores, rank_right_answers},
};
use nearsay_search::expansion::Rule;

/// Weights compared with the default.
const WEIGHTS: [f32; 11] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0];

/// Right answers beyond this rank count as not found.
const RANKS: usize = 10;

/// Standard errors by which a weight must beat the default. On a split of few questions, the best of many weights often
/// wins by one standard error by chance.
const CLEARLY: f64 = 2.0;

impl AnswerIndex {
    /// Chooses the keyword weight with the best MRR@10 on validation questions with [`Pool::Answers`](super::Pool::Answers);
    /// of equally good weights the lowest. Returns `default` unless the mean gain exceeds two standard errors of the
    /// gain, `2 · s / √n`.
    ///
    /// # Errors
    /// The errors of [`evaluate`](Self::evaluate).
    pub fn choose_keyword_weight(
        &self,
        questions: &[TestQuery<'_>],
        expansion: Option<Rule>,
        default: f32,
    ) -> Result<f32, ShapeError> {
        let mut choice = Choice::new(default);
        self.answer_scores(questions, expansion, &mut |asked| choice.add(asked))?;
        Ok(choice.weight())
    }
}

/// Scores of all answers to a question.
pub(super) struct Asked<'a> {
    /// Dense scores, `[answers]`.
    pub(super) dense: &'a [f32],
    /// Unweighted keyword scores, `[answers]`.
    pub(super) keyword: &'a [f32],
    /// Numbers of the right answers, ascending.
    pub(super) right: &'a [usize],
}

impl Asked<'_> {
    fn reciprocal_rank(&self, weight: f32) -> f64 {
        let both = self.dense.iter().zip(self.keyword);
        let scores: Vec<f32> = both
            .map(|(dense, keyword)| dense + weight * keyword)
            .collect();
        let ranks = rank_right_answers(PoolScores {
            scores: &scores,
            right: self.right,
        });
        let rank = ranks.first().filter(|rank| **rank <= RANKS);
        rank.map_or(0.0, |rank| 1.0 / *rank as f64)
    }
}

/// Reciprocal ranks of the questions so far, for each weight.
struct Choice {
    default: f32,
    by_default: Vec<f64>,
    reciprocal: [Vec<f64>; WEIGHTS.len()],
}

impl Choice {
    fn new(default: f32) -> Self {
        Self {
            default,
            by_default: Vec::new(),
            reciprocal: Default::default(),
        }
    }

    fn add(&mut self, asked: &Asked<'_>) {
        self.by_default.push(asked.reciprocal_rank(self.default));
        for (weight, reciprocal) in WEIGHTS.into_iter().zip(&mut self.reciprocal) {
            reciprocal.push(asked.reciprocal_rank(weight));
        }
    }

    fn weight(&self) -> f32 {
        let mut best = (self.default, &self.by_default);
        for (weight, reciprocal) in WEIGHTS.into_iter().zip(&self.reciprocal) {
            if mean(reciprocal) > mean(best.1) {
                best = (weight, reciprocal);
            }
        }
        if is_gain_by(CLEARLY, &self.by_default, best.1) {
            best.0
        } else {
            self.default
        }
    }
}

/// Whether the mean of the paired differences `to − from` exceeds one standard error, `s / √n`. By chance alone this
/// happens in one of six cases. False with fewer than two questions.
pub(crate) fn is_gain(from: &[f64], to: &[f64]) -> bool {
    is_gain_by(1.0, from, to)
}

/// Whether the mean of the paired differences `to − from` exceeds `errors` standard errors.
pub(crate) fn is_gain_by(errors: f64, from: &[f64], to: &[f64]) -> bool {
    let n = from.len() as f64;
    let gains: Vec<f64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
    let gain = mean(&gains);
    let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
    // The spread of one question is unknown.
    n > 1.0 && gain > errors * (squares / (n - 1.0) / n).sqrt()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    type Scores = ([f32; 3], [f32; 3], Vec<usize>);

    fn choose<'a>(default: f32, questions: impl IntoIterator<Item = &'a Scores>) -> f32 {
        let mut choice = Choice::new(default);
        for (dense, keyword, right) in questions {
            choice.add(&Asked {
                dense,
                keyword,
                right,
            });
        }
        choice.weight()
    }

    /// The right answer is second, and first from a keyword weight of 0.4.
    fn helped() -> Scores {
        ([0.6, 0.47, 0.0], [0.1, 0.5, 0.0], vec![1])
    }

    /// The right answer is first, and second from a keyword weight of 0.4.
    fn hurt() -> Scores {
        ([0.6, 0.47, 0.0], [0.1, 0.5, 0.0], vec![0])
    }

    fn mixed(default: f32, helped_: usize, hurt_: usize) -> f32 {
        let mut questions = vec![helped(); helped_];
        questions.extend(vec![hurt(); hurt_]);
        choose(default, &questions)
    }

    #[test]
    fn lowest_of_equally_good_weights_wins() {
        assert_eq!(mixed(0.0, 3, 0), 0.4);
        assert_eq!(mixed(1.0, 0, 3), 0.0);
        // The default wins ties.
        assert_eq!(mixed(0.7, 3, 0), 0.7);
        assert_eq!(mixed(0.07, 0, 3), 0.07);
    }

    #[test]
    fn default_stays_unless_beaten_by_two_standard_errors() {
        // Each question gains or loses 1/2. Mean gains of ten questions: 0.3 ± 0.133 and 0.2 ± 0.153.
        assert_eq!(mixed(0.0, 8, 2), 0.4);
        assert_eq!(mixed(0.0, 7, 3), 0.0);
        assert_eq!(mixed(0.8, 2, 8), 0.0);
        assert_eq!(mixed(0.8, 3, 7), 0.8);
        // Fewer than two questions never change the default.
        assert_eq!(mixed(0.0, 1, 0), 0.0);
        assert_eq!(mixed(0.0, 2, 0), 0.4);
        assert_eq!(mixed(0.3, 0, 0), 0.3);
    }

    #[test]
    fn ties_count_against_the_right_answer() {
        // Equal dense scores rank the wrong answer first; any keyword weight ranks the right answer first.
        let tied = ([0.5, 0.5, 0.0], [0.0, 0.1, 0.0], vec![1]);
        assert_eq!(choose(0.0, &[tied.clone(), tied]), 0.05);
        // A weight that leads to equal scores is no gain.
        let tie = ([0.5, 0.25, 0.0], [0.0, 0.25, 0.0], vec![1]);
        assert_eq!(choose(0.0, &[tie.clone(), tie]), 0.0);
    }

    #[test]
    fn missing_answers_are_not_found() {
        let missing = ([0.6, 0.47, 0.0], [0.1, 0.5, 0.0], vec![7]);
        assert_eq!(choose(0.2, &[missing.clone(), missing]), 0.2);
        let none = Asked {
            dense: &[],
            keyword: &[],
            right: &[],
        };
        assert_eq!(none.reciprocal_rank(0.3), 0.0);
    }

    #[test]
    fn is_gain_needs_more_than_a_standard_error() {
        let gains = |gained: usize, lost: usize| {
            let to = std::iter::repeat_n(1.0, gained).chain(std::iter::repeat_n(0.0, lost));
            let to: Vec<f64> = to.collect();
            is_gain(&vec![0.5; gained + lost], &to)
        };
        assert!(gains(7, 3) && !gains(6, 4) && !gains(1, 0) && gains(2, 0));
    }
}
