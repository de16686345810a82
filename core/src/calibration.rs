//! Layer 3: how sure an answer is, and what silence costs.
//!
//! A score says which answer is nearer, not how often an answer of that score is right. That is
//! learned from questions whose answers are known: pairs of the score of the answer given and
//! whether it was the right one.
//!
//! - [`Calibration`] makes a probability of a score, by isotonic regression.
//! - [`Silence`] says for a threshold how many questions are still answered and how many of those
//!   answers are wrong.
//!
//! ```
//! use nearsay_core::calibration::{Calibration, Silence};
//!
//! let pairs = [(0.1, false), (0.2, true), (0.3, false), (0.4, true), (0.5, true)];
//! let calibration = Calibration::fit(&pairs).unwrap();
//! assert_eq!(calibration.probability(0.0), 0.5);
//! assert_eq!(calibration.probability(0.9), 2.0 / 3.0);
//!
//! let silence = Silence::of(&pairs);
//! let strict = silence.at(0.3);
//! assert_eq!((strict.answered, strict.wrong), (3, 1));
//! ```

use alloc::vec::Vec;
use core::fmt;

/// Scores that are about as sure as each other.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Block {
    /// Their mean, the block's centre.
    pub score: f32,
    /// How probably an answer of that score is right, in `(0, 1)`.
    pub probability: f32,
    /// Questions it was learned from.
    pub questions: u64,
}

/// How probably an answer is right, by its score: never falling, never 0 or 1.
///
/// Isotonic regression by pooling adjacent violators: of all rising step functions the one nearest
/// to what was observed. Equal scores are pooled first. Before the others are, one wrong answer is
/// added to the highest score and one right answer to the lowest, and counted like any other, so
/// that few questions never make certainty: after a run of `n` right answers at the top the
/// probability is at most `n / (n + 1)`, after `n` wrong ones at the bottom at least `1 / (n + 1)`,
/// and where all scores are one block of `n` questions, `k` of them right, it is Laplace's rule of
/// succession, `(k + 1) / (n + 2)`. Adding before pooling keeps the function rising, which smoothing
/// each block by itself would not. Between the centres of two blocks the probability is interpolated
/// linearly; beyond the first and last it stays as there.
///
/// Sources: Ayer, Brunk, Ewing, Reid and Silverman, "An empirical distribution function for sampling
/// with incomplete information", 1955 (pooling adjacent violators); Zadrozny and Elkan,
/// "Transforming classifier scores into accurate multiclass probability estimates", 2002 (isotonic
/// regression as calibration).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(try_from = "Vec<Block>", into = "Vec<Block>"))]
pub struct Calibration {
    /// At least one; scores and probabilities ascending.
    blocks: Vec<Block>,
}

/// Blocks that are none, not in order, or not made of probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBlocks;

impl fmt::Display for BadBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a calibration needs blocks whose scores and probabilities rise")
    }
}

impl core::error::Error for BadBlocks {}

impl TryFrom<Vec<Block>> for Calibration {
    type Error = BadBlocks;

    fn try_from(blocks: Vec<Block>) -> Result<Self, BadBlocks> {
        let sound = |block: &Block| {
            block.score.is_finite() && block.probability > 0.0 && block.probability < 1.0
        };
        let rises = |a: &Block, b: &Block| a.score <= b.score && a.probability <= b.probability;
        match !blocks.is_empty() && blocks.iter().all(sound) && blocks.is_sorted_by(rises) {
            true => Ok(Self { blocks }),
            false => Err(BadBlocks),
        }
    }
}

impl From<Calibration> for Vec<Block> {
    fn from(calibration: Calibration) -> Self {
        calibration.blocks
    }
}

/// Answers while they are pooled, the two that are added among them.
#[derive(Clone, Copy)]
struct Pool {
    /// Sum of the scores.
    sum: f64,
    /// Questions, without what was added.
    questions: u64,
    right: u64,
    seen: u64,
}

impl Pool {
    /// Whether the share of right answers is at least that of another one.
    fn reaches(&self, other: &Self) -> bool {
        u128::from(self.right) * u128::from(other.seen)
            >= u128::from(other.right) * u128::from(self.seen)
    }

    fn join(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            questions: self.questions + other.questions,
            right: self.right + other.right,
            seen: self.seen + other.seen,
        }
    }

    fn block(&self) -> Block {
        let share = self.right as f64 / self.seen as f64;
        Block {
            score: (self.sum / self.questions as f64) as f32,
            // What rounding would make certain of millions is not.
            probability: (share as f32).clamp(f32::EPSILON, 1.0 - f32::EPSILON),
            questions: self.questions,
        }
    }
}

