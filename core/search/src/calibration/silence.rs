//! What a threshold leads to.

use alloc::vec::Vec;

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
