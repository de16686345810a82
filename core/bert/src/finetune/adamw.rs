//! AdamW, in one pass over weights, moments and gradients.

use pulp::{Arch, Simd, WithSimd};

/// How a step is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f64,
    /// Share of a matrix's weights that is taken off them each step, times `lr`; biases and
    /// normalisations are left alone.
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// What is usual for encoders of this size: 2e-5, no decay.
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
    /// The numbers of step `step`, counted from 1.
    pub(super) fn at(self, step: u64, decays: bool) -> Step {
        let step = step as f64;
        let decay = if decays { self.weight_decay } else { 0.0 };
        Step {
            keep: (1.0 - self.lr * decay) as f32,
            size: (self.lr / (1.0 - BETA1.powf(step))) as f32,
            root: (1.0 / (1.0 - BETA2.powf(step)).sqrt()) as f32,
        }
    }
}

/// ```text
/// w ← w·keep     m ← β₁·m + (1 − β₁)·g     v ← β₂·v + (1 − β₂)·g²
/// w ← w − size · m / (√v · root + ε)
/// ```
///
/// with β₁ = 0.9, β₂ = 0.999, ε = 1e-8, `size = lr/(1 − β₁ᵗ)` and `root = 1/√(1 − β₂ᵗ)`. Source:
/// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, as PyTorch computes it.
#[derive(Clone, Copy)]
pub(super) struct Step {
    keep: f32,
    size: f32,
    root: f32,
}

/// One step of some weights.
pub(super) struct Update<'a> {
    pub(super) step: Step,
    pub(super) weights: &'a mut [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
    /// Their gradient is the sum of these, each as long as the weights; none of them stands for 0.
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
        // Plain numbers: compiled for the widest instructions here, as all is element by element.
        let Step { keep, size, root } = self.step;
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

/// Numbers at a time: their gradient is summed in the fastest memory.
const CHUNK: usize = 256;
