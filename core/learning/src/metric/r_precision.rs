use super::{Mean, Metric, Ranks};

/// `rrp`, R-precision: of the first `R` an embedding ranks, the share that is right, where `R` is how
/// many right ones there are.
///
/// `rrp = Σᵢ rᵢ / Σᵢ Rᵢ`, with `rᵢ` the right ones among row `i`'s first `Rᵢ`: the mean over all
/// (row, top-`R` slot) entries, so that a row of a large group weighs more than one of a small
/// group, and a row without others of its group nothing. This is Quaterion's mean, the default.
/// [`macro_mean`](Self::macro_mean) is `1/n Σᵢ rᵢ / Rᵢ` over the `n` rows with `Rᵢ > 0`, the textbook
/// form (Manning, Raghavan and Schütze, *Introduction to Information Retrieval*, 2008, §8.4).
///
/// Both lie in `[0, 1]`, more is better, and are 1 exactly when every row ranks all of its group
/// first. Source: `quaterion/eval/group/retrieval_r_precision.py`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalRPrecision {
    by_row: bool,
    mean: Mean,
}

impl RetrievalRPrecision {
    /// The mean over rows instead of over slots.
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
    fn weighs_slots_or_rows() {
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
        // Row 0 finds one of three, row 2 its only one, rows 1, 3 and 4 have nothing to find.
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
