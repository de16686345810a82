use super::{Metric, Ranks};

/// `rp@k`, retrieval precision: `1/n Σᵢ 1/k Σ_{rank ≤ k} label` over the relevant embeddings of each
/// of the `n` rows.
///
/// In `[0, 1]`; higher is better. Rows with fewer than `k` relevant embeddings keep even a perfect
/// model below 1, and rows without any count as 0. Source:
/// `quaterion/eval/pair/retrieval_precision.py`; here it also applies to groups.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalPrecision {
    k: usize,
    hits: f64,
    rows: usize,
}

impl RetrievalPrecision {
    /// Creates the metric for the top `k`; 0 counts as 1.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self {
            k: k.max(1),
            hits: 0.0,
            rows: 0,
        }
    }
}

impl Metric for RetrievalPrecision {
    type Batch = Ranks;

    fn update(&mut self, ranks: &Ranks) {
        let found = ranks
            .positives
            .iter()
            .filter(|positive| positive.rank <= self.k);
        self.hits += found.map(|positive| f64::from(positive.label)).sum::<f64>();
        self.rows += ranks.rows;
    }

    fn compute(&self) -> Option<f32> {
        (self.rows > 0).then(|| (self.hits / (self.rows * self.k) as f64) as f32)
    }

    fn reset(&mut self) {
        *self = Self::new(self.k);
    }
}
