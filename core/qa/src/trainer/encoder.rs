use super::Error;
use crate::servable::TextModel;
use candle_core::{Device, Tensor};
use nearsay_bert::EncodeError;
use nearsay_core::{
    candle::{
        text::{SharedEncoder, TextEncode},
        to_tensor,
    },
    encoder::Encoder,
};
use nearsay_model::{ModelFiles, StaticModel};
use nearsay_store::DiskStore;
use nearsay_text::compact::{StaticEmbeddings, StaticEncoder, built_in};
use std::{fmt, ops::ControlFlow, path::Path, sync::Arc};

/// The base encoder of a model.
pub struct TextEncoder {
    pub(super) kind: Kind,
    pub(super) name: String,
}

pub(super) enum Kind {
    Static(StaticEncoder<'static>),
    Transformer {
        files: ModelFiles<'static>,
        dim: usize,
    },
    Custom(SharedEncoder),
}

impl TextEncoder {
    /// The built-in English encoder: static embeddings, no download.
    ///
    /// # Errors
    /// When the program file is damaged.
    pub fn builtin() -> Result<Self, Error> {
        Ok(Self {
            kind: Kind::Static(built_in::encoder()?),
            name: "compact".into(),
        })
    }

    /// The encoder in a sentence-transformers directory, zip or wheel: static embeddings, or a
    /// transformer of the BERT family.
    ///
    /// # Errors
    /// When a file is missing, damaged or of an unsupported kind, or the directory holds a model with
    /// a trained head.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path
            .file_stem()
            .map_or_else(Default::default, |name| name.to_string_lossy().into_owned());
        let (kind, layers) = if let Some(model) = StaticModel::open(&DiskStore, path)? {
            (Kind::Static(model.encoder), model.dense.len())
        } else {
            let files = ModelFiles::open(&DiskStore, path)?;
            let settings = files.settings()?;
            let dim = settings.dims;
            (Kind::Transformer { files, dim }, settings.dense.len())
        };
        if layers > 0 {
            return Err(Error::AlreadyTrained {
                path: path.display().to_string(),
            });
        }
        Ok(Self { kind, name })
    }

    /// An encoder of your own.
    ///
    /// If it is [`trainable`](Encoder::trainable), training changes its parameters in place; they must
    /// be candle variables. Otherwise a head is trained over it.
    pub fn custom(encoder: impl Encoder<Tensor, Input = str> + Send + Sync + 'static) -> Self {
        Self {
            kind: Kind::Custom(Arc::new(encoder)),
            name: "custom".into(),
        }
    }

    /// Length of an embedding.
    #[must_use]
    pub fn dim(&self) -> usize {
        match &self.kind {
            Kind::Static(encoder) => encoder.dim(),
            Kind::Transformer { dim, .. } => *dim,
            Kind::Custom(encoder) => TextEncode::dim(&**encoder),
        }
    }
}

impl fmt::Debug for TextEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextEncoder")
            .field("name", &self.name)
            .field("dim", &self.dim())
            .finish_non_exhaustive()
    }
}

/// The same static encoder with another table, if there is one.
pub(super) fn with_table(
    encoder: &StaticEncoder<'static>,
    table: Option<StaticEmbeddings<'static>>,
) -> Result<StaticEncoder<'static>, Error> {
    let table = table.unwrap_or_else(|| encoder.embeddings().clone());
    StaticEncoder::new(encoder.tokenizer().clone(), table)
        .map_err(|error| Error::Encode(error.into()))
}

/// The pooled vectors of an opened model, as an encoder on candle.
pub(super) struct Pooled {
    pub(super) model: TextModel,
    pub(super) device: Device,
}

impl Encoder<Tensor> for Pooled {
    type Input = str;
    type Error = EncodeError;

    fn dim(&self) -> usize {
        self.model.pooled_dim()
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, texts: &[&str]) -> Result<Tensor, EncodeError> {
        let vectors = self
            .model
            .pooled(texts, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(to_tensor(&vectors, &self.device)?)
    }
}
