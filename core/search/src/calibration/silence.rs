//! Risk–coverage curve.

use alloc::vec::Vec;

/// Effect of a threshold: one point of the risk–coverage curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consequence {
    /// Number of questions.
    pub questions: usize,
    /// Number of answered questions: the score of their answer reaches the threshold.
    pub answered: usize,
    /// Number of answered questions with a wrong answer.
    pub wrong: usize,
}

impl Consequence {
    /// Returns the coverage, `answered / questions`, in `[0, 1]`, or `None` without questions.
    #[must_use]
    pub fn answered_share(&self) -> Option<f32> {
        share(self.answered, self.questions)
    }

    /// Returns the risk, `wrong / answered`, in `[0, 1]`, or `None` if no question is answered.
    #[must_use]
    pub fn wrong_share(&self) -> Option<f32> {
        share(self.wrong, self.answered)
    }
}

fn share(part: usize, whole: usize) -> Option<f32> {
    (whole > 0).then(|| (part as f64 / whole as f64) as f32)
}

/// Risk–coverage curve: the effect of every threshold on a set of questions.
///
/// A question is answered if the score of its answer is at least the threshold. A NaN score reaches no threshold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Silence {
    questions: usize,
    /// Scores without NaN, ascending.
    scores: Vec<f32>,
    /// Number of wrong answers with this score or a higher one, per score.
    wrong: Vec<usize>,
}

impl Silence {
    /// Computes the curve from pairs of an answer's score and whether the answer was right, in any order.
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

    /// Returns the number of questions, including those with a NaN score.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions
    }

    /// Returns the thresholds at which the curve changes: the distinct scores, ascending.
    ///
    /// The first threshold answers every question whose score is a number, the last only those with the highest
    /// score.
    #[must_use]
    pub fn thresholds(&self) -> Vec<f32> {
        let mut scores = self.scores.clone();
        scores.dedup();
        scores
    }

    /// Returns the effect of a threshold. A NaN threshold answers no question.
    #[must_use]
    pub fn at(&self, threshold: f32) -> Consequence {
        #[allow(clippy::neg_cmp_op_on_partial_ord)] // no score reaches NaN
        let silent = self.scores.partition_point(|score| !(*score >= threshold));
        Consequence {
            questions: self.questions,
            answered: self.scores.len() - silent,
            wrong: self.wrong.get(silent).copied().unwrap_or(0),
        }
    }
}
