//! Statistics of paired differences.

/// Whether the mean of the paired differences `to − from` exceeds one standard error, `s / √n`. By chance alone this
/// happens in one of six cases. False with fewer than two questions.
pub(crate) fn is_gain(from: &[f64], to: &[f64]) -> bool {
    is_gain_by(1.0, from, to)
}

/// Whether the mean of the paired differences `to − from` exceeds `errors` standard errors.
pub(crate) fn is_gain_by(errors: f64, from: &[f64], to: &[f64]) -> bool {
    let n = from.len() as f64;
    let gains: Vec<f64> = from.iter().zip(to).map(|(from, to)| to - from).collect();
    let gain = mean(&gains);
    let squares: f64 = gains.iter().map(|own| (own - gain).powi(2)).sum();
    // The spread of one question is unknown.
    n > 1.0 && gain > errors * (squares / (n - 1.0) / n).sqrt()
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_gain_needs_more_than_a_standard_error() {
        let gains = |gained: usize, lost: usize| {
            let to = std::iter::repeat_n(1.0, gained).chain(std::iter::repeat_n(0.0, lost));
            let to: Vec<f64> = to.collect();
            is_gain(&vec![0.5; gained + lost], &to)
        };
        assert!(gains(7, 3) && !gains(6, 4) && !gains(1, 0) && gains(2, 0));
    }
}
