use super::ServableError;
use crate::{
    candle::bert::SentenceEncoder,
    encoder::Encoder as _,
    head::Linear,
    index,
    matrix::Matrix,
    model::{ModelError, ModelFiles, check_tensor, open_safetensors},
    tensor::Tensor as _,
};
use candle_core::Device;
use std::ops::ControlFlow;

/// An encoder, its linear layers, and scaling to length 1: text in, unit vector out.
///
/// Works on any sentence-transformers folder whose layers behind pooling are linear.
pub struct TextModel {
    encoder: SentenceEncoder,
    layers: Vec<Linear>,
}

impl TextModel {
    /// Loads a model.
    ///
    /// # Errors
    /// When a file is missing or damaged, or a layer has an activation.
    pub fn load(files: &ModelFiles<'_>, device: &Device) -> Result<Self, ServableError> {
        let encoder = SentenceEncoder::load(files, device)?;
        let mut layers = Vec::new();
        let mut dim = encoder.dim();
        for dense in &encoder.settings().dense {
            let name = format!("{}/model.safetensors", dense.folder);
            if !dense.activation.ends_with(".Identity") {
                let why = format!("a layer with the activation {}", dense.activation);
                return Err(ModelError::unsupported(&name, why).into());
            }
            if dense.in_features != dim {
                let why = format!("takes {} numbers, but gets {dim}", dense.in_features);
                return Err(ServableError::changed(&name, why));
            }
            let bytes = files.need(&name)?;
            let file = open_safetensors(&name, &bytes)?;
            let (rows, columns) = (dense.out_features, dense.in_features);
            let read = |tensor: &str, shape: &[usize]| -> Result<Matrix, ServableError> {
                check_tensor(&name, &file, tensor, shape)?;
                let view = file
                    .tensor(tensor)
                    .map_err(|e| ServableError::changed(&name, e))?;
                if view.dtype() != safetensors::Dtype::F32 {
                    return Err(ServableError::changed(&name, "is not of 32-bit numbers"));
                }
                let rows = if shape.len() == 2 { shape[0] } else { 1 };
                let columns = shape[shape.len() - 1];
                Matrix::from_le_bytes(rows, columns, view.data())
                    .map_err(|e| ServableError::changed(&name, e))
            };
            let weight = read("linear.weight", &[rows, columns])?;
            let bias = if dense.bias {
                read("linear.bias", &[rows])?
            } else {
                Matrix::new(1, rows, vec![0.0; rows]).unwrap_or_default()
            };
            layers.push(Linear { weight, bias });
            dim = rows;
        }
        Ok(Self { encoder, layers })
    }

    /// Length of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.layers
            .last()
            .map_or(self.encoder.dim(), |layer| layer.weight.rows())
    }

    /// The encoder before the linear layers.
    #[must_use]
    pub fn encoder(&self) -> &SentenceEncoder {
        &self.encoder
    }

    /// Unit vectors of texts, `n` texts → `[n, dim]`.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn encode(&self, texts: &[&str]) -> Result<Matrix, ServableError> {
        let pooled = self
            .encoder
            .encode_all(texts, &mut |_, _| ControlFlow::Continue(()))?;
        self.finish(pooled)
    }

    /// What stands behind pooling: `[n, d]` pooled vectors → `[n, dim]` unit vectors.
    ///
    /// # Errors
    /// When the vectors are not the encoder's.
    pub fn finish(&self, mut x: Matrix) -> Result<Matrix, ServableError> {
        for layer in &self.layers {
            x = x
                .matmul_t(&layer.weight)
                .and_then(|x| x.add(&layer.bias))
                .map_err(|e| ServableError::changed("2_Dense/model.safetensors", e))?;
        }
        let (rows, columns) = (x.rows(), x.columns());
        let mut data = x.into_data();
        data.chunks_exact_mut(columns.max(1))
            .for_each(index::normalize);
        Ok(Matrix::new(rows, columns, data).unwrap_or_default())
    }
}
