//! Figures of probabilities and decisions.

use std::collections::BTreeMap;

/// A question with the probability of its best answer.
#[derive(Clone, Copy, Debug)]
pub struct Rated {
    /// Probability that the answer given is right.
    pub probability: f64,
    /// Whether it is right.
    pub right: bool,
    /// Number of the answer given.
    pub given: Option<u32>,
    /// Number of a right answer; `None` for a question out of scope.
    pub wanted: Option<u32>,
}

/// Area under the ROC curve: how often a right answer has a higher probability than a wrong one; ties count half. `None`
/// if all answers are right, or all wrong.
pub fn auroc(rated: &[Rated]) -> Option<f64> {
    let mut sorted = rated.to_vec();
    sorted.sort_by(|a, b| a.probability.total_cmp(&b.probability));
    let right = rated.iter().filter(|rated| rated.right).count();
    let (mut ranks, mut start) = (0.0, 0);
    for tied in sorted.chunk_by(|a, b| a.probability == b.probability) {
        // Mean rank of the tied questions, from 1.
        let rank = start as f64 + (tied.len() as f64 + 1.0) / 2.0;
        ranks += rank * tied.iter().filter(|rated| rated.right).count() as f64;
        start += tied.len();
    }
    let (n, m) = (right as f64, (rated.len() - right) as f64);
    (n > 0.0 && m > 0.0).then(|| (ranks - n * (n + 1.0) / 2.0) / (n * m))
}

/// Multi-class Matthews correlation of the answers given from a probability on; abstaining is a class of its own.
///
/// Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient", 2004.
pub fn matthews(rated: &[Rated], least: f64) -> f64 {
    let mut counts: BTreeMap<Option<u32>, [f64; 2]> = BTreeMap::new();
    let mut correct = 0.0;
    for rated in rated {
        // Any right answer counts as the one wanted.
        let given = if rated.right {
            rated.wanted
        } else {
            rated.given
        };
        let given = given.filter(|_| rated.probability >= least);
        correct += f64::from(u8::from(given == rated.wanted));
        counts.entry(rated.wanted).or_default()[0] += 1.0;
        counts.entry(given).or_default()[1] += 1.0;
    }
    let n = rated.len() as f64;
    let sum = |of: &dyn Fn(&[f64; 2]) -> f64| counts.values().map(of).sum::<f64>();
    let [both, wanted, given] = [
        sum(&|[wanted, given]| wanted * given),
        sum(&|[wanted, _]| wanted * wanted),
        sum(&|[_, given]| given * given),
    ];
    let scale = ((n * n - wanted) * (n * n - given)).sqrt();
    if scale > 0.0 {
        (correct * n - both) / scale
    } else {
        0.0
    }
}

/// Highest Matthews correlation of any threshold.
pub fn best_matthews(rated: &[Rated]) -> f64 {
    let thresholds = rated.iter().map(|rated| rated.probability);
    thresholds
        .map(|least| matthews(rated, least))
        .fold(0.0, f64::max)
}

/// Fraction of questions with at least this probability; `None` without questions.
pub fn share(probabilities: &[f64], least: f64) -> Option<f64> {
    let count = probabilities.iter().filter(|p| **p >= least).count();
    (!probabilities.is_empty()).then(|| count as f64 / probabilities.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(probability: f64, given: u32, wanted: Option<u32>) -> Rated {
        Rated {
            probability,
            right: Some(given) == wanted,
            given: Some(given),
            wanted,
        }
    }

    #[test]
    fn auroc_counts_ordered_pairs() {
        let all = [
            rated(0.9, 1, Some(1)),
            rated(0.5, 1, Some(2)),
            rated(0.5, 1, Some(1)),
            rated(0.1, 1, None),
        ];
        // Of four pairs, three are in order and one ties.
        assert_eq!(auroc(&all), Some(3.5 / 4.0));
        assert_eq!(auroc(&all[..1]), None);
    }

    #[test]
    fn matthews_is_one_for_perfect_decisions() {
        let all = [
            rated(0.9, 1, Some(1)),
            rated(0.8, 2, Some(2)),
            rated(0.1, 1, None),
        ];
        assert!((matthews(&all, 0.5) - 1.0).abs() < 1e-12);
        assert!((best_matthews(&all) - 1.0).abs() < 1e-12);
        // Two classes: one true positive, one false positive, no negatives given.
        assert_eq!(matthews(&[all[0], all[2]], 0.0), 0.0);
    }

    #[test]
    fn share_counts_from_threshold_on() {
        assert_eq!(share(&[0.8, 0.79], 0.8), Some(0.5));
        assert_eq!(share(&[], 0.8), None);
    }
}
