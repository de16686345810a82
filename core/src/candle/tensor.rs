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

    fn sum_rows(&self) -> Result<Self> {
        self.sum_keepdim(D::Minus1)
    }

    fn max_rows(&self) -> Result<Self> {
        self.max_keepdim(D::Minus1)
    }
}
