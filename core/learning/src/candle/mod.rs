//! candle as the tensor library, with gradients.
//!
//! [`candle_core::Tensor`] implements the [`Tensor`](crate::tensor::Tensor) trait, so every head,
//! loss and metric of the layers above runs and differentiates on it.
//!
//! Don't train through candle's *fused* layer norm, softmax or RMS norm: they have no backward pass and drop the
//! gradient without an error. They are fine in a frozen encoder.

pub mod adam;
pub mod device;
pub mod grad_cache;
mod tensor;
pub mod text;

use crate::{
    head::{Dense, Head, HeadConfig, HeadError, Weight, Weights},
    matrix::Matrix,
    tensor::Tensor as _,
};
use candle_core::{Device, Tensor, Var};

/// A matrix as a tensor on a device, `[rows, columns]`.
///
/// # Errors
/// candle's, when the device refuses.
pub fn to_tensor(matrix: &Matrix, device: &Device) -> candle_core::Result<Tensor> {
    Tensor::from_slice(matrix.data(), (matrix.rows(), matrix.columns()), device)
}

/// A tensor's values as a matrix.
///
/// # Errors
/// When it does not have two dimensions, or the copy from the device fails.
pub fn to_matrix(tensor: &Tensor) -> candle_core::Result<Matrix> {
    let (rows, columns) = tensor.dims2()?;
    let data = tensor.flatten_all()?.to_vec1()?;
    Matrix::new(rows, columns, data).map_err(candle_core::Error::wrap)
}

/// Vectors through layers, `[n, in] → [n, out]`, on the processor: as [`Dense::forward`] for each, by
/// products that are many times faster.
///
/// # Errors
/// When a layer does not take what comes before it.
pub fn through(layers: &[Dense], x: &Matrix) -> candle_core::Result<Matrix> {
    let place = |matrix| to_tensor(matrix, &Device::Cpu);
    let mut x = place(x)?;
    for layer in layers {
        let product = x.matmul_t(&place(&layer.weight)?)?;
        let linear = product.broadcast_add(&place(&layer.bias)?)?;
        x = layer.activation.apply(&linear)?;
    }
    to_matrix(&x)
}

/// A parameter that is not a candle variable and so cannot be trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAVariable {
    /// Name of the parameter.
    pub name: String,
}

impl std::fmt::Display for NotAVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the parameter {} is not a variable, so it cannot be trained; make it with \
             candle_core::Var",
            self.name
        )
    }
}

impl std::error::Error for NotAVariable {}

/// The variable that a parameter is.
///
/// # Errors
/// When it is a plain tensor.
pub fn variable(name: &str, parameter: &Tensor) -> Result<Var, NotAVariable> {
    let not = |()| NotAVariable { name: name.into() };
    if !parameter.is_variable() {
        return Err(not(()));
    }
    Var::from_tensor(parameter).map_err(|_| not(()))
}

/// A head whose weights are candle variables, ready to be trained.
pub struct TrainableHead {
    head: Box<dyn Head<Tensor>>,
    names: Vec<String>,
    variables: Vec<Var>,
}

impl TrainableHead {
    /// Puts a head's weights on a device as variables.
    ///
    /// # Errors
    /// When weights and configuration do not go together, or the device refuses.
    pub fn new(
        config: &HeadConfig,
        weights: &[Weight],
        device: &Device,
    ) -> Result<Self, HeadError<candle_core::Error>> {
        let (mut names, mut variables) = (Vec::new(), Vec::new());
        let head = config.build(weights, |weight| {
            let variable = Var::from_tensor(&to_tensor(&weight.value, device)?)?;
            let tensor = variable.as_tensor().clone();
            names.push(weight.name.clone());
            variables.push(variable);
            Ok(tensor)
        })?;
        Ok(Self {
            head,
            names,
            variables,
        })
    }

    /// A head whose parameters are variables already.
    ///
    /// # Errors
    /// When one of them is not.
    pub fn from_head(head: Box<dyn Head<Tensor>>) -> Result<Self, NotAVariable> {
        let (mut names, mut variables) = (Vec::new(), Vec::new());
        for (name, parameter) in head.parameters() {
            variables.push(variable(&name, parameter)?);
            names.push(name);
        }
        Ok(Self {
            head,
            names,
            variables,
        })
    }

    /// The head itself.
    #[must_use]
    pub fn head(&self) -> &dyn Head<Tensor> {
        self.head.as_ref()
    }

    /// Its variables, in the order of [`weights`](Self::weights).
    #[must_use]
    pub fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// The present values of the weights.
    ///
    /// # Errors
    /// candle's, when the copy from the device fails.
    pub fn weights(&self) -> candle_core::Result<Weights> {
        let named = self.names.iter().zip(&self.variables);
        named
            .map(|(name, variable)| {
                Ok(Weight {
                    name: name.clone(),
                    value: to_matrix(variable.as_tensor())?,
                })
            })
            .collect()
    }

    /// Sets the weights, in the order of [`weights`](Self::weights).
    ///
    /// # Errors
    /// candle's, when a shape differs.
    pub fn set_weights(&self, weights: &[Weight]) -> candle_core::Result<()> {
        for (variable, weight) in self.variables.iter().zip(weights) {
            variable.set(&to_tensor(&weight.value, variable.device())?)?;
        }
        Ok(())
    }
}
