//! The encoder: a frozen BERT network of the sentence-transformers kind.
//!
//! [`SentenceEncoder`] turns texts into pooled vectors, *not* normalised and before any `Dense` layer
//! of the model: heads are trained on exactly these, and [`ModelSettings`] says what the model itself
//! would do next.
//!
//! It is made for reading only: both ways to run the network, ours and that of candle-transformers,
//! fuse layer norm and softmax into operations that have no backward pass and would cut a gradient in
//! silence. A network that learns is in [`finetune`].
//!
//! On the processor the network runs without filling up texts to one length, in memory that is kept
//! from batch to batch, over weights packed once; [`Precision`] says in which numbers.

mod batch;
pub mod finetune;
#[doc(hidden)]
pub mod kernels;
mod linear;
mod network;
mod padded;
mod ragged;
#[cfg(any(test, feature = "test-util"))]
pub mod test_util;
mod tokenize;
mod workers;

use candle_core::{Device, Tensor};
use nearsay_core::encoder::{BoxError, Encoder};
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_model::{ModelError, ModelFiles, ModelSettings};
use network::Network;
use ragged::Space;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokenize::Texts;
use workers::Workers;

pub use linear::Precision;

/// Why texts could not be encoded.
#[derive(Debug)]
#[non_exhaustive]
pub enum EncodeError {
    /// The model's files cannot be used.
    Model(ModelError),
    /// The tokenizer failed on a text.
    Tokenizer(String),
    /// The tensor library or the device failed.
    Tensor(candle_core::Error),
    /// A vector came out that is not made of finite numbers.
    NotFinite,
    /// A worker ended in a panic, which is a bug; the message is that of the panic's place.
    Panicked,
    /// An encoder of the caller's failed.
    Custom(BoxError),
    /// The caller asked to stop.
    Cancelled,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(error) => error.fmt(f),
            Self::Tokenizer(reason) => write!(f, "the tokenizer failed: {reason}"),
            Self::Tensor(error) => write!(f, "computing the vectors failed: {error}"),
            Self::NotFinite => f.write_str(
                "the model gave a vector with values that are no numbers; its weights are damaged \
                 or too large",
            ),
            Self::Panicked => f.write_str("computing the vectors ended in an internal error"),
            Self::Custom(error) => error.fmt(f),
            Self::Cancelled => f.write_str("stopped before all texts were encoded"),
        }
    }
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Model(error) => Some(error),
            Self::Tensor(error) => Some(error),
            Self::Custom(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

impl From<ModelError> for EncodeError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

impl From<candle_core::Error> for EncodeError {
    fn from(error: candle_core::Error) -> Self {
        Self::Tensor(error)
    }
}

impl From<ShapeError> for EncodeError {
    fn from(error: ShapeError) -> Self {
        Self::Tensor(candle_core::Error::wrap(error))
    }
}

/// Tokenizer, network and pooling: all that stands between a text and its vector.
struct Inner {
    texts: Texts,
    network: Network,
}

/// A frozen sentence-transformers model of the BERT family.
///
/// Input is a text, output its pooled vector of [`dim`](Encoder::dim) components, not normalised.
/// Texts longer than the model's `max_seq_length` tokens are cut.
pub struct SentenceEncoder {
    inner: Arc<Inner>,
    workers: Workers,
    settings: ModelSettings,
    vocabulary: usize,
    device: Device,
    precision: Precision,
}

impl fmt::Debug for SentenceEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentenceEncoder")
            .field("settings", &self.settings)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl SentenceEncoder {
    /// Loads a model into memory and onto a device. Everything is checked first: settings, weights
    /// (shapes, formats, finite values) and the tokenizer's parts.
    ///
    /// # Errors
    /// When a file is missing, damaged or asks for something that is not supported; when the device
    /// has no room.
    pub fn load(files: &ModelFiles<'_>, device: &Device) -> Result<Self, EncodeError> {
        Self::load_with(files, device, Precision::F32)
    }

    /// As [`load`](Self::load), computing in this [`Precision`] if device and network can:
    /// [`precision`](Self::precision) then says what it became.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_with(
        files: &ModelFiles<'_>,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, EncodeError> {
        let config = files.config()?;
        let settings = files.settings()?;
        let texts = Texts::read(&files.tokenizer()?, &settings, config.vocab_size)?;
        let (weights, prefix) = files.weights()?;
        let network = Network::load(
            &config,
            weights,
            prefix,
            settings.pooling,
            device,
            precision,
        )?;
        Ok(Self {
            precision: network.precision(precision),
            inner: Arc::new(Inner { texts, network }),
            workers: Workers::new(device)?,
            settings,
            vocabulary: config.vocab_size,
            device: device.clone(),
        })
    }

    /// What the model does around its network.
    #[must_use]
    pub fn settings(&self) -> &ModelSettings {
        &self.settings
    }

    /// The device the network is on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What it computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The token ids of one text, special tokens included, cut to the model's length.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.inner.texts.ids(text)
    }

    /// Encodes token ids as they are, special tokens included: `n` lists, none empty → `[n, dim]` row
    /// by row. On the calling thread, in one batch.
    ///
    /// # Errors
    /// When an id lies outside the vocabulary or a list is empty or longer than the model takes;
    /// what the network or device report.
    pub fn encode_ids(&self, ids: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        let longest = self.settings.max_seq_length;
        if let Some(wrong) = ids.iter().find(|ids| ids.is_empty() || ids.len() > longest) {
            return Err(EncodeError::Tokenizer(format!(
                "{} tokens at once; the model takes 1 to {longest}",
                wrong.len()
            )));
        }
        let outside = |id: &u32| *id as usize >= self.vocabulary;
        if let Some(id) = ids.iter().flatten().find(|id| outside(id)) {
            return Err(EncodeError::Tokenizer(format!(
                "token {id} lies outside the network's {} tokens",
                self.vocabulary
            )));
        }
        let vectors = self.inner.network.forward(ids, &mut Space::default())?;
        match vectors.iter().all(|value| value.is_finite()) {
            true => Ok(vectors),
            false => Err(EncodeError::NotFinite),
        }
    }

    /// Encodes any number of texts: `n` texts → `[n, dim]`, in the order given.
    ///
    /// The texts are worked through in small batches, shared among the processor's cores.
    /// `on_progress` is called on the calling thread after each batch with the number of texts done
    /// and their total; with [`ControlFlow::Break`] it stops the work.
    ///
    /// # Errors
    /// [`EncodeError::Cancelled`] when stopped; else what tokenizer, network or device report.
    pub fn encode_all(
        &self,
        texts: &[&str],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Matrix, EncodeError> {
        self.workers
            .run(&self.inner, self.settings.dims, texts, on_progress)
    }
}

impl Encoder<Tensor> for SentenceEncoder {
    type Input = str;
    type Error = EncodeError;

    fn dim(&self) -> usize {
        self.settings.dims
    }

    fn trainable(&self) -> bool {
        false
    }

    fn encode(&self, batch: &[&str]) -> Result<Tensor, EncodeError> {
        let rows = self.encode_all(batch, &mut |_, _| ControlFlow::Continue(()))?;
        Ok(nearsay_core::candle::to_tensor(&rows, &self.device)?)
    }
}

#[cfg(test)]
mod tests;
