//! Logistic regression with a Gaussian prior.

use alloc::{vec, vec::Vec};

/// Largest number of Newton steps; a fit converges in about eight.
const STEPS: usize = 50;
/// A step that changes no coefficient by more than this ends the fit.
const CONVERGED: f64 = 1e-10;

/// One observation of a [`fit_logistic`].
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Inputs, `[n]`. An intercept is an input that is always 1.
    pub inputs: Vec<f64>,
    /// Whether the event happened.
    pub happened: bool,
    /// Weight of the observation; not negative.
    pub weight: f64,
}

/// Gaussian prior of one coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// Coefficient without observations.
    pub mean: f64,
    /// Inverse variance; positive.
    pub precision: f64,
}

/// Fits the coefficients of a logistic regression, `[n]`, one per prior:
///
/// ```text
/// maximise  Σ weight · ln P(happened | inputs) − ½ Σ precision · (coefficient − mean)²
/// P(happened | inputs) = 1 / (1 + exp(−Σ coefficient · input))
/// ```
///
/// Uses Newton's method with step halving. The objective is strictly concave, so the result doesn't depend on a start.
/// Observations with another number of inputs, or with a value that isn't finite, are left out.
///
/// Sources: Bishop, *Pattern Recognition and Machine Learning*, 2006, §4.3.3; Platt, "Probabilistic Outputs for Support
/// Vector Machines", 1999, for mapping a score to a probability by it.
///
/// ```
/// use nearsay_search::calibration::{Observation, Prior, fit_logistic, logistic};
///
/// let observe = |happened| Observation { inputs: vec![1.0], happened, weight: 1.0 };
/// let prior = Prior { mean: 0.0, precision: 1e-9 };
/// let found = fit_logistic(&[observe(true), observe(true), observe(false)], &[prior]);
/// assert!((logistic(found[0]) - 2.0 / 3.0).abs() < 1e-6);
/// ```
#[must_use]
pub fn fit_logistic(observations: &[Observation], priors: &[Prior]) -> Vec<f64> {
    let n = priors.len();
    let fits = |observation: &&Observation| {
        let inputs = &observation.inputs;
        inputs.len() == n
            && inputs.iter().all(|x| x.is_finite())
            && observation.weight.is_finite()
            && observation.weight > 0.0
    };
    let observations: Vec<&Observation> = observations.iter().filter(fits).collect();
    let mut coefficients: Vec<f64> = priors.iter().map(|prior| prior.mean).collect();
    let mut loss = loss_of(&observations, priors, &coefficients);
    for _ in 0..STEPS {
        let Some(step) = newton_step(&observations, priors, &coefficients) else {
            break;
        };
        let mut scale = 1.0;
        let (next, next_loss) = loop {
            let next = coefficients.iter().zip(&step);
            let next: Vec<f64> = next.map(|(old, step)| old + scale * step).collect();
            let next_loss = loss_of(&observations, priors, &next);
            if next_loss <= loss || scale < 1e-6 {
                break (next, next_loss);
            }
            scale *= 0.5;
        };
        if next_loss > loss {
            break;
        }
        (coefficients, loss) = (next, next_loss);
        if step.iter().all(|step| (scale * step).abs() <= CONVERGED) {
            break;
        }
    }
    coefficients
}

/// Logistic function, `1 / (1 + exp(−x))`.
#[must_use]
pub fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

/// Inverse of [`logistic`], `ln(p / (1 − p))`, with `p` limited to `[1e-6, 1 − 1e-6]`.
#[must_use]
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    libm::log(p / (1.0 - p))
}

fn product(inputs: &[f64], coefficients: &[f64]) -> f64 {
    inputs.iter().zip(coefficients).map(|(x, c)| x * c).sum()
}

fn loss_of(observations: &[&Observation], priors: &[Prior], coefficients: &[f64]) -> f64 {
    let likelihood = observations.iter().map(|observation| {
        let x = product(&observation.inputs, coefficients);
        let x = if observation.happened { -x } else { x };
        // ln(1 + eˣ) without overflow.
        observation.weight * (x.max(0.0) + libm::log1p(libm::exp(-x.abs())))
    });
    let prior = priors.iter().zip(coefficients);
    let prior = prior.map(|(prior, c)| 0.5 * prior.precision * (c - prior.mean) * (c - prior.mean));
    likelihood.sum::<f64>() + prior.sum::<f64>()
}