impl Calibration {
    /// Learns from pairs of an answer's score and whether it was right, in any order.
    ///
    /// `None` without pairs; those whose score is not a finite number are left out.
    #[must_use]
    pub fn fit(pairs: &[(f32, bool)]) -> Option<Self> {
        let mut pairs: Vec<(f32, bool)> = pairs
            .iter()
            .copied()
            .filter(|(score, _)| score.is_finite())
            .collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut pools: Vec<Pool> = pairs
            .chunk_by(|a, b| a.0 == b.0)
            .map(|equal| Pool {
                sum: equal.iter().map(|&(score, _)| f64::from(score)).sum(),
                questions: equal.len() as u64,
                right: equal.iter().filter(|&&(_, right)| right).count() as u64,
                seen: equal.len() as u64,
            })
            .collect();
        let lowest = pools.first_mut()?;
        lowest.right += 1;
        lowest.seen += 1;
        pools.last_mut()?.seen += 1;
        let mut rising: Vec<Pool> = Vec::new();
        for mut pool in pools {
            while let Some(before) = rising.pop_if(|before| before.reaches(&pool)) {
                pool = before.join(pool);
            }
            rising.push(pool);
        }
        Some(Self {
            blocks: rising.iter().map(Pool::block).collect(),
        })
    }

    /// The blocks, scores and probabilities ascending; at least one.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Questions it was learned from.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.blocks.iter().map(|block| block.questions).sum()
    }

    /// How probably an answer of this score is right, in `(0, 1)`; a score that is no number is as
    /// unsure as the lowest.
    #[must_use]
    pub fn probability(&self, score: f32) -> f32 {
        let above = self.blocks.partition_point(|block| block.score <= score);
        let below = above.checked_sub(1).and_then(|i| self.blocks.get(i));
        match (below, self.blocks.get(above)) {
            (Some(a), Some(b)) => {
                let [from, to, at] = [a.score, b.score, score].map(f64::from);
                let [low, high] = [a.probability, b.probability].map(f64::from);
                let between = low + (high - low) * ((at - from) / (to - from));
                (between as f32).clamp(a.probability, b.probability)
            }
            (Some(end), None) | (None, Some(end)) => end.probability,
            (None, None) => 0.5, // there is a block
        }
    }

    /// From which score on an answer is right with at least this probability, up to rounding.
    ///
    /// Negative infinity when every score is; `None` when none is.
    #[must_use]
    pub fn score_for(&self, probability: f32) -> Option<f32> {
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN is never reached
        let first = |block: &Block| !(block.probability >= probability);
        let above = self.blocks.partition_point(first);
        let b = self.blocks.get(above)?;
        let Some(a) = above.checked_sub(1).and_then(|i| self.blocks.get(i)) else {
            return Some(f32::NEG_INFINITY);
        };
        let [low, high, at] = [a.probability, b.probability, probability].map(f64::from);
        let [from, to] = [a.score, b.score].map(f64::from);
        let between = from + (to - from) * ((at - low) / (high - low));
        Some((between as f32).clamp(a.score, b.score))
    }
}

/// What a threshold leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consequence {
    /// Questions asked.
    pub questions: usize,
    /// Those that are answered: whose answer's score reaches the threshold.
    pub answered: usize,
    /// Those of the answered whose answer is wrong.
    pub wrong: usize,
}

impl Consequence {
    /// The share of questions that are answered, in `[0, 1]`; `None` when none was asked.
    #[must_use]
    pub fn answered_share(&self) -> Option<f32> {
        share(self.answered, self.questions)
    }

    /// The share of the answered whose answer is wrong, in `[0, 1]`; `None` when none is answered.
    #[must_use]
    pub fn wrong_share(&self) -> Option<f32> {
        share(self.wrong, self.answered)
    }
}

fn share(part: usize, whole: usize) -> Option<f32> {
    (whole > 0).then(|| (part as f64 / whole as f64) as f32)
}

/// What every threshold leads to, from pairs of an answer's score and whether it was right.
///
/// A question is answered when its answer's score is at least the threshold. A score that is no
/// number reaches none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Silence {
    questions: usize,
    /// Scores that are numbers, ascending.
    scores: Vec<f32>,
    /// How many of the answers from this score on are wrong.
    wrong: Vec<usize>,
}

impl Silence {
    /// Takes in pairs of an answer's score and whether it was right, in any order.
    #[must_use]
    pub fn of(pairs: &[(f32, bool)]) -> Self {
        let mut sorted = pairs.to_vec();
        sorted.retain(|(score, _)| !score.is_nan());
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut wrong: Vec<usize> = sorted
            .iter()
            .rev()
            .scan(0, |sum, &(_, right)| {
                *sum += usize::from(!right);
                Some(*sum)
            })
            .collect();
        wrong.reverse();
        Self {
            questions: pairs.len(),
            scores: sorted.iter().map(|&(score, _)| score).collect(),
            wrong,
        }
    }

