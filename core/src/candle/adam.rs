//! Adam and AdamW whose state can be saved, so that a resumed run equals an uninterrupted one
//! (candle-nn keeps its moments private).

use super::{to_matrix, to_tensor};
use crate::matrix::Matrix;
use candle_core::{Result, Tensor, Var, backprop::GradStore};

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
        let AdamConfig {
            lr,
            beta1,
            beta2,
            eps,
            weight_decay,
        } = self.config;
        self.step += 1;
        let steps = self.step as f64;
        let (scale1, scale2) = (1.0 - beta1.powf(steps), 1.0 - beta2.powf(steps));
        for (i, variable) in self.variables.iter().enumerate() {
            let Some(gradient) = gradients.get(variable) else {
                continue;
            };
            let first = ((&self.first[i] * beta1)? + (gradient * (1.0 - beta1))?)?;
            let second = ((&self.second[i] * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let denominator = ((second.sqrt()? / scale2.sqrt())? + eps)?;
            let update = ((&first / denominator)? * (lr / scale1))?;
            let decayed = (variable.as_tensor() * (1.0 - lr * weight_decay))?;
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

    /// Goes on from what another remembered.
    ///
    /// # Errors
    /// When the state is not one of the same variables.
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
