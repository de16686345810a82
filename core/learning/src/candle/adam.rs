//! Adam and AdamW whose state can be saved, so that a resumed run equals an uninterrupted one
//! (candle-nn keeps its moments private).

use super::{to_matrix, to_tensor};
use crate::matrix::Matrix;
use candle_core::{Result, Tensor, Var, backprop::GradStore};
use pulp::Arch;

/// Adam's numbers, with PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamConfig {
    /// Learning rate; 1e-3 by default.
    pub lr: f64,
    /// Decay of the first moment; 0.9 by default.
    pub beta1: f64,
    /// Decay of the second moment; 0.999 by default.
    pub beta2: f64,
    /// Added to the root of the second moment; 1e-8 by default.
    pub eps: f64,
    /// Decoupled weight decay (AdamW); 0, which is plain Adam, by default.
    pub weight_decay: f64,
}

impl Default for AdamConfig {
    fn default() -> Self {
        Self {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
        }
    }
}

/// The numbers of one step, the same for every weight.
struct Factors {
    /// `β₁` and `1 − β₁`
    first: (f64, f64),
    /// `β₂` and `1 − β₂`
    second: (f64, f64),
    /// `1/√(1 − β₂ᵗ)`
    root: f64,
    /// `ε`
    eps: f64,
    /// `lr/(1 − β₁ᵗ)`
    size: f64,
    /// `1 − lr·λ`
    decay: f64,
}

impl AdamConfig {
    fn factors(&self, step: u64) -> Factors {
        let steps = step as f64;
        Factors {
            first: (self.beta1, 1.0 - self.beta1),
            second: (self.beta2, 1.0 - self.beta2),
            root: 1.0 / (1.0 - self.beta2.powf(steps)).sqrt(),
            eps: self.eps,
            size: self.lr / (1.0 - self.beta1.powf(steps)),
            decay: 1.0 - self.lr * self.weight_decay,
        }
    }

    /// [`Adam`]'s step, the `step`-th counted from 1, over plain numbers: weights, their moments and
    /// their gradient, all of one length. The same operations in the same order, so the same bits.
    pub fn update(
        &self,
        step: u64,
        weights: &mut [f32],
        (first, second): (&mut [f32], &mut [f32]),
        gradient: &[f32],
    ) {
        let factors = self.factors(step);
        let [beta1, rest1, beta2, rest2, root, eps, size, decay] = [
            factors.first.0,
            factors.first.1,
            factors.second.0,
            factors.second.1,
            factors.root,
            factors.eps,
            factors.size,
            factors.decay,
        ]
        .map(|factor| factor as f32);
        Arch::new().dispatch(|| {
            let moments = first.iter_mut().zip(second.iter_mut());
            for ((weight, (first, second)), &g) in weights.iter_mut().zip(moments).zip(gradient) {
                *first = *first * beta1 + g * rest1;
                *second = *second * beta2 + g * g * rest2;
                let update = *first / (second.sqrt() * root + eps) * size;
                *weight = *weight * decay - update;
            }
        });
    }
}

/// The optimiser:
///
/// ```text
/// m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
/// w ← w·(1 − lr·λ) − lr · m/(1 − β₁ᵗ) / (√(v/(1 − β₂ᵗ)) + ε)
/// ```
///
/// Sources: Kingma and Ba, 2015; Loshchilov and Hutter, "Decoupled weight decay regularization",
/// 2019; the order of operations is PyTorch's.
pub struct Adam {
    config: AdamConfig,
    variables: Vec<Var>,
    step: u64,
    first: Vec<Tensor>,
    second: Vec<Tensor>,
}

/// Everything an [`Adam`] remembers between steps, in the order of its variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AdamState {
    /// Steps taken.
    pub step: u64,
    /// First moments.
    pub first: Vec<Matrix>,
    /// Second moments.
    pub second: Vec<Matrix>,
}

impl Adam {
    /// An optimiser that has taken no step yet.
    ///
    /// # Errors
    /// candle's, when the device refuses.
    pub fn new(variables: Vec<Var>, config: AdamConfig) -> Result<Self> {
        let zeros = || {
            variables
                .iter()
                .map(|variable| variable.zeros_like())
                .collect()
        };
        let (first, second): (Result<_>, Result<_>) = (zeros(), zeros());
        Ok(Self {
            config,
            step: 0,
            first: first?,
            second: second?,
            variables,
        })
    }

    /// Sets the learning rate from the next step on.
    pub fn set_lr(&mut self, lr: f64) {
        self.config.lr = lr;
    }

