//! BERT sentence encoders on the CPU: inference and fine-tuning.
//!
//! [`SentenceEncoder`] encodes texts with a frozen model of the sentence-transformers kind. Its vectors are pooled,
//! *not* normalised, and come before any `Dense` layer of the model: heads are trained on exactly these vectors, and
//! [`ModelSettings`] describes the modules that would follow.
//!
//! [`finetune`] trains the weights of a transformer. It is a separate implementation, because the kernels of
//! inference fuse operations that training must differentiate one by one.
//!
//! On the CPU, batches are not padded, memory is reused from batch to batch, and weights are packed once;
//! [`Precision`] selects the number format. candle-transformers runs models on other devices and models of other
//! shapes.

mod batch;
mod error;
pub mod finetune;
#[doc(hidden)]
pub mod kernels;
mod linear;
mod padded;
mod ragged;
mod source;
#[cfg(any(test, feature = "test-util"))]
pub mod test_util;
mod tokenize;
mod transformer;
mod workers;

use candle_core::{Device, Tensor};
use nearsay_core::encoder::Encoder;
use nearsay_core::matrix::Matrix;
use nearsay_model::{ModelFiles, ModelSettings};
use ragged::Buffers;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokenize::TextTokenizer;
use transformer::Transformer;
use workers::Workers;

pub use error::EncodeError;
pub use linear::Precision;

/// Tokenizer and transformer, shared by the workers.
struct Inner {
    tokenizer: TextTokenizer,
    transformer: Transformer,
}

/// A frozen sentence-transformers model of the BERT family.
///
/// Encodes a text as a pooled vector of [`dim`](Encoder::dim) numbers, not normalised. Texts longer than the model's
/// `max_seq_length` tokens are truncated.
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
    /// Loads a model onto a device, after validating its settings, weights (shapes, formats, finite values) and
    /// tokenizer. Computes in single precision.
    ///
    /// # Errors
    /// If a file is missing, damaged or unsupported, or if the device runs out of memory.
    pub fn load(files: &ModelFiles<'_>, device: &Device) -> Result<Self, EncodeError> {
        Self::load_with(files, device, Precision::F32)
    }

    /// Loads a model like [`load`](Self::load) that computes in the given [`Precision`], if device and model support
    /// it, and otherwise in single precision; see [`precision`](Self::precision). A model with quantized weights always
    /// computes in [`Precision::Fast`] on the CPU, unless its shape is one that the kernels don't support.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with(
        files: &ModelFiles<'_>,
        device: &Device,
        precision: Precision,
    ) -> Result<Self, EncodeError> {
        let config = files.config()?;
        let settings = files.settings()?;
        let tokenizer = TextTokenizer::parse(&files.tokenizer()?, &settings, config.vocab_size)?;
        let transformer = Transformer::load(&config, files, settings.pooling, device, precision)?;
        Ok(Self {
            precision: transformer.precision(),
            inner: Arc::new(Inner {
                tokenizer,
                transformer,
            }),
            workers: Workers::new(device)?,
            settings,
            vocabulary: config.vocab_size,
            device: device.clone(),
        })
    }

    /// Settings of the model, apart from its transformer.
    #[must_use]
    pub fn settings(&self) -> &ModelSettings {
        &self.settings
    }

    /// Device that holds the model.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Precision of the computation.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Tokenizes one text: its token ids, special tokens included, truncated to the model's maximum length.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.inner.tokenizer.token_ids(text)
    }

    /// Encodes token ids on the calling thread, in one batch: `n` lists → `[n, dim]`, row-major.
    ///
    /// No special tokens are added.
    ///
    /// # Errors
    /// If a list is empty or longer than the model's maximum, if an id is outside the vocabulary, or if the
    /// transformer fails.
    pub fn encode_ids(&self, ids: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        let longest = self.settings.max_seq_length;
        if let Some(wrong) = ids.iter().find(|ids| ids.is_empty() || ids.len() > longest) {
            return Err(EncodeError::TokenIds(format!(
                "a text has {} tokens; the model accepts 1 to {longest}",
                wrong.len()
            )));
        }
        if let Some(id) = ids
            .iter()
            .flatten()
            .find(|&&id| id as usize >= self.vocabulary)
        {
            return Err(EncodeError::TokenIds(format!(
                "token {id} is outside the vocabulary of {} tokens",
                self.vocabulary
            )));
        }
        self.inner.encode_ids(ids, &mut Buffers::default())
    }

    /// Encodes any number of texts: `n` texts → `[n, dim]`, in the same order.
    ///
    /// The texts are divided into small batches that all cores share. After each batch, `on_progress` is called on
    /// the calling thread with the number of encoded texts and the total; [`ControlFlow::Break`] cancels the work.
    ///
    /// # Errors
    /// [`EncodeError::Cancelled`] after a cancellation; otherwise if tokenizer, transformer or device fail.
    pub fn encode_all(
        &self,
        texts: &[&str],
        on_progress: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<Matrix, EncodeError> {
        self.workers
            .encode_all(&self.inner, self.settings.dims, texts, on_progress)
    }
}

impl Inner {
    /// Runs the transformer on valid token ids: `n` lists → `[n, dim]`, row-major.
    fn encode_ids(&self, ids: &[Vec<u32>], buffers: &mut Buffers) -> Result<Vec<f32>, EncodeError> {
        let vectors = self.transformer.forward(ids, buffers)?;
        if vectors.iter().all(|value| value.is_finite()) {
            Ok(vectors)
        } else {
            Err(EncodeError::NotFinite)
        }
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
