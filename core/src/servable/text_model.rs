use super::ServableError;
use crate::{
    candle::bert::{EncodeError, SentenceEncoder},
    compact::StaticEncoder,
    encoder::Encoder as _,
    head::Linear,
    index,
    matrix::Matrix,
    model::{DenseSettings, ModelError, ModelFiles, StaticModel, check_tensor, open_safetensors},
    store::Store,
    tensor::Tensor as _,
};
use candle_core::Device;
use std::{ops::ControlFlow, path::Path};

/// An encoder, its linear layers, and scaling to length 1: text in, unit vector out.
///
/// Works on any sentence-transformers folder whose layers behind pooling are linear.
pub struct TextModel {
    encoder: TextEncoder,
    layers: Vec<Linear>,
}

/// What turns texts into pooled vectors.
enum TextEncoder {
    Network(SentenceEncoder),
    Static(StaticEncoder<'static>),
}

impl TextEncoder {
    fn dim(&self) -> usize {
        match self {
            Self::Network(encoder) => encoder.dim(),
            Self::Static(encoder) => encoder.dim(),
        }
    }
}

impl TextModel {
    /// Loads the model in a folder; a network may also come as a zip file or wheel.
    ///
    /// # Errors
    /// When a file is missing or damaged, or a layer has an activation.
    pub fn open(store: &dyn Store, path: &Path, device: &Device) -> Result<Self, ServableError> {
        if let Some(model) = StaticModel::open(store, path)? {
            let need = |name: &str| -> Result<Vec<u8>, ServableError> {
                Ok(store.read(&path.join(name), LAYER_LIMIT)?)
            };
            let encoder = TextEncoder::Static(model.encoder);
            return Ok(Self {
                layers: layers(&model.dense, encoder.dim(), &need)?,
                encoder,
            });
        }
        let files = ModelFiles::open(store, path)?;
        let encoder = SentenceEncoder::load(&files, device)?;
        let need = |name: &str| -> Result<Vec<u8>, ServableError> { Ok(files.need(name)?) };
        Ok(Self {
            layers: layers(&encoder.settings().dense, encoder.dim(), &need)?,
            encoder: TextEncoder::Network(encoder),
        })
    }

    /// Length of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.layers
            .last()
            .map_or(self.encoder.dim(), |layer| layer.weight.rows())
    }

    /// Length of a pooled vector, before the linear layers.
    #[must_use]
    pub fn pooled_dim(&self) -> usize {
        self.encoder.dim()
    }

    /// Whether the encoder is a table: making a vector anew is then quicker than finding it.
    #[must_use]
    pub fn is_static(&self) -> bool {
        matches!(self.encoder, TextEncoder::Static(_))
    }

    /// Pooled vectors of texts, before the linear layers: `n` texts → `[n, pooled_dim]`.
    ///
    /// `on_progress` gets the texts done and their number, and may stop the work.
    ///
    /// # Errors
    /// [`EncodeError::Cancelled`] when stopped; else when the encoder fails.
    pub fn pooled(
        &self,
        texts: &[&str],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Matrix, EncodeError> {
        match &self.encoder {
            TextEncoder::Network(encoder) => encoder.encode_all(texts, on_progress),
            TextEncoder::Static(encoder) => Ok(encoder.encode_all(texts)),
        }
    }

    /// Unit vectors of texts, `n` texts → `[n, dim]`.
    ///
    /// # Errors
    /// When the encoder fails.
    pub fn encode(&self, texts: &[&str]) -> Result<Matrix, ServableError> {
        self.finish(self.pooled(texts, &mut |_, _| ControlFlow::Continue(()))?)
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

/// Largest file of a layer's weights that is read.
const LAYER_LIMIT: u64 = 1 << 30;

/// The linear layers behind vectors of length `dim`.
fn layers(
    settings: &[DenseSettings],
    mut dim: usize,
    need: &dyn Fn(&str) -> Result<Vec<u8>, ServableError>,
) -> Result<Vec<Linear>, ServableError> {
    let mut layers = Vec::new();
    for dense in settings {
        let name = format!("{}/model.safetensors", dense.folder);
        if !dense.activation.ends_with(".Identity") {
            let why = format!("a layer with the activation {}", dense.activation);
            return Err(ModelError::unsupported(&name, why).into());
        }
        if dense.in_features != dim {
            let why = format!("takes {} numbers, but gets {dim}", dense.in_features);
            return Err(ServableError::changed(&name, why));
        }
        let bytes = need(&name)?;
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
    Ok(layers)
}
