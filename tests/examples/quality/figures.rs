//! Figures of one run, and what becomes of them over several.

use nearsay_core::metric::{Metric as _, PoolMetrics};
use std::{collections::HashMap, fmt};

/// What is told of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    pub recall_1: f64,
    pub recall_5: f64,
    pub mrr_10: f64,
}

impl Figures {
    /// Those of the ranks of each question's right answers; none without questions.
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

/// Whether each question found a right answer first, by its text.
pub type Firsts = HashMap<String, bool>;

/// What recall@1 gains over what it was, question by question: each pair is a run and what it began from. The
/// mean over the questions, each counting by the mean of its runs, with its standard error; none of fewer
/// than two questions.
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

/// A mean with the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// That of some values; none of none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        Some(Self {
            mean: mean(&values)?,
            least: values.iter().copied().reduce(f64::min)?,
            most: values.iter().copied().reduce(f64::max)?,
        })
    }
}

/// With a precision, `{:.3}`; the least and the most where they are not the same.
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

/// The mean of some values and its standard error, `s / √n`; none of fewer than two.
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
    fn figures_are_those_of_the_first_right_answer() {
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
    fn a_spread_is_told_where_there_is_one() {
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
    fn a_gain_is_told_question_by_question() {
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
    fn a_standard_error_is_as_by_hand() {
        // Squares 1, 1, 1, 1 around 2: s² = 4/3, s / √4 = √(1/3).
        let (mean, error) = mean_and_error(&[1.0, 3.0, 1.0, 3.0]).unwrap();
        assert_eq!(mean, 2.0);
        assert!((error - (1.0f64 / 3.0).sqrt()).abs() < 1e-12, "{error}");
        assert_eq!(mean_and_error(&[1.0]), None);
    }
}
