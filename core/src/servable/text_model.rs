use super::{ServableError, dense};
use crate::{
    candle::bert::SentenceEncoder, encoder::Encoder as _, head::Dense, index, matrix::Matrix,
    model::ModelFiles,
};
use candle_core::Device;
use std::ops::ControlFlow;

/// An encoder, its dense layers, and scaling to length 1: text in, unit vector out.
///
/// Works on any sentence-transformers folder whose layers behind pooling have an
/// [`Activation`](crate::head::Activation) we know.
pub struct TextModel {
    encoder: SentenceEncoder,
    layers: Vec<Dense>,
}

impl TextModel {
    /// Loads a model.
    ///
    /// # Errors
    /// When a file is missing or damaged, or a layer has an unknown activation.
    pub fn load(files: &ModelFiles<'_>, device: &Device) -> Result<Self, ServableError> {
        let encoder = SentenceEncoder::load(files, device)?;
        let mut layers = Vec::new();
        let mut dim = encoder.dim();
        for settings in &encoder.settings().dense {
            layers.push(dense::read(files, settings, dim)?);
            dim = settings.out_features;
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

    /// The encoder before the dense layers.
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
        for (layer, settings) in self.layers.iter().zip(&self.encoder.settings().dense) {
            x = layer
                .forward(&x)
                .map_err(|e| ServableError::changed(&settings.folder, e))?;
        }
        let (rows, columns) = (x.rows(), x.columns());
        let mut data = x.into_data();
        data.chunks_exact_mut(columns.max(1))
            .for_each(index::normalize);
        Ok(Matrix::new(rows, columns, data).unwrap_or_default())
    }
}
