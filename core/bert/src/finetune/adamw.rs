//! AdamW, in one pass over weights, moments and gradients.

use pulp::{Arch, Simd, WithSimd};

/// Hyperparameters of the optimiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate. Default: 2e-5.
    pub lr: f64,
    /// Weight decay of matrices; biases and normalisation parameters don't decay. Default: 0.
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self {
            lr: 2e-5,
            weight_decay: 0.0,
        }
    }
}

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPS: f32 = 1e-8;

impl AdamW {
    /// Coefficients of step `t`, counted from 1.
    pub(super) fn coefficients(self, t: u64, decays: bool) -> Coefficients {
        let t = t as f64;
        let decay = if decays { self.weight_decay } else { 0.0 };
        Coefficients {
            keep: (1.0 - self.lr * decay) as f32,
            size: (self.lr / (1.0 - BETA1.powf(t))) as f32,
            root: (1.0 / (1.0 - BETA2.powf(t)).sqrt()) as f32,
        }
    }
}

/// Coefficients of one step:
///
/// ```text
/// w ← w·keep     m ← β₁·m + (1 − β₁)·g     v ← β₂·v + (1 − β₂)·g²
/// w ← w − size · m / (√v · root + ε)
/// ```
///
/// with β₁ = 0.9, β₂ = 0.999, ε = 1e-8, `keep = 1 − lr·decay`, `size = lr/(1 − β₁ᵗ)` and `root = 1/√(1 − β₂ᵗ)`.
/// Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, in PyTorch's formulation.
#[derive(Clone, Copy)]
pub(super) struct Coefficients {
    keep: f32,
    size: f32,
    root: f32,
}

/// One step of a list of weights.
pub(super) struct Update<'a> {
    pub(super) coefficients: Coefficients,
    pub(super) weights: &'a mut [f32],
    /// First moments.
    pub(super) first: &'a mut [f32],
    /// Second moments.
    pub(super) second: &'a mut [f32],
    /// The gradient is the sum of these lists, each as long as the weights; it is 0 if there are none.
    pub(super) gradients: &'a [&'a [f32]],
}

impl Update<'_> {
    pub(super) fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        // An elementwise scalar loop, which the compiler vectorises for the instructions of this dispatch.
        let Coefficients { keep, size, root } = self.coefficients;
        let (beta1, beta2) = (BETA1 as f32, BETA2 as f32);
        let mut gradient = [0f32; CHUNK];
        let moments = self
            .first
            .chunks_mut(CHUNK)
            .zip(self.second.chunks_mut(CHUNK));
        for (n, (weights, (first, second))) in
            self.weights.chunks_mut(CHUNK).zip(moments).enumerate()
        {
            gradient.fill(0.0);
            for part in self.gradients {
                let part = &part[n * CHUNK..n * CHUNK + weights.len()];
                gradient.iter_mut().zip(part).for_each(|(sum, g)| *sum += g);
            }
            let moments = first.iter_mut().zip(second);
            for ((w, (m, v)), &g) in weights.iter_mut().zip(moments).zip(&gradient) {
                *m = beta1 * *m + (1.0 - beta1) * g;
                *v = beta2 * *v + (1.0 - beta2) * g * g;
                *w = *w * keep - size * *m / (v.sqrt() * root + EPS);
            }
        }
    }
}

/// Numbers whose gradient is summed at a time, in a buffer that stays in the first-level cache.
const CHUNK: usize = 256;
