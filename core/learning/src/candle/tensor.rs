use crate::tensor::Tensor;
use candle_core::{D, Error, Result};

impl Tensor for candle_core::Tensor {
    type Error = Error;

    /// `(0, 0)` for a tensor that does not have two dimensions; its operations then fail.
    fn dims(&self) -> (usize, usize) {
        self.dims2().unwrap_or_default()
    }

    fn to_vec(&self) -> Result<Vec<f32>> {
        self.flatten_all()?.to_vec1()
    }

    fn constant(&self, data: &[f32], rows: usize, columns: usize) -> Result<Self> {
        Self::from_slice(data, (rows, columns), self.device())
    }

    fn detach(&self) -> Self {
        Self::detach(self)
    }

    fn matmul_t(&self, rhs: &Self) -> Result<Self> {
        self.matmul(&rhs.t()?)
    }

    fn transpose(&self) -> Result<Self> {
        self.t()?.contiguous()
    }

    fn select_rows(&self, rows: &[u32]) -> Result<Self> {
        self.index_select(&Self::from_slice(rows, rows.len(), self.device())?, 0)
    }

    fn concat_columns(parts: &[Self]) -> Result<Self> {
        Self::cat(parts, 1)
    }

    fn concat_rows(parts: &[Self]) -> Result<Self> {
        Self::cat(parts, 0)
    }

    fn add(&self, rhs: &Self) -> Result<Self> {
        self.broadcast_add(rhs)
    }

    fn mul(&self, rhs: &Self) -> Result<Self> {
        self.broadcast_mul(rhs)
    }

    fn div(&self, rhs: &Self) -> Result<Self> {
        self.broadcast_div(rhs)
    }

    fn affine(&self, scale: f32, shift: f32) -> Result<Self> {
        Self::affine(self, f64::from(scale), f64::from(shift))
    }

    fn exp(&self) -> Result<Self> {
        Self::exp(self)
    }

    fn ln(&self) -> Result<Self> {
        self.log()
    }

    fn sqrt(&self) -> Result<Self> {
        Self::sqrt(self)
    }

    fn relu(&self) -> Result<Self> {
        Self::relu(self)
    }

    fn erf(&self) -> Result<Self> {
        Self::erf(self)
    }

    fn sum_rows(&self) -> Result<Self> {
        self.sum_keepdim(D::Minus1)
    }

    fn max_rows(&self) -> Result<Self> {
        self.max_keepdim(D::Minus1)
    }
}

#[cfg(test)]
mod tests {
    use super::Tensor as _;
    use crate::head::Activation;
    use candle_core::{Device, Tensor, Var};

    /// Values and slopes far from 0 are those of the limits, and nowhere no numbers.
    #[test]
    fn activations_and_their_gradients_do_not_overflow() {
        let at = [-1e30f32, -100.0, 0.0, 100.0, 1e30];
        for (activation, values, slopes) in [
            (
                Activation::Sigmoid,
                [0.0, 0.0, 0.5, 1.0, 1.0],
                [0.0, 0.0, 0.25, 0.0, 0.0],
            ),
            (
                Activation::Tanh,
                [-1.0, -1.0, 0.0, 1.0, 1.0],
                [0.0, 0.0, 1.0, 0.0, 0.0],
            ),
            (
                Activation::Gelu,
                [0.0, 0.0, 0.0, 100.0, 1e30],
                [0.0, 0.0, 0.5, 1.0, 1.0],
            ),
        ] {
            let x = Var::from_tensor(&Tensor::from_slice(&at, (1, 5), &Device::Cpu).unwrap());
            let x = x.unwrap();
            let y = activation.apply(x.as_tensor()).unwrap();
            let gradients = y.sum_all().unwrap().backward().unwrap();
            let slope = gradients.get(&x).unwrap().to_vec().unwrap();
            for (found, expected) in [(y.to_vec().unwrap(), values), (slope, slopes)] {
                for (a, b) in found.iter().zip(expected) {
                    assert!(
                        (a - b).abs() <= 1e-6 * b.abs().max(1.0),
                        "{activation}: {found:?}"
                    );
                }
            }
        }
    }
}
