//! Confidence: a softmax over the best scores and an abstain score.

use alloc::vec::Vec;

/// Number of answers in the softmax.
pub const AMONG: usize = 20;

/// Scale of the scores in the softmax, equal to that of the ranking loss.
pub const SCALE: f32 = 20.0;

/// Default weight of the answer's own text in [`standing`].
pub const OWN_TEXT: f32 = 0.5;

/// Computes the score of an answer for its confidence: `words + (1 − own_text) · meaning + own_text · own`.
///
/// `meaning` is the cosine similarity of the answer's best text, `own` that of the answer's own text, `words` the
/// keyword score, and `own_text` the weight of the own text, in `[0, 1]`. A paraphrase can resemble a question that
/// its answer doesn't answer, so similarity to the own text raises the confidence. Measurements are in the crate's
/// `NOTES.md`.
#[must_use]
pub fn standing(meaning: f32, own: f32, words: f32, own_text: f32) -> f32 {
    words + meaning + own_text * (own - meaning)
}

/// Computes the confidence of each answer, `[n]`, in `[0, 1]`, from its score or [`standing`].
///
/// The confidence is a softmax with scale [`SCALE`] over the first [`AMONG`] scores and the abstain score `no_answer`.
/// Unlike a score, it tells a single near answer from one of several equally near answers; most wrong answers are of
/// the second kind. The abstain score prevents a confident answer to a question that no text is near to.
///
/// Pass at least [`AMONG`] scores unless there are fewer answers. Scores after the first [`AMONG`] get a confidence
/// but don't change the others.
///
/// Sources: Henderson et al., "Efficient Natural Language Response Suggestion for Smart Reply", 2017, for
/// the softmax over scores, which in-batch negatives train as a probability; Hendrycks and Gimpel, "A Baseline for
/// Detecting Misclassified and Out-of-Distribution Examples in Neural Networks", 2017, for detecting errors by it.
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
    // In unsorted input, a score after the first `AMONG` can exceed all of them.
    let share = |&score: &f32| (power(score) / all).min(1.0);
    scores.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_match_hand_computed_softmax() {
        // Exponentials: 1, e⁻², e⁻⁴, and e⁻¹ for the abstain score.
        let found = shares(&[0.5, 0.4, 0.3], 0.45);
        let all = 1.0 + (-2f32).exp() + (-4f32).exp() + (-1f32).exp();
        for (found, power) in found.iter().zip([0f32, -2.0, -4.0]) {
            assert!((found - power.exp() / all).abs() < 1e-6, "{found}");
        }
        assert!(shares(&[], 0.5).is_empty());
    }

    #[test]
    fn scores_after_the_first_among_do_not_enter_the_softmax() {
        let scores = [0.5; 30];
        let found = shares(&scores, -1.0);
        assert!(found.iter().all(|share| (share - 0.05).abs() < 1e-6));
    }

    #[test]
    fn standing_interpolates_between_best_and_own_text() {
        assert_eq!(standing(0.75, 0.25, 0.125, 0.0), 0.875);
        assert_eq!(standing(0.75, 0.25, 0.125, 0.5), 0.625);
        assert_eq!(standing(0.75, 0.25, 0.125, 1.0), 0.375);
        // Bit-equal if the best text is the answer's own.
        assert_eq!(standing(0.3, 0.3, 0.1, 0.5), 0.1 + 0.3);
    }

    #[test]
    fn shares_accept_unsorted_scores() {
        let found = shares(&[0.4, 4.9, -0.3], 0.45);
        assert!(found[1] > 0.99 && found.iter().all(|share| (0.0..=1.0).contains(share)));
    }

    proptest! {
        #[test]
        fn shares_descend_with_scores(
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
