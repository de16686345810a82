//! How much words are to count for beside meaning, by questions whose answers are known.

use nearsay_core::metric::{PoolScores, rank_right_answers};

/// The weights that are tried beside the usual one.
pub const WEIGHTS: [f32; 11] = [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0];

/// Right answers beyond this rank count as not found.
const RANKS: usize = 10;

/// Standard errors by which another weight must win. A slice of a small file is a handful of questions, and the
/// best of many weights wins by one of them more often than not.
const CLEARLY: f64 = 2.0;

/// A question whose answers are known, asked of all answers of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Cosine similarity to each answer, `[answers]`.
    pub meaning: Vec<f32>,
    /// [`Bm25Index::scores`](nearsay_text::bm25::Bm25Index::scores) of each, `[answers]`.
    pub words: Vec<f32>,
    /// Numbers of the right answers, ascending.
    pub right: Vec<usize>,
}

/// The weight by which the questions' right answers come first.
///
/// An answer scores `meaning + weight · words`; of answers of equal score the wrong one stands first. The best mean
/// reciprocal rank of the first right answer, 0 beyond ten, wins, of equal ones the least weight. It is the `usual`
/// one, however, unless the mean over the questions of what is gained over that in reciprocal rank is more
/// than two standard errors of that mean, `s / √n`.
///
/// Takes time in the questions by their answers, once for each weight; questions are taken one by one, so
/// that their scores need not be held together.
pub fn choose(usual: f32, questions: impl IntoIterator<Item = Asked>) -> f32 {
    let mut by_usual = Vec::new();
    let mut reciprocal: [Vec<f64>; WEIGHTS.len()] = Default::default();
    for asked in questions {
        by_usual.push(asked.reciprocal_rank(usual));
        for (weight, reciprocal) in WEIGHTS.into_iter().zip(&mut reciprocal) {
            reciprocal.push(asked.reciprocal_rank(weight));
        }
    }
    let mut best = (usual, &by_usual);
    for (weight, reciprocal) in WEIGHTS.into_iter().zip(&reciprocal) {
        if mean(reciprocal) > mean(best.1) {
            best = (weight, reciprocal);
        }
    }
    match is_gain_by(CLEARLY, &by_usual, best.1) {
        true => best.0,
        false => usual,
    }
}

impl Asked {
    fn reciprocal_rank(&self, weight: f32) -> f64 {
        let both = self.meaning.iter().zip(&self.words);
        let scores: Vec<f32> = both
            .map(|(meaning, words)| meaning + weight * words)
            .collect();
        let ranks = rank_right_answers(PoolScores {
            scores: &scores,
            right: &self.right,
        });
        let rank = ranks.first().filter(|rank| **rank <= RANKS);
        rank.map_or(0.0, |rank| 1.0 / *rank as f64)
    }
}

/// Whether what is gained from one list of figures to the other, question by question, is more than one
/// standard error of its mean, `s / √n`: chance alone gains that much one time in six. Never with fewer than two
/// questions.
pub(super) fn is_gain(from: &[f64], to: &[f64]) -> bool {
    is_gain_by(1.0, from, to)
}

/// Whether it is more than so many.
fn is_gain_by(errors: f64, from: &[f64], to: &[f64]) -> bool {
    let n = from.len() as f64;
    let gains: Vec<f64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
    let gain = mean(&gains);
    let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
    // Of one question nothing is known of the spread.
    n > 1.0 && gain > errors * (squares / (n - 1.0) / n).sqrt()
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(meaning: [f32; 3], words: [f32; 3], right: usize) -> Asked {
        Asked {
            meaning: meaning.into(),
            words: words.into(),
            right: vec![right],
        }
    }

    /// Words put the right answer first from a weight of 0.4 on; it was second before.
    fn helped() -> Asked {
        asked([0.6, 0.47, 0.0], [0.1, 0.5, 0.0], 1)
    }

    /// Words take the right answer from the first to the second place, from 0.4 on.
    fn hurt() -> Asked {
        asked([0.6, 0.47, 0.0], [0.1, 0.5, 0.0], 0)
    }

    fn mixed(usual: f32, helped_: usize, hurt_: usize) -> f32 {
        let questions = std::iter::repeat_n(helped(), helped_);
        choose(usual, questions.chain(std::iter::repeat_n(hurt(), hurt_)))
    }

    #[test]
    fn the_least_weight_that_is_best_wins() {
        assert_eq!(mixed(0.0, 3, 0), 0.4);
        assert_eq!(mixed(1.0, 0, 3), 0.0);
        // The usual one is as good.
        assert_eq!(mixed(0.7, 3, 0), 0.7);
        assert_eq!(mixed(0.07, 0, 3), 0.07);
    }

    #[test]
    fn another_than_the_usual_must_win_by_two_standard_errors() {
        // Half a rank is gained or lost: of ten questions 0.3 ± 0.133 and 0.2 ± 0.153.
        assert_eq!(mixed(0.0, 8, 2), 0.4);
        assert_eq!(mixed(0.0, 7, 3), 0.0);
        assert_eq!(mixed(0.8, 2, 8), 0.0);
        assert_eq!(mixed(0.8, 3, 7), 0.8);
        // One question says nothing of the spread, none says nothing.
        assert_eq!(mixed(0.0, 1, 0), 0.0);
        assert_eq!(mixed(0.0, 2, 0), 0.4);
        assert_eq!(mixed(0.3, 0, 0), 0.3);
    }

    #[test]
    fn ties_count_against_us() {
        // Equal without words: wrong first. With any words the right one is.
        let tied = asked([0.5, 0.5, 0.0], [0.0, 0.1, 0.0], 1);
        assert_eq!(tied.reciprocal_rank(0.0), 0.5);
        assert_eq!(choose(0.0, [tied.clone(), tied]), 0.05);
        // Words that tie are no gain.
        let tie = asked([0.5, 0.25, 0.0], [0.0, 0.25, 0.0], 1);
        assert_eq!(choose(0.0, [tie.clone(), tie]), 0.0);
    }

    #[test]
    fn what_is_missing_is_not_found() {
        let missing = Asked {
            right: vec![7],
            ..helped()
        };
        assert_eq!(missing.reciprocal_rank(1.0), 0.0);
        assert_eq!(choose(0.2, [missing.clone(), missing]), 0.2);
        let none = Asked {
            meaning: Vec::new(),
            words: Vec::new(),
            right: Vec::new(),
        };
        assert_eq!(none.reciprocal_rank(0.3), 0.0);
    }

    #[test]
    fn a_gain_is_more_than_its_standard_error() {
        let gains = |gained: usize, lost: usize| {
            let to = std::iter::repeat_n(1.0, gained).chain(std::iter::repeat_n(0.0, lost));
            let to: Vec<f64> = to.collect();
            is_gain(&vec![0.5; gained + lost], &to)
        };
        assert!(gains(7, 3) && !gains(6, 4) && !gains(1, 0) && gains(2, 0));
    }
}
