use super::{Mean, Metric, Ranks};

/// `rrp`, R-precision: the fraction of relevant embeddings in the top `R`, where `R` is the number of
/// relevant embeddings.
///
/// The default is Quaterion's micro mean `Σᵢ rᵢ / Σᵢ Rᵢ`, with `rᵢ` the number of relevant embeddings
/// in the top `Rᵢ` of row `i`: rows of large groups weigh more, and rows without relevant embeddings
/// don't count. [`macro_mean`](Self::macro_mean) is `1/n Σᵢ rᵢ / Rᵢ` over the `n` rows with `Rᵢ > 0`,
/// the textbook form (Manning, Raghavan and Schütze, *Introduction to Information Retrieval*, 2008,
/// §8.4).
///
/// Both are in `[0, 1]`; higher is better, and 1 means that every row ranks its group first. Source:
/// `quaterion/eval/group/retrieval_r_precision.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalRPrecision {
    by_row: bool,
    mean: Mean,
}

impl RetrievalRPrecision {
    /// Creates the metric with the mean over rows.
    #[must_use]
    pub fn macro_mean() -> Self {
        Self {
            by_row: true,
            mean: Mean::default(),
        }
    }
}

impl Metric for RetrievalRPrecision {
    type Batch = Ranks;

    fn update(&mut self, ranks: &Ranks) {
        for row in ranks.positives.chunk_by(|a, b| a.row == b.row) {
            let slots = row.len();
            let hits = row.iter().filter(|p| p.rank <= slots).count();
            if self.by_row {
                self.mean.add(hits as f64 / slots as f64);
            } else {
                self.mean.sum += hits as f64;
                self.mean.count += slots;
            }
        }
    }

    fn compute(&self) -> Option<f32> {
        self.mean.value()
    }

    fn reset(&mut self) {
        self.mean = Mean::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::PositiveRank;

    #[test]
    fn r_precision_averages_over_slots_or_rows() {
        let ranks = |places: &[(usize, usize)]| Ranks {
            rows: 5,
            positives: places
                .iter()
                .map(|&(row, rank)| PositiveRank {
                    row,
                    rank,
                    label: 1.0,
                })
                .collect(),
        };
        // Row 0 finds 1 of 3, row 2 its only one; rows 1, 3 and 4 have no relevant embeddings.
        let batch = ranks(&[(0, 2), (0, 4), (0, 9), (2, 1)]);
        let (mut micro, mut by_row) = (
            RetrievalRPrecision::default(),
            RetrievalRPrecision::macro_mean(),
        );
        assert_eq!(micro.compute(), None);
        micro.update(&batch);
        by_row.update(&batch);
        assert_eq!(micro.compute(), Some(2.0 / 4.0));
        assert_eq!(by_row.compute(), Some(2.0 / 3.0));
        by_row.reset();
        assert_eq!(by_row, RetrievalRPrecision::macro_mean());
        by_row.update(&ranks(&[]));
        assert_eq!(by_row.compute(), None);
    }
}
