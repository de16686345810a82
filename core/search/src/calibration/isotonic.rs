//! How probably an answer is right.

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
