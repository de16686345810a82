//! Isotonic regression from scores to probabilities.

use alloc::vec::Vec;
use core::fmt;

/// Scores pooled into one step of a [`Calibration`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Block {
    /// Mean score, the centre of the block.
    pub score: f32,
    /// Probability that an answer with this score is right, in `(0, 1)`.
    pub probability: f32,
    /// Number of questions in the block.
    pub questions: u64,
}

/// Probability that an answer is right, as a non-decreasing function of its score, never 0 or 1.
///
/// Isotonic regression by pooling adjacent violators: the non-decreasing step function with the least squared error.
/// Equal scores are pooled first. Then one wrong answer is added to the highest score and one right answer to the
/// lowest, so that a few questions never yield certainty. After a run of `n` right answers at the top the probability
/// is at most `n / (n + 1)`, after `n` wrong answers at the bottom at least `1 / (n + 1)`. A single block of `n`
/// questions with `k` right answers follows Laplace's rule of succession, `(k + 1) / (n + 2)`. Adding the two answers
/// before pooling keeps the function non-decreasing; smoothing each block separately would not.
///
/// Probabilities are interpolated linearly between the centres of adjacent blocks and constant beyond the first and
/// last.
///
/// Sources: Ayer, Brunk, Ewing, Reid and Silverman, "An empirical distribution function for sampling
/// with incomplete information", 1955 (pooling adjacent violators); Zadrozny and Elkan,
/// "Transforming classifier scores into accurate multiclass probability estimates", 2002 (isotonic
/// regression as calibration).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "std", serde(try_from = "Vec<Block>", into = "Vec<Block>"))]
pub struct Calibration {
    /// At least one block; scores and probabilities ascending.
    blocks: Vec<Block>,
}

/// Error for blocks that are empty, not ascending, or outside `(0, 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadBlocks;

impl fmt::Display for BadBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a calibration needs at least one block, with ascending scores and probabilities between 0 and 1")
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
        if !blocks.is_empty() && blocks.iter().all(sound) && blocks.is_sorted_by(rises) {
            Ok(Self { blocks })
        } else {
            Err(BadBlocks)
        }
    }
}

impl From<Calibration> for Vec<Block> {
    fn from(calibration: Calibration) -> Self {
        calibration.blocks
    }
}

/// Answers in one block during pooling, including the two added answers.
#[derive(Clone, Copy)]
struct Pool {
    /// Sum of the scores.
    sum: f64,
    /// Number of questions without the added answers.
    questions: u64,
    right: u64,
    seen: u64,
}

impl Pool {
    /// Returns whether the fraction of right answers is at least that of `other`.
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
            // With millions of questions, rounding would yield 0 or 1.
            probability: (share as f32).clamp(f32::EPSILON, 1.0 - f32::EPSILON),
            questions: self.questions,
        }
    }
}

impl Calibration {
    /// Fits a calibration to pairs of an answer's score and whether the answer was right, in any order.
    ///
    /// Pairs without a finite score are ignored. Returns `None` if no pair remains.
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

    /// Returns the blocks, at least one, with ascending scores and probabilities.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Returns the number of questions of the fit.
    #[must_use]
    pub fn questions(&self) -> u64 {
        self.blocks.iter().map(|block| block.questions).sum()
    }

    /// Returns the probability that an answer with this score is right, in `(0, 1)`.
    ///
    /// A NaN score gets the probability of the lowest block.
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
            (None, None) => 0.5, // unreachable: a calibration has at least one block
        }
    }

    /// Returns the lowest score whose probability is at least `probability`, up to rounding.
    ///
    /// Negative infinity if every score reaches `probability`, `None` if no score does.
    #[must_use]
    pub fn score_for(&self, probability: f32) -> Option<f32> {
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // no probability reaches NaN
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