/// Newton step from `coefficients`; `None` if rounding makes the Hessian singular.
fn newton_step(
    observations: &[&Observation],
    priors: &[Prior],
    coefficients: &[f64],
) -> Option<Vec<f64>> {
    let n = priors.len();
    let mut hessian = vec![0.0; n * n];
    let mut gradient: Vec<f64> = priors
        .iter()
        .zip(coefficients)
        .map(|(prior, c)| -prior.precision * (c - prior.mean))
        .collect();
    for (i, prior) in priors.iter().enumerate() {
        hessian[i * n + i] = prior.precision;
    }
    for observation in observations {
        let p = logistic(product(&observation.inputs, coefficients));
        let error = f64::from(u8::from(observation.happened)) - p;
        let curvature = observation.weight * p * (1.0 - p);
        for (i, x) in observation.inputs.iter().enumerate() {
            gradient[i] += observation.weight * error * x;
            for (j, y) in observation.inputs[..=i].iter().enumerate() {
                hessian[i * n + j] += curvature * x * y;
            }
        }
    }
    solve(&mut hessian, gradient, n)
}

/// Solves `A x = b` for a symmetric positive definite `A`, given by its lower triangle, by Cholesky decomposition.
fn solve(a: &mut [f64], mut b: Vec<f64>, n: usize) -> Option<Vec<f64>> {
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let rest = a[i * n + j] - sum;
            if i == j {
                if rest <= 0.0 || !rest.is_finite() {
                    return None;
                }
                a[i * n + i] = libm::sqrt(rest);
            } else {
                a[i * n + j] = rest / a[j * n + j];
            }
        }
    }
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| a[i * n + k] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    for i in (0..n).rev() {
        let sum: f64 = (i + 1..n).map(|k| a[k * n + i] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i * n + i];
    }
    Some(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FLAT: Prior = Prior {
        mean: 0.0,
        precision: 1e-9,
    };

    fn observation(inputs: &[f64], happened: bool, weight: f64) -> Observation {
        Observation {
            inputs: inputs.to_vec(),
            happened,
            weight,
        }
    }

    #[test]
    fn fit_matches_log_odds_of_two_groups() {
        // 3 of 4 happen where the input is 0, 1 of 4 where it is 1.
        let observations = [
            observation(&[1.0, 0.0], true, 3.0),
            observation(&[1.0, 0.0], false, 1.0),
            observation(&[1.0, 1.0], true, 1.0),
            observation(&[1.0, 1.0], false, 3.0),
        ];
        let found = fit_logistic(&observations, &[FLAT, FLAT]);
        assert!((found[0] - 3f64.ln()).abs() < 1e-6, "{found:?}");
        assert!((found[1] + 2.0 * 3f64.ln()).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn prior_bounds_separable_data_and_wins_without_data() {
        let prior = Prior {
            mean: 1.0,
            precision: 4.0,
        };
        assert_eq!(fit_logistic(&[], &[prior]), [1.0]);
        let separable = [
            observation(&[1.0], true, 1.0),
            observation(&[-1.0], false, 1.0),
        ];
        let found = fit_logistic(&separable, &[prior])[0];
        // Stationary point: precision · (c − 1) = 2 · (1 − p).
        assert!((4.0 * (found - 1.0) - 2.0 * (1.0 - logistic(found))).abs() < 1e-8);
    }

    #[test]
    fn unusable_observations_are_ignored() {
        let good = observation(&[1.0], true, 1.0);
        let all = [
            good.clone(),
            observation(&[f64::NAN], false, 1.0),
            observation(&[1.0, 2.0], false, 1.0),
            observation(&[1.0], false, 0.0),
            observation(&[1.0], false, f64::INFINITY),
        ];
        let prior = Prior {
            mean: 0.0,
            precision: 1.0,
        };
        assert_eq!(
            fit_logistic(&all, &[prior]),
            fit_logistic(&[good], &[prior])
        );
    }

    #[test]
    fn logistic_and_logit_are_inverse_and_limited() {
        for x in [-9.0, -0.5, 0.0, 2.0, 13.0] {
            assert!((logit(logistic(x)) - x).abs() < 1e-6);
        }
        assert_eq!((logistic(-800.0), logistic(800.0)), (0.0, 1.0));
        assert!(logit(0.0) < -13.0 && logit(1.0) > 13.0);
    }

    proptest! {
        #[test]
        fn fit_is_finite_and_stationary(
            pairs in prop::collection::vec((-3.0f64..3.0, any::<bool>()), 1..60),
        ) {
            let observations: Vec<Observation> =
                pairs.iter().map(|&(x, y)| observation(&[1.0, x], y, 1.0)).collect();
            let prior = Prior { mean: 0.0, precision: 0.5 };
            let found = fit_logistic(&observations, &[prior, prior]);
            for i in 0..2 {
                let slope: f64 = observations.iter().map(|o| {
                    let p = logistic(o.inputs[0] * found[0] + o.inputs[1] * found[1]);
                    (f64::from(u8::from(o.happened)) - p) * o.inputs[i]
                }).sum();
                prop_assert!((slope - 0.5 * found[i]).abs() < 1e-6, "{:?} {}", found, slope);
            }
        }
    }
}
