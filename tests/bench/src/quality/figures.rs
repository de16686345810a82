//! Figures of a run, and their spread over several runs.

use nearsay_core::metric::{Metric as _, PoolMetrics};
use std::{collections::HashMap, fmt};

/// Figures of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub recall_1: f64,
    pub recall_5: f64,
    pub mrr_10: f64,
}

impl Figures {
    /// Figures from the ranks of each question's right answers; `None` without questions.
    pub fn of<'r>(ranks: impl IntoIterator<Item = &'r Vec<usize>>) -> Option<Self> {
        let mut metrics = PoolMetrics::default();
        ranks.into_iter().for_each(|ranks| metrics.update(ranks));
        Some(Self {
            recall_1: metrics.accuracy_at(1)?.into(),
            recall_5: metrics.accuracy_at(5)?.into(),
            mrr_10: metrics.mrr_10()?.into(),
        })
    }
}

/// Whether the first answer is right, by question.
pub type Firsts = HashMap<String, bool>;

/// Gain in accuracy@1 with its standard error. Each pair is a run and its base; each question counts
/// with the mean over the runs. `None` for fewer than two questions.
pub fn gain(runs: &[(&Firsts, &Firsts)]) -> Option<(f64, f64)> {
    let mut gains: HashMap<&str, Vec<f64>> = HashMap::new();
    for (after, before) in runs {
        for (question, first) in *after {
            let before = before.get(question)?;
            let gain = f64::from(u8::from(*first)) - f64::from(u8::from(*before));
            gains.entry(question).or_default().push(gain);
        }
    }
    let means: Option<Vec<f64>> = gains.values().map(|gains| mean(gains)).collect();
    mean_and_error(&means?)
}

/// A mean with the smallest and the largest value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// Spread of values; `None` without values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        Some(Self {
            mean: mean(&values)?,
            least: values.iter().copied().reduce(f64::min)?,
            most: values.iter().copied().reduce(f64::max)?,
        })
    }
}

/// Takes a precision, `{:.3}`. Shows the smallest and the largest value if they differ.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(3);
        let number = |value: f64| format!("{value:.digits$}");
        let (least, most) = (number(self.least), number(self.most));
        match least == most {
            true => f.write_str(&least),
            false => write!(f, "{} ({least}–{most})", number(self.mean)),
        }
    }
}

/// Mean of values and its standard error, `s / √n`; `None` for fewer than two.
pub fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    let (n, middle) = (values.len() as f64, mean(values)?);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    (n > 1.0).then(|| (middle, (squares / (n - 1.0) / n).sqrt()))
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_use_rank_of_first_right_answer() {
        let found = Figures::of(&[vec![1, 7], vec![4], vec![11], vec![]]);
        let expected = Figures {
            recall_1: 0.25,
            recall_5: 0.5,
            mrr_10: (1.0 + 0.25) / 4.0,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(Figures::of(&[]), None);
    }

    #[test]
    fn spread_shows_range_only_if_values_differ() {
        let told = |values: &[f64]| Spread::of(values.iter().copied()).map(|s| format!("{s:.2}"));
        assert_eq!(
            told(&[0.5, 0.25, 0.75]).as_deref(),
            Some("0.50 (0.25–0.75)")
        );
        assert_eq!(told(&[0.5, 0.5]).as_deref(), Some("0.50"));
        assert_eq!(told(&[0.501, 0.502]).as_deref(), Some("0.50"));
        assert_eq!(told(&[]), None);
    }

    #[test]
    fn gain_averages_runs_per_question() {
        let of = |firsts: [bool; 3]| -> Firsts {
            let questions = ["a", "b", "c"].map(str::to_owned);
            questions.into_iter().zip(firsts).collect()
        };
        let before = of([false, true, false]);
        let runs = [of([true, true, false]), of([true, false, false])];
        // Means of the two runs: 1, −0.5, 0.
        let (mean, error) = gain(&[(&runs[0], &before), (&runs[1], &before)]).unwrap();
        assert!((mean - 0.5 / 3.0).abs() < 1e-12, "{mean}");
        let right = mean_and_error(&[1.0, -0.5, 0.0]).unwrap().1;
        assert!((error - right).abs() < 1e-12, "{error}");
        assert_eq!(gain(&[]), None);
    }

    #[test]
    fn standard_error_matches_hand_computation() {
        // Squares 1, 1, 1, 1 around 2: s² = 4/3, s / √4 = √(1/3).
        let (mean, error) = mean_and_error(&[1.0, 3.0, 1.0, 3.0]).unwrap();
        assert_eq!(mean, 2.0);
        assert!((error - (1.0f64 / 3.0).sqrt()).abs() < 1e-12, "{error}");
        assert_eq!(mean_and_error(&[1.0]), None);
    }
}
