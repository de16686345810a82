//! How far ahead an answer is.

use alloc::vec::Vec;

/// Answers that share.
pub const AMONG: usize = 20;

/// What scores are multiplied by: the scale of the ranking loss.
pub const SCALE: f32 = 20.0;

/// How much an answer's own text counts beside its best one for how sure it is.
pub const OWN_TEXT: f32 = 0.5;

/// What an answer counts for when it is asked how sure it is: its score, but that its meaning is drawn towards that
/// of the answer's own text, `words + (1 − own_text) · meaning + own_text · own`.
///
/// An answer may be found by a known wording, another question, which resembles what was asked without the answer
/// being one to it. Where its own text is near, too, it is surer. `meaning` is the cosine similarity of the best
/// text, `own` that of the answer's, `words` what words add; with an `own_text` of 0 nothing is drawn.
///
/// Of 300 questions in other words, asked of 8,498 answers and their known wordings, wrong answers stand as sure for
/// 0.25 with [`OWN_TEXT`] and for 0.29 without, right ones for 0.66 both ways; of 400 questions about other things
/// 0.033 and 0.053. A third or two thirds do as well.
#[must_use]
pub fn standing(meaning: f32, own: f32, words: f32, own_text: f32) -> f32 {
    words + meaning + own_text * (own - meaning)
}

/// Of each answer its share, by the scores of the best ones, or by their [`standing`]: a softmax over the first
/// [`AMONG`] of them, at the scale [`SCALE`], and over one more of the score `no_answer`, which stands for
/// there being none.
///
/// A score alone does not tell an answer that is near from one of several that are as near; most wrong
/// answers are the latter. A share does, and `no_answer` keeps a question that is near to nothing from being
/// sure of the least far. Give at least [`AMONG`] scores, unless there are fewer answers; answers beyond
/// get their share, too, which takes nothing from the others. Shares are in `[0, 1]`.
///
/// Sources: Henderson et al., "Efficient Natural Language Response Suggestion for Smart Reply", 2017, for
/// the softmax of scores, which is what in-batch negatives train as a probability; Hendrycks and Gimpel, "A
/// Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks", 2017, for
/// telling errors by it.
///
/// ```
/// use nearsay_search::calibration::shares;
///
/// let close = shares(&[0.8, 0.8, 0.1], 0.5);
/// let ahead = shares(&[0.8, 0.3, 0.1], 0.5);
/// assert!(close[0] < 0.5 && ahead[0] > 0.9);
/// assert!(shares(&[0.3, -0.1, -0.2], 0.5)[0] < 0.1);
/// ```
#[must_use]
pub fn shares(scores: &[f32], no_answer: f32) -> Vec<f32> {
    let near = &scores[..scores.len().min(AMONG)];
    let top = near.iter().copied().fold(no_answer, f32::max);
    let power = |score: f32| libm::expf(SCALE * (score - top));
    let all: f32 = near.iter().map(|&score| power(score)).sum::<f32>() + power(no_answer);
    // One beyond may be above all others where they are not in order.
    let share = |&score: &f32| (power(score) / all).min(1.0);
    scores.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_as_by_hand() {
        // Powers of 1, e⁻², e⁻⁴ and, for no answer, e⁻¹.
        let found = shares(&[0.5, 0.4, 0.3], 0.45);
        let all = 1.0 + (-2f32).exp() + (-4f32).exp() + (-1f32).exp();
        for (found, power) in found.iter().zip([0f32, -2.0, -4.0]) {
            assert!((found - power.exp() / all).abs() < 1e-6, "{found}");
        }
        assert!(shares(&[], 0.5).is_empty());
    }

    /// Those beyond the first twenty take nothing from them.
    #[test]
    fn only_the_nearest_share() {
        let scores = [0.5; 30];
        let found = shares(&scores, -1.0);
        assert!(found.iter().all(|share| (share - 0.05).abs() < 1e-6));
    }

    #[test]
    fn an_answer_stands_between_its_best_text_and_its_own() {
        assert_eq!(standing(0.75, 0.25, 0.125, 0.0), 0.875);
        assert_eq!(standing(0.75, 0.25, 0.125, 0.5), 0.625);
        assert_eq!(standing(0.75, 0.25, 0.125, 1.0), 0.375);
        // Its own text is the best one: to the last bit.
        assert_eq!(standing(0.3, 0.3, 0.1, 0.5), 0.1 + 0.3);
    }

    /// In any order, as standings may be.
    #[test]
    fn the_best_need_not_be_first() {
        let found = shares(&[0.4, 4.9, -0.3], 0.45);
        assert!(found[1] > 0.99 && found.iter().all(|share| (0.0..=1.0).contains(share)));
    }

    proptest! {
        #[test]
        fn shares_fall_as_scores_do(
            mut scores in prop::collection::vec(-1.0f32..5.0, 1..40),
            no_answer in -1.0f32..5.0,
        ) {
            scores.sort_by(|a, b| b.total_cmp(a));
            let found = shares(&scores, no_answer);
            prop_assert!(found.is_sorted_by(|a, b| a >= b));
            prop_assert!(found.iter().all(|share| (0.0..=1.0).contains(share)));
            let near: f32 = found.iter().take(AMONG).sum();
            prop_assert!(near <= 1.0 + 1e-5);
        }
    }
}
