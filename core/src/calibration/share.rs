//! How far ahead an answer is.

use alloc::vec::Vec;

/// Answers that share.
pub const AMONG: usize = 20;

/// What scores are multiplied by: the scale of the ranking loss.
pub const SCALE: f32 = 20.0;

/// Of each answer its share, by the scores of the best ones, best first: a softmax over the first
/// [`AMONG`] of them, at the scale [`SCALE`], and over one more of the score `no_answer`, which stands for
/// there being none.
///
/// A score alone does not tell an answer that is near from one of several that are as near; most wrong
/// answers are the latter. A share does, and `no_answer` keeps a question that is near to nothing from being
/// sure of the least far. Give at least [`AMONG`] scores, unless there are fewer answers; answers beyond
/// get their share, too, which takes nothing from the others. Shares are in `[0, 1]` and fall as the scores do.
///
/// Sources: Henderson et al., "Efficient Natural Language Response Suggestion for Smart Reply", 2017, for
/// the softmax of scores, which is what in-batch negatives train as a probability; Hendrycks and Gimpel, "A
/// Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks", 2017, for
/// telling errors by it.
///
/// ```
/// use nearsay_core::calibration::shares;
///
/// let close = shares(&[0.8, 0.8, 0.1], 0.5);
/// let ahead = shares(&[0.8, 0.3, 0.1], 0.5);
/// assert!(close[0] < 0.5 && ahead[0] > 0.9);
/// assert!(shares(&[0.3, -0.1, -0.2], 0.5)[0] < 0.1);
/// ```
#[must_use]
pub fn shares(scores: &[f32], no_answer: f32) -> Vec<f32> {
    let top = scores.first().map_or(no_answer, |best| best.max(no_answer));
    let power = |score: f32| libm::expf(SCALE * (score - top));
    let near = &scores[..scores.len().min(AMONG)];
    let all: f32 = near.iter().map(|&score| power(score)).sum::<f32>() + power(no_answer);
    scores.iter().map(|&score| power(score) / all).collect()
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
