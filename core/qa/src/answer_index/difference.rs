//! Paired comparison of two models on the same questions.

use super::tuning::mean;
use serde::{Deserialize, Serialize};

/// Fewest questions that can show a difference.
const FEWEST: usize = 10;

/// Result of comparing two models on the same questions.
///
/// In JSON: `better`, `worse`, `not_measurable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The second model finds right answers at better ranks.
    Better,
    /// The second model finds right answers at worse ranks.
    Worse,
    /// Chance alone can explain the difference.
    NotMeasurable,
}

impl Difference {
    /// Compares the reciprocal ranks of the same questions by two models, in the same order: a two-sided paired
    /// t-test at the level of 5 %. Fewer than ten questions show no difference.
    #[must_use]
    pub fn of(from: &[f64], to: &[f64]) -> Self {
        let gains: Vec<f64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
        if gains.len() < FEWEST {
            return Self::NotMeasurable;
        }
        let (n, gain) = (gains.len() as f64, mean(&gains));
        let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
        // The quantile 0.975 of Student's distribution, accurate to 0.04 from nine degrees of freedom on.
        let quantile = 1.96 + 2.4 / (n - 1.0);
        let margin = quantile * (squares / (n - 1.0) / n).sqrt();
        match gain {
            gain if gain > margin => Self::Better,
            gain if gain < -margin => Self::Worse,
            _ => Self::NotMeasurable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares models of which the second one wins and loses this many questions, and ties the others.
    fn compare(wins: usize, losses: usize, ties: usize) -> Difference {
        let from = [vec![0.5; wins], vec![1.0; losses], vec![1.0; ties]].concat();
        let to = [vec![1.0; wins], vec![0.5; losses], vec![1.0; ties]].concat();
        Difference::of(&from, &to)
    }

    #[test]
    fn difference_needs_more_than_chance() {
        assert_eq!(compare(12, 3, 45), Difference::Better);
        assert_eq!(compare(3, 12, 45), Difference::Worse);
        assert_eq!(compare(9, 6, 45), Difference::NotMeasurable);
        // One question of seventeen.
        assert_eq!(compare(0, 1, 16), Difference::NotMeasurable);
        assert_eq!(compare(0, 0, 60), Difference::NotMeasurable);
    }

    #[test]
    fn few_questions_show_no_difference() {
        assert_eq!(compare(9, 0, 0), Difference::NotMeasurable);
        assert_eq!(compare(10, 0, 0), Difference::Better);
        assert_eq!(Difference::of(&[], &[]), Difference::NotMeasurable);
    }
}
