use super::{Manifest, ServableError, dense, version};
use crate::answer_index::Languages;
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

/// Text encoder: turns a text into a pooled vector, applies dense layers, and scales the result to length 1.
///
/// Opens any sentence-transformers model, transformer or static embeddings, whose `Dense` modules have a supported
/// [`Activation`](nearsay_core::head::Activation).
pub struct TextModel {
    encoder: TextEncoder,
    /// Dense layers after pooling, with the names of their directories.
    layers: Vec<(String, Dense)>,
}

/// Encoder that turns texts into pooled vectors.
enum TextEncoder {
    Network(SentenceEncoder),
    Static(StaticEncoder<'static>),
    /// A custom encoder.
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
    /// Wraps static embeddings without dense layers, for example the built-in encoder.
    #[must_use]
    pub fn of_static(encoder: StaticEncoder<'static>) -> Self {
        Self {
            encoder: TextEncoder::Static(encoder),
            layers: Vec::new(),
        }
    }

    /// Wraps a transformer without dense layers.
    #[must_use]
    pub fn of_transformer(encoder: SentenceEncoder) -> Self {
        Self {
            encoder: TextEncoder::Network(encoder),
            layers: Vec::new(),
        }
    }

    /// Wraps a custom encoder without dense layers.
    #[must_use]
    pub fn of_custom(encoder: SharedEncoder) -> Self {
        Self {
            encoder: TextEncoder::Custom(encoder),
            layers: Vec::new(),
        }
    }

    /// Replaces the dense layers after pooling.
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

    /// Opens the encoder of a model directory. A transformer may also be a zip file or a wheel.
    ///
    /// # Errors
    /// If a file is missing or damaged, if a layer has an unsupported activation, or if it is a Nearsay model of a newer
    /// format.
    pub fn open(store: &dyn Store, path: &Path, device: &Device) -> Result<Self, ServableError> {
        Self::open_with(store, path, device, Precision::F32)
    }

    /// Like [`open`](Self::open), but sets the precision of a transformer, if the device supports it. Static embeddings
    /// ignore the precision.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
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
        let need =
            |name: &str| -> Result<Vec<u8>, ServableError> { Ok(files.read_required(name)?) };
        Ok(Self {
            layers: layers(&encoder.settings().dense, encoder.dim(), &need)?,
            encoder: TextEncoder::Network(encoder),
        })
    }

    /// Embedding length, after the dense layers.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.layers
            .last()
            .map_or(self.encoder.dim(), |(_, layer)| layer.weight.rows())
    }

    /// Length of pooled vectors, before the dense layers.
    #[must_use]
    pub fn pooled_dim(&self) -> usize {
        self.encoder.dim()
    }

    /// Precision of the encoder's computations.
    #[must_use]
    pub fn precision(&self) -> Precision {
        match &self.encoder {
            TextEncoder::Network(encoder) => encoder.precision(),
            TextEncoder::Static(_) | TextEncoder::Custom(_) => Precision::F32,
        }
    }

    /// Whether the encoder is static embeddings, for which embedding a text is faster than a cache lookup.
    #[must_use]
    pub fn is_static(&self) -> bool {
        matches!(self.encoder, TextEncoder::Static(_))
    }

    /// The static embeddings and their tokenizer; `None` for other encoders.
    #[must_use]
    pub fn table(&self) -> Option<&StaticEncoder<'static>> {
        match &self.encoder {
            TextEncoder::Network(_) | TextEncoder::Custom(_) => None,
            TextEncoder::Static(encoder) => Some(encoder),
        }
    }

    /// Dense layers after pooling, in order.
    pub fn layers(&self) -> impl Iterator<Item = &Dense> {
        self.layers.iter().map(|(_, layer)| layer)
    }

    /// Computes pooled vectors of texts, before the dense layers: `n` texts → `[n, pooled_dim]`.
    ///
    /// `on_progress` gets the number of texts done and the total, and may stop the work. Static embeddings are too fast
    /// to report progress.
    ///
    /// # Errors
    /// [`EncodeError::Cancelled`] if `on_progress` stopped the work; another error if the encoder fails.
    pub fn pooled(
        &self,
        texts: &[&str],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Matrix, EncodeError> {
        match &self.encoder {
            TextEncoder::Network(encoder) => encoder.encode_all(texts, on_progress),
            TextEncoder::Static(encoder) => {
                // One large part per core; a text takes too little time to be a task of its own.
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

    /// Number of tokens that the encoder uses for a text, including special tokens. Custom encoders count words.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn tokens(&self, text: &str) -> Result<usize, ServableError> {
        match &self.encoder {
            TextEncoder::Network(encoder) => Ok(encoder.token_ids(text)?.len()),
            TextEncoder::Static(encoder) => Ok(encoder.tokenizer().ids(text).len()),
            TextEncoder::Custom(_) => Ok(text.split_whitespace().count()),
        }
    }

    /// Languages that the encoder knows, by its vocabulary; see [`Languages::of_vocabulary`].
    #[must_use]
    pub fn languages(&self) -> Languages {
        Languages::of_vocabulary(&|text| self.tokens(text).ok())
    }

    /// Embeds texts: `n` texts → `[n, dim]` unit vectors.
    ///
    /// # Errors
    /// If the encoder fails.
    pub fn encode(&self, texts: &[&str]) -> Result<Matrix, ServableError> {
        self.finish(self.pooled(texts, &mut |_, _| ControlFlow::Continue(()))?)
    }

    /// Applies the dense layers and normalization: `[n, pooled_dim]` pooled vectors → `[n, dim]` unit vectors.
    ///
    /// # Errors
    /// If the vectors have the wrong length.
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

/// Maximum size of a layer's weight file in bytes.
const LAYER_LIMIT: u64 = 1 << 30;

/// Rejects Nearsay models of a newer format; accepts models of other programs.
fn refuse_newer(store: &dyn Store, path: &Path) -> Result<(), ServableError> {
    match Manifest::bytes(store, path) {
        Ok(bytes) => version::check(&bytes).map(|_| ()),
        Err(ServableError::NotAModel { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Reads the dense layers that take vectors of length `dim`.
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
