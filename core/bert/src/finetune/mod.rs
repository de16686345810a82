//! Fine-tuning of all weights of a BERT transformer on the CPU.
//!
//! [`FineTuner::step`] computes the embeddings of a batch, calls a loss function for their gradient, propagates it
//! back to the weights, and updates them with [`AdamW`]. Both passes are written by hand, without padding and with
//! fused operations; `DERIVATIONS.md` derives the gradients.
//!
//! | module | contents |
//! | --- | --- |
//! | `weights` | trained weights as lists of numbers, and their names in files |
//! | `product` | the three products of a linear layer, in `f32` or bfloat16 |
//! | `passes`, `attention` | forward and backward passes of the operations between the products |
//! | `tape` | forward and backward pass of some texts through all layers |
//! | `gradients` | gradients of all weights |
//! | `adamw` | the optimiser |
//! | `batch` | one step: a batch of texts shared among the cores |
//! | `update` | updating the weights |
//! | `state` | saving and restoring a training run; the weights as a file |
//!
//! There is no dropout. Each core processes its texts in parts of a limited number of tokens and runs the forward
//! pass of each part twice if it has several, so its memory doesn't grow with the batch (Chen et al., "Training deep
//! nets with sublinear memory cost", 2016).

mod adamw;
mod attention;
mod batch;
mod gradients;
mod passes;
mod product;
mod state;
mod tape;
mod update;
mod weights;

pub use adamw::AdamW;
pub use batch::EmbeddingLoss;
pub use product::MatmulPrecision;
pub use state::TunerState;

use super::EncodeError;
use super::ragged::fits;
use super::tokenize::TextTokenizer;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use gradients::Gradients;
use nearsay_model::{BertConfig, ModelFiles, Pooling};
use product::Packed;
use std::sync::Mutex;
use tape::Tape;
use weights::{DOWN, OUT, QKV, TOKENS, UP, list_index};

/// Trains a BERT transformer with mean pooling, on the CPU.
pub struct FineTuner {
    tokenizer: TextTokenizer,
    config: BertConfig,
    /// First layer that is trained; with 0 the embeddings are trained too.
    first: usize,
    lists: Vec<Vec<f32>>,
    packed: Vec<[Packed; 4]>,
    /// Moments of each list; empty for lists that aren't trained.
    first_moments: Vec<Vec<f32>>,
    second_moments: Vec<Vec<f32>>,
    steps: u64,
    workers: Vec<Worker>,
}

struct Worker {
    tape: Tape,
    gradients: Gradients,
}

impl FineTuner {
    /// Loads a model to train its layers from `first` (counted from 0) to the last. With `first` 0 the embeddings are
    /// trained too.
    ///
    /// Each batch is shared by `threads` workers; 0 means one per core. For a given number of workers, training is
    /// deterministic: equal batches give bitwise equal weights.
    ///
    /// # Errors
    /// If the files can't be used, or with [`EncodeError::NotTrainable`] if the transformer has no layer `first` or an
    /// unsupported shape. Supported are exact GELU, widths in multiples of 16, heads in multiples of 32, and mean
    /// pooling.
    pub fn load(
        files: &ModelFiles<'_>,
        first: usize,
        precision: MatmulPrecision,
        threads: usize,
    ) -> Result<Self, EncodeError> {
        let config = files.config()?;
        let settings = files.settings()?;
        if !fits(&config) {
            return Err(EncodeError::NotTrainable(
                "exact GELU and widths in multiples of 16",
            ));
        }
        if settings.pooling != Pooling::Mean {
            return Err(EncodeError::NotTrainable("mean pooling"));
        }
        if first >= config.layers {
            return Err(EncodeError::NotTrainable("a layer to train"));
        }
        let (bytes, prefix) = files.weights()?;
        let mut builder = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)?;
        if let Some(prefix) = prefix.strip_suffix('.') {
            builder = builder.pp(prefix);
        }
        let lists = weights::load(&config, &builder)?;
        let tokenizer = TextTokenizer::parse(&files.tokenizer()?, &settings, config.vocab_size)?;
        Ok(Self::new(
            tokenizer, config, lists, first, precision, threads,
        ))
    }

    fn new(
        tokenizer: TextTokenizer,
        config: BertConfig,
        lists: Vec<Vec<f32>>,
        first: usize,
        precision: MatmulPrecision,
        threads: usize,
    ) -> Self {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let packed = (0..config.layers).map(|_| {
            [
                Packed::new(precision, 3 * hidden, hidden),
                Packed::new(precision, hidden, hidden),
                Packed::new(precision, wide, hidden),
                Packed::new(precision, hidden, wide),
            ]
        });
        let mut moments = Gradients::zeros(&lists, first).lists;
        if first == 0 {
            moments[TOKENS] = vec![0.0; lists[TOKENS].len()];
        }
        let threads = if threads == 0 {
            std::thread::available_parallelism().map_or(1, usize::from)
        } else {
            threads
        };
        let workers = (0..threads).map(|_| Worker {
            tape: Tape::default(),
            gradients: Gradients::zeros(&lists, first),
        });
        let mut tuner = Self {
            tokenizer,
            first,
            packed: packed.collect(),
            first_moments: moments.clone(),
            second_moments: moments,
            steps: 0,
            workers: workers.collect(),
            config,
            lists,
        };
        tuner.pack(0);
        tuner
    }

    /// Length of an embedding.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.config.hidden_size
    }

    /// Tokenizes one text: its token ids, special tokens included, truncated to the model's maximum length.
    ///
    /// # Errors
    /// If the tokenizer fails.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.tokenizer.token_ids(text)
    }

    /// Packs the weights of the layers from `first` to the last, on all workers.
    fn pack(&mut self, first: usize) {
        let (hidden, wide, lists) = (
            self.config.hidden_size,
            self.config.intermediate_size,
            &self.lists,
        );
        let layers = self.packed.iter_mut().enumerate().skip(first);
        let jobs: Vec<_> = layers
            .flat_map(|(layer, packed)| {
                let lists = [QKV, OUT, UP, DOWN].map(|list| &lists[list_index(layer, list)]);
                packed
                    .iter_mut()
                    .zip(lists)
                    .zip([hidden, hidden, hidden, wide])
            })
            .collect();
        let queue = Mutex::new(jobs.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..self.workers.len() {
                scope.spawn(|| {
                    loop {
                        let next = queue.lock().ok().and_then(|mut queue| queue.next());
                        let Some(((packed, weights), inner)) = next else {
                            return;
                        };
                        packed.update(weights, inner);
                    }
                });
            }
        });
    }
}

#[cfg(test)]
mod tests;