    /// One step; a variable without gradient stays as it is.
    ///
    /// # Errors
    /// candle's.
    pub fn step(&mut self, gradients: &GradStore) -> Result<()> {
        self.step += 1;
        let Factors {
            first: (beta1, rest1),
            second: (beta2, rest2),
            root,
            eps,
            size,
            decay,
        } = self.config.factors(self.step);
        for (i, variable) in self.variables.iter().enumerate() {
            let Some(gradient) = gradients.get(variable) else {
                continue;
            };
            let first = ((&self.first[i] * beta1)? + (gradient * rest1)?)?;
            let second = ((&self.second[i] * beta2)? + (gradient.sqr()? * rest2)?)?;
            let denominator = ((second.sqrt()? * root)? + eps)?;
            let update = ((&first / denominator)? * size)?;
            let decayed = (variable.as_tensor() * decay)?;
            variable.set(&(decayed - update)?)?;
            // Cut off, or each step would keep the graph of all before it.
            (self.first[i], self.second[i]) = (first.detach(), second.detach());
        }
        Ok(())
    }

    /// A copy of what it remembers.
    ///
    /// # Errors
    /// candle's, when the copy from the device fails.
    pub fn state(&self) -> Result<AdamState> {
        let read = |moments: &[Tensor]| moments.iter().map(to_matrix).collect::<Result<_>>();
        Ok(AdamState {
            step: self.step,
            first: read(&self.first)?,
            second: read(&self.second)?,
        })
    }

    /// Restores the state saved by another optimiser.
    ///
    /// # Errors
    /// Returns an error if the variables of the saved state differ in number or shape.
    pub fn restore(&mut self, state: &AdamState) -> Result<()> {
        let place = |moments: &[Matrix]| -> Result<Vec<Tensor>> {
            if moments.len() != self.variables.len() {
                candle_core::bail!(
                    "the optimiser has {} variables, its saved state {}",
                    self.variables.len(),
                    moments.len()
                );
            }
            let pairs = self.variables.iter().zip(moments);
            pairs
                .map(|(variable, moment)| {
                    let tensor = to_tensor(moment, variable.device())?;
                    if tensor.shape() != variable.shape() {
                        candle_core::bail!(
                            "the optimiser's saved state has shape {:?} where {:?} is needed",
                            tensor.shape(),
                            variable.shape()
                        );
                    }
                    Ok(tensor)
                })
                .collect()
        };
        let (first, second) = (place(&state.first)?, place(&state.second)?);
        (self.first, self.second, self.step) = (first, second, state.step);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn run(steps: usize, split: Option<usize>) -> Vec<f32> {
        let variable = Var::new(&[[1.0f32, -2.0]], &Device::Cpu).unwrap();
        let config = AdamConfig {
            lr: 0.1,
            weight_decay: 0.01,
            ..AdamConfig::default()
        };
        let mut adam = Adam::new(vec![variable.clone()], config).unwrap();
        for step in 0..steps {
            if split == Some(step) {
                let state = adam.state().unwrap();
                adam = Adam::new(vec![variable.clone()], config).unwrap();
                adam.restore(&state).unwrap();
            }
            let loss = variable.as_tensor().sqr().unwrap().sum_all().unwrap();
            adam.step(&loss.backward().unwrap()).unwrap();
        }
        variable
            .as_tensor()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap()
    }

    #[test]
    fn a_restored_optimiser_goes_on_bit_for_bit() {
        assert_eq!(run(7, None), run(7, Some(4)));
    }

    #[test]
    fn plain_numbers_take_the_same_steps() {
        let start = [0.3f32, -2.0, 1e-3, 0.0, 5.0];
        let gradients = [[0.1f32, -3.0, 1e-9, 0.0, 2.0], [0.2, 1.0, 1e-3, -0.5, 0.0]];
        for weight_decay in [0.0, 0.01] {
            let config = AdamConfig {
                weight_decay,
                ..AdamConfig::default()
            };
            let variable = Var::new(&start, &Device::Cpu).unwrap();
            let mut adam = Adam::new(vec![variable.clone()], config).unwrap();
            let (mut weights, mut first, mut second) = (start, [0.0; 5], [0.0; 5]);
            for step in 1..=6 {
                let gradient = gradients[step % 2];
                let tensor = Tensor::new(&gradient, &Device::Cpu).unwrap();
                let loss = (variable.as_tensor() * tensor).unwrap().sum_all().unwrap();
                adam.step(&loss.backward().unwrap()).unwrap();
                let moments = (&mut first[..], &mut second[..]);
                config.update(step as u64, &mut weights, moments, &gradient);
                assert_eq!(variable.to_vec1::<f32>().unwrap(), weights, "step {step}");
            }
        }
    }

    #[test]
    fn goes_downhill() {
        let end = run(60, None);
        assert!(end.iter().all(|x| x.abs() < 0.1), "{end:?}");
    }

    #[test]
    fn refuses_the_state_of_other_variables() {
        let one = Var::new(&[[1.0f32]], &Device::Cpu).unwrap();
        let two = Var::new(&[[1.0f32, 2.0]], &Device::Cpu).unwrap();
        let state = Adam::new(vec![two.clone()], AdamConfig::default())
            .unwrap()
            .state()
            .unwrap();
        let mut adam = Adam::new(vec![one.clone()], AdamConfig::default()).unwrap();
        assert!(adam.restore(&state).is_err());
        let mut adam = Adam::new(vec![one, two], AdamConfig::default()).unwrap();
        assert!(adam.restore(&state).is_err());
    }
}
