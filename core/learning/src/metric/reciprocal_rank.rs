use super::{Mean, Metric, Ranks};

/// `rrk`, retrieval reciprocal rank: the mean of 1 / rank over all relevant embeddings.
///
/// In `(0, 1]`; higher is better. Every relevant embedding of a row counts, not only the first, so
/// groups of more than two keep even a perfect model below 1. Source:
/// `quaterion/eval/pair/retrieval_reciprocal_rank.py`; here it also applies to groups.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalReciprocalRank(Mean);

impl Metric for RetrievalReciprocalRank {
    type Batch = Ranks;

    fn update(&mut self, ranks: &Ranks) {
        for positive in &ranks.positives {
            self.0.add(1.0 / positive.rank as f64);
        }
    }

    fn compute(&self) -> Option<f32> {
        self.0.value()
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{PositiveRank, RetrievalPrecision};

    #[test]
    fn metrics_accumulate_batches_until_reset() {
        let positive = |row, rank| PositiveRank {
            row,
            rank,
            label: 1.0,
        };
        let batch = |rank| Ranks {
            rows: 2,
            positives: alloc::vec![positive(0, 1), positive(1, rank)],
        };
        let mut precision = RetrievalPrecision::new(1);
        let mut reciprocal = RetrievalReciprocalRank::default();
        assert_eq!(precision.compute(), None);
        for rank in [1, 2] {
            precision.update(&batch(rank));
            reciprocal.update(&batch(rank));
        }
        assert_eq!(precision.compute(), Some(0.75));
        assert_eq!(reciprocal.compute(), Some(0.875));
        precision.reset();
        reciprocal.reset();
        assert_eq!((precision.compute(), reciprocal.compute()), (None, None));
    }
}