    /// Questions asked.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions
    }

    /// The thresholds at which something changes: the distinct scores, ascending. At the first every
    /// question is answered, at the last only the surest.
    #[must_use]
    pub fn thresholds(&self) -> Vec<f32> {
        let mut scores = self.scores.clone();
        scores.dedup();
        scores
    }

    /// What a threshold leads to. One that is no number silences all.
    #[must_use]
    pub fn at(&self, threshold: f32) -> Consequence {
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // NaN is never reached
        let silent = self.scores.partition_point(|score| !(*score >= threshold));
        Consequence {
            questions: self.questions,
            answered: self.scores.len() - silent,
            wrong: self.wrong.get(silent).copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn block(score: f32, probability: f32, questions: u64) -> Block {
        Block {
            score,
            probability,
            questions,
        }
    }

    /// With what is added, the shares are 1/2, 1, 0, 1, 1/2. The third is below the second: both are
    /// 1/2, no more than the first, so all three become 2/4. The last two become 2/3.
    #[test]
    fn violators_are_pooled_as_by_hand() {
        let pairs = [
            (0.4, true),
            (0.1, false),
            (0.3, false),
            (0.5, true),
            (0.2, true),
        ];
        let calibration = Calibration::fit(&pairs).unwrap();
        assert_eq!(
            calibration.blocks(),
            [block(0.2, 0.5, 3), block(0.45, 2.0 / 3.0, 2)]
        );
        assert_eq!(calibration.questions(), 5);
        let half = calibration.probability(0.325);
        assert!((half - (0.5 + 2.0 / 3.0) / 2.0).abs() < 1e-6, "{half}");
        assert_eq!(calibration.probability(f32::NEG_INFINITY), 0.5);
        assert_eq!(calibration.probability(f32::INFINITY), 2.0 / 3.0);
        assert_eq!(calibration.probability(f32::NAN), 0.5);
        let score = calibration.score_for(half).unwrap();
        assert!((score - 0.325).abs() < 1e-6, "{score}");
        assert_eq!(calibration.score_for(0.5), Some(f32::NEG_INFINITY));
        assert_eq!(calibration.score_for(0.7), None);
        assert_eq!(calibration.score_for(f32::NAN), None);
    }

    #[test]
    fn few_questions_never_make_certainty() {
        for (n, right) in [(1u64, true), (1, false), (8, true), (8, false)] {
            let pairs: Vec<(f32, bool)> = (0..n).map(|i| (i as f32, right)).collect();
            let calibration = Calibration::fit(&pairs).unwrap();
            let k = if right { n } else { 0 };
            let laplace = (k + 1) as f32 / (n + 2) as f32;
            assert_eq!(
                calibration.blocks(),
                [block((n - 1) as f32 / 2.0, laplace, n)]
            );
        }
        // Told apart without a fault: n/(n + 1) and 1/(n + 1).
        let pairs: Vec<(f32, bool)> = (0..8).map(|i| (i as f32, i >= 4)).collect();
        let calibration = Calibration::fit(&pairs).unwrap();
        assert_eq!(
            calibration.blocks(),
            [block(1.5, 0.2, 4), block(5.5, 0.8, 4)]
        );
    }

    #[test]
    fn equal_scores_are_one_whatever_their_order() {
        let mut pairs = vec![
            (0.5, true),
            (0.5, false),
            (0.5, true),
            (-0.0, false),
            (0.0, false),
        ];
        let calibration = Calibration::fit(&pairs).unwrap();
        assert_eq!(
            calibration.blocks(),
            [block(0.0, 1.0 / 3.0, 2), block(0.5, 0.5, 3)]
        );
        pairs.reverse();
        assert_eq!(Calibration::fit(&pairs).unwrap(), calibration);
    }

    #[test]
    fn what_is_no_number_is_left_out() {
        assert_eq!(Calibration::fit(&[]), None);
        assert_eq!(
            Calibration::fit(&[(f32::NAN, true), (f32::INFINITY, true)]),
            None
        );
        let pairs = [(f32::NAN, true), (0.5, false)];
        assert_eq!(Calibration::fit(&pairs), Calibration::fit(&pairs[1..]));
        let silence = Silence::of(&pairs);
        assert_eq!(silence.thresholds(), [0.5]);
        assert_eq!(
            (silence.at(-1.0).questions, silence.at(-1.0).answered),
            (2, 1)
        );
        assert_eq!(silence.at(f32::NAN).answered, 0);
        assert_eq!(Silence::of(&[]).at(0.0), Consequence::default());
        assert_eq!(Consequence::default().answered_share(), None);
        assert_eq!(Consequence::default().wrong_share(), None);
    }

    #[test]
    fn silence_is_walked_from_all_answers_to_the_surest() {
        let pairs = [
            (0.4, true),
            (0.1, false),
            (0.3, false),
            (0.3, true),
            (0.9, true),
        ];
        let silence = Silence::of(&pairs);
        let walked: Vec<(f32, usize, usize)> = silence
            .thresholds()
            .into_iter()
            .map(|threshold| {
                let found = silence.at(threshold);
                (threshold, found.answered, found.wrong)
            })
            .collect();
        assert_eq!(walked, [(0.1, 5, 2), (0.3, 4, 1), (0.4, 2, 0), (0.9, 1, 0)]);
        assert_eq!(silence.at(0.3).answered_share(), Some(0.8));
        assert_eq!(silence.at(0.3).wrong_share(), Some(0.25));
        assert_eq!(silence.at(1.0).wrong_share(), None);
    }

    #[cfg(feature = "std")]
    #[test]
    fn only_sound_blocks_are_read() {
        let calibration = Calibration::fit(&[(0.1, false), (0.7, true)]).unwrap();
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(
            serde_json::from_str::<Calibration>(&text).unwrap(),
            calibration
        );
        let of = |list: &[(f32, f32)]| {
            let blocks = list.iter().map(|&(score, p)| block(score, p, 1));
            Calibration::try_from(blocks.collect::<Vec<Block>>())
        };
        assert!(of(&[(0.1, 0.2), (0.2, 0.3)]).is_ok());
        for bad in [
            &[][..],
            &[(0.1, 0.0)],
            &[(0.1, 1.0)],
            &[(f32::NAN, 0.5)],
            &[(0.1, f32::NAN)],
            &[(0.2, 0.2), (0.1, 0.3)],
            &[(0.1, 0.3), (0.2, 0.2)],
        ] {
            assert_eq!(of(bad), Err(BadBlocks), "{bad:?}");
        }
        assert!(serde_json::from_str::<Calibration>("[]").is_err());
    }

    /// Few distinct scores, so that there are ties.
    fn pairs() -> impl Strategy<Value = Vec<(f32, bool)>> {
        prop::collection::vec((-20i8..20, any::<bool>()), 1..60).prop_map(|pairs| {
            let score = |(score, right)| (f32::from(score) / 20.0, right);
            pairs.into_iter().map(score).collect()
        })
    }

    proptest! {
        #[test]
        fn probabilities_rise_with_the_score_and_are_never_certain(
            pairs in pairs(),
            mut scores in prop::collection::vec(-1.5f32..1.5, 20),
        ) {
            let calibration = Calibration::fit(&pairs).unwrap();
            prop_assert_eq!(calibration.questions(), pairs.len() as u64);
            prop_assert!(Calibration::try_from(calibration.blocks().to_vec()).is_ok());
            scores.sort_by(f32::total_cmp);
            let found: Vec<f32> = scores.iter().map(|&s| calibration.probability(s)).collect();
            prop_assert!(found.is_sorted(), "{:?}", found);
            prop_assert!(found.iter().all(|p| *p > 0.0 && *p < 1.0), "{:?}", found);
        }

        /// The mean of what is expected is the mean of what happened, of each block.
        #[test]
        fn blocks_keep_what_they_were_made_of(pairs in pairs()) {
            let calibration = Calibration::fit(&pairs).unwrap();
            let added: f32 = calibration.blocks().iter().enumerate().map(|(i, block)| {
                let last = i + 1 == calibration.blocks().len();
                let seen = block.questions + u64::from(i == 0) + u64::from(last);
                block.probability * seen as f32
            }).sum();
            let right = pairs.iter().filter(|pair| pair.1).count() + 1;
            prop_assert!((added - right as f32).abs() < 1e-3, "{} {}", added, right);
        }

        #[test]
        fn a_probability_is_reached_from_its_score_on(pairs in pairs(), wanted in 0.01f32..0.99) {
            let calibration = Calibration::fit(&pairs).unwrap();
            match calibration.score_for(wanted) {
                Some(score) => prop_assert!(calibration.probability(score) >= wanted - 1e-3),
                None => prop_assert!(calibration.probability(f32::INFINITY) < wanted),
            }
        }

        #[test]
        fn silence_agrees_with_counting(pairs in pairs(), threshold in -1.1f32..1.1) {
            let silence = Silence::of(&pairs);
            for threshold in silence.thresholds().into_iter().chain([threshold]) {
                let answered = pairs.iter().filter(|pair| pair.0 >= threshold);
                let found = silence.at(threshold);
                prop_assert_eq!(found.answered, answered.clone().count());
                prop_assert_eq!(found.wrong, answered.filter(|pair| !pair.1).count());
            }
        }
    }
}
