use super::{Manifest, ServableError, dense, version};
use candle_core::Device;
use nearsay_bert::{EncodeError, Precision, SentenceEncoder};
use nearsay_core::{
    candle::{
        text,
        text::{SharedEncoder, embed_all},
    },
    encoder::Encoder as _,
    head::Dense,
    matrix::Matrix,
};
use nearsay_model::{DenseSettings, ModelFiles, StaticModel};
use nearsay_search::index;
use nearsay_store::Store;
use nearsay_text::compact::StaticEncoder;
use rayon::prelude::*;
use std::{ops::ControlFlow, path::Path};

/// An encoder, its dense layers, and scaling to length 1: text in, unit vector out.
///
/// Works on any sentence-transformers folder, of a network or a table, whose layers behind it have an
/// [`Activation`](nearsay_core::head::Activation) we know.
pub struct TextModel {
    encoder: TextEncoder,
    /// The dense layers behind it, with the folders they are from.
    layers: Vec<(String, Dense)>,
}

/// What turns texts into pooled vectors.
enum TextEncoder {
    Network(SentenceEncoder),
    Static(StaticEncoder<'static>),
    /// An encoder of the caller's.
    Custom(SharedEncoder),
}

impl TextEncoder {
    fn dim(&self) -> usize {
        match self {
            Self::Network(encoder) => encoder.dim(),
            Self::Static(encoder) => encoder.dim(),
            Self::Custom(encoder) => text::TextEncode::dim(&**encoder),
        }
    }
}

impl TextModel {
    /// A table alone, without layers, such as the built-in compact encoder.
    #[must_use]
    pub fn of_static(encoder: StaticEncoder<'static>) -> Self {
        Self {
            encoder: TextEncoder::Static(encoder),
            layers: Vec::new(),
        }
    }

    /// A transformer alone, without layers.
    #[must_use]
    pub fn of_transformer(encoder: SentenceEncoder) -> Self {
        Self {
            encoder: TextEncoder::Network(encoder),
            layers: Vec::new(),
        }
    }

    /// An encoder of the caller's alone, without layers.
    #[must_use]
    pub fn of_custom(encoder: SharedEncoder) -> Self {
        Self {
            encoder: TextEncoder::Custom(encoder),
            layers: Vec::new(),
        }
    }

    /// The same encoder with these layers behind it.
    #[must_use]
    pub fn with_layers(self, layers: &[Dense]) -> Self {
        let layers = layers.iter().cloned().enumerate();
        Self {
            layers: layers
                .map(|(number, layer)| (format!("{number}_Dense"), layer))
                .collect(),
            ..self
        }
    }

    /// Loads the model in a folder; a network may also come as a zip file or wheel.
    ///
    /// # Errors
    /// When a file is missing or damaged, a layer has an unknown activation, or the folder is ours and of
    /// a newer format.
    pub fn open(store: &dyn Store, path: &Path, device: &Device) -> Result<Self, ServableError> {
        Self::open_with(store, path, device, Precision::F32)
    }

    /// As [`open`](Self::open), a network computing in this precision if it can; a table is as quick
    /// either way.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        store: &dyn Store,
        path: &Path,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, ServableError> {
        refuse_newer(store, path)?;
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
        let encoder = SentenceEncoder::load_with(&files, device, precision)?;
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
            .map_or(self.encoder.dim(), |(_, layer)| layer.weight.rows())
    }

    /// Length of a pooled vector, before the dense layers.
    #[must_use]
    pub fn pooled_dim(&self) -> usize {
        self.encoder.dim()
    }

    /// What it computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match &self.encoder {
            TextEncoder::Network(encoder) => encoder.precision(),
            TextEncoder::Static(_) | TextEncoder::Custom(_) => Precision::F32,
        }
    }

    /// Whether the encoder is a table: making a vector anew is then quicker than finding it.
    #[must_use]
    pub fn is_static(&self) -> bool {
        matches!(self.encoder, TextEncoder::Static(_))
    }

    /// The table and its tokenizer; none when the encoder is a network.
    #[must_use]
    pub fn table(&self) -> Option<&StaticEncoder<'static>> {
        match &self.encoder {
            TextEncoder::Network(_) | TextEncoder::Custom(_) => None,
            TextEncoder::Static(encoder) => Some(encoder),
        }
    }

    /// The dense layers behind pooling, in order.
    pub fn layers(&self) -> impl Iterator<Item = &Dense> {
        self.layers.iter().map(|(_, layer)| layer)
    }

    /// Pooled vectors of texts, before the dense layers: `n` texts → `[n, pooled_dim]`.
    ///
    /// `on_progress` gets the texts done and their number, and may stop the work; a table is done too
    /// soon to ask.
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
            TextEncoder::Static(encoder) => {
                // Each core takes a part; so little is done for a text that no more is needed.
                let part = texts.len().div_ceil(rayon::current_num_threads()).max(256);
                let rows = texts.par_chunks(part).map(|part| encoder.encode_all(part));
                let rows: Vec<f32> = rows.flat_map_iter(Matrix::into_data).collect();
                Ok(Matrix::new(texts.len(), encoder.dim(), rows)?)
            }
            TextEncoder::Custom(encoder) => embed_all(&**encoder, texts, on_progress)
                .map_err(EncodeError::Custom)?
                .ok_or(EncodeError::Cancelled),
        }
    }

    /// How many tokens of a text count, special ones included.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<usize, ServableError> {
        match &self.encoder {
            TextEncoder::Network(encoder) => Ok(encoder.token_ids(text)?.len()),
            TextEncoder::Static(encoder) => Ok(encoder.tokenizer().ids(text).len()),
            TextEncoder::Custom(_) => Ok(text.split_whitespace().count()),
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
        for (folder, layer) in &self.layers {
            x = layer
                .forward(&x)
                .map_err(|e| ServableError::changed(folder, e))?;
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

/// A folder of ours must be of a version that is known here; others say nothing of that.
fn refuse_newer(store: &dyn Store, path: &Path) -> Result<(), ServableError> {
    match Manifest::bytes(store, path) {
        Ok(bytes) => version::check(&bytes).map(|_| ()),
        Err(ServableError::NotAModel { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The layers behind vectors of length `dim`.
fn layers(
    settings: &[DenseSettings],
    mut dim: usize,
    need: &dyn Fn(&str) -> Result<Vec<u8>, ServableError>,
) -> Result<Vec<(String, Dense)>, ServableError> {
    let mut layers = Vec::new();
    for settings in settings {
        layers.push((settings.folder.clone(), dense::read(need, settings, dim)?));
        dim = settings.out_features;
    }
    Ok(layers)
}
