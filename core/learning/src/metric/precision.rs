use super::{Metric, Ranks};

/// `rp@k`: the mean over all rows of (labels of the right ones among the first `k`) / `k`.
///
/// `rp@k = 1/n Σᵢ 1/k Σ_{rank ≤ k} label`, in `[0, 1]`, more is better; below 1 even for a perfect
/// model when a row has fewer than `k` right ones. Rows that have nothing to find count as 0.
/// Source: `quaterion/eval/pair/retrieval_precision.py`; here it counts groups as well.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct RetrievalPrecision {
    k: usize,
    hits: f64,
    rows: usize,
}

impl RetrievalPrecision {
    /// The metric for the first `k` (at least 1).
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
