//! Adam for the rows with a gradient in a batch.

use nearsay_core::{candle::adam::AdamState, matrix::Matrix};

/// Adam whose moments and weights change only in the rows that have a gradient:
///
/// ```text
/// for each row r of the batch, t counting all steps:
/// m[r] ← β₁·m[r] + (1 − β₁)·g     v[r] ← β₂·v[r] + (1 − β₂)·g²
/// w[r] ← w[r] − lr·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m[r] / (√v[r] + ε)
/// ```
///
/// with β₁ = 0.9, β₂ = 0.999 and ε = 1e-8. Most tokens of a vocabulary occur in no text of a batch; dense
/// Adam would still update them from old moments. Source: PyTorch's `torch.optim.SparseAdam`, a lazy
/// form of Kingma and Ba, 2015.
pub(super) struct SparseAdam {
    pub(super) lr: f64,
    step: u64,
    first: Matrix,
    second: Matrix,
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPS: f32 = 1e-8;

impl SparseAdam {
    /// Creates the state for weights of this shape.
    pub(super) fn new(rows: usize, columns: usize, lr: f64) -> Self {
        let zeros = || Matrix::new(rows, columns, vec![0.0; rows * columns]).unwrap_or_default();
        Self {
            lr,
            step: 0,
            first: zeros(),
            second: zeros(),
        }
    }

    /// One step of the rows `touched`, whose gradients are the rows of `gradient` in that order.
    pub(super) fn step(&mut self, weights: &mut Matrix, touched: &[u32], gradient: &[f32]) {
        self.step += 1;
        let steps = self.step as f64;
        let scale = (1.0 - BETA2.powf(steps)).sqrt() / (1.0 - BETA1.powf(steps));
        let size = (self.lr * scale) as f32;
        let (beta1, beta2) = (BETA1 as f32, BETA2 as f32);
        let columns = weights.columns();
        for (&row, gradient) in touched.iter().zip(gradient.chunks_exact(columns.max(1))) {
            let row = row as usize;
            let first = self.first.row_mut(row).iter_mut();
            let moments = first.zip(self.second.row_mut(row));
            let weights = weights.row_mut(row).iter_mut();
            for ((weight, (first, second)), &g) in weights.zip(moments).zip(gradient) {
                *first = beta1 * *first + (1.0 - beta1) * g;
                *second = beta2 * *second + (1.0 - beta2) * g * g;
                *weight -= size * *first / (second.sqrt() + EPS);
            }
        }
    }

    /// Returns a copy of the moments.
    pub(super) fn state(&self) -> AdamState {
        AdamState {
            step: self.step,
            first: vec![self.first.clone()],
            second: vec![self.second.clone()],
        }
    }

    /// Restores moments; `None` if their shape differs.
    pub(super) fn restore(&mut self, state: &AdamState) -> Option<()> {
        let ([first], [second]) = (&state.first[..], &state.second[..]) else {
            return None;
        };
        let shape = |m: &Matrix| (m.rows(), m.columns());
        if shape(first) != shape(&self.first) || shape(second) != shape(&self.second) {
            return None;
        }
        (self.first, self.second, self.step) = (first.clone(), second.clone(), state.step);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor, Var};
    use nearsay_core::candle::adam::{Adam, AdamConfig};

    /// Updating every row in every step equals dense Adam.
    #[test]
    fn equals_adam_if_all_rows_have_gradients() {
        let start = Matrix::from_rows(&[[1.0f32, -2.0], [0.5, 3.0]]).unwrap();
        let variable = Var::new(&[[1.0f32, -2.0], [0.5, 3.0]], &Device::Cpu).unwrap();
        let config = AdamConfig {
            lr: 0.1,
            ..AdamConfig::default()
        };
        let mut adam = Adam::new(vec![variable.clone()], config).unwrap();
        let (mut sparse, mut weights) = (SparseAdam::new(2, 2, 0.1), start);
        for _ in 0..5 {
            let loss = variable.as_tensor().sqr().unwrap().sum_all().unwrap();
            adam.step(&loss.backward().unwrap()).unwrap();
            // Rows in another order than in memory.
            let gradient: Vec<f32> = [weights.row(1), weights.row(0)]
                .concat()
                .iter()
                .map(|w| 2.0 * w)
                .collect();
            sparse.step(&mut weights, &[1, 0], &gradient);
        }
        let expected: Vec<f32> = Tensor::flatten_all(&variable).unwrap().to_vec1().unwrap();
        for (a, b) in weights.data().iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn rows_without_gradient_stay_unchanged() {
        let mut weights = Matrix::from_rows(&[[1.0f32], [1.0]]).unwrap();
        let mut adam = SparseAdam::new(2, 1, 0.1);
        adam.step(&mut weights, &[0, 1], &[1.0, 1.0]);
        let after = weights.row(1)[0];
        adam.step(&mut weights, &[0], &[1.0]);
        assert_eq!(weights.row(1)[0], after);
        assert!(weights.row(0)[0] < after);
        assert!(adam.restore(&SparseAdam::new(3, 1, 0.1).state()).is_none());
    }
}
