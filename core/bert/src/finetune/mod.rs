//! Fine-tuning: a BERT network whose own weights learn.
//!
//! Autograd would keep every intermediate tensor of every operation and pass over memory once for
//! each; here both ways are written out, without filling up texts to one length, fused as in the
//! network that is only read. The gradient of the loss with respect to the texts' embeddings comes
//! from outside; what it means for the weights is computed here.
//!
//! | module | holds |
//! | --- | --- |
//! | [`weights`] | the lists of numbers that learn, and their names in files |
//! | [`product`] | the three products of a linear layer, in `f32` or bfloat16 |
//! | [`passes`], [`attention`] | what lies between the products, there and back |
//! | [`tape`] | the way of some texts there and back |
//! | [`adamw`] | the optimiser |
//! | [`batch`] | one step: a batch of texts shared among the cores |
//! | [`update`] | what a step changes |
//! | [`state`] | where a training stands, to go back or on to; the weights as a file |
//!
//! There is no dropout. Texts are shared among the cores in parts of at most [`PART`](batch::PART) tokens; a core
//! that has several computes their way there twice, so that memory is that of one part a core, however
//! large the batch is (Chen et al., "Training deep nets with sublinear memory cost", 2016).

mod adamw;
mod attention;
mod batch;
mod passes;
mod product;
mod state;
mod tape;
mod update;
mod weights;

pub use adamw::AdamW;
pub use batch::EmbeddingLoss;
pub use product::Products;
pub use state::TunerState;

use super::EncodeError;
use super::ragged::fits;
use super::tokenize::Texts;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use nearsay_model::{BertConfig, ModelFiles, Pooling};
use product::Packed;
use std::sync::Mutex;
use tape::{Gradients, Tape};
use weights::{DOWN, OUT, QKV, UP, WORDS, place};

/// A BERT network with mean pooling that learns, on the processor.
pub struct FineTuner {
    texts: Texts,
    config: BertConfig,
    first: usize,
    lists: Vec<Vec<f32>>,
    packed: Vec<[Packed; 4]>,
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
    /// A model's network, whose layers from number `first` on learn; with 0 its embeddings learn too.
    ///
    /// `threads` workers share each batch, 0 for as many as there are cores. With the same number of
    /// them the same batches give the same weights, bit for bit.
    ///
    /// # Errors
    /// When the files cannot be used, when `first` is not a layer, or when the network has another
    /// shape than this is made for: exact GELU, widths in multiples of 16 (heads: 32), mean pooling.
    pub fn load(
        files: &ModelFiles<'_>,
        first: usize,
        products: Products,
        threads: usize,
    ) -> Result<Self, EncodeError> {
        let config = files.config()?;
        let settings = files.settings()?;
        let unfit = if !fits(&config) {
            "exact GELU and widths in multiples of 16"
        } else if settings.pooling != Pooling::Mean {
            "mean pooling"
        } else if first >= config.layers {
            "a layer to learn"
        } else {
            ""
        };
        if !unfit.is_empty() {
            let error =
                candle_core::Error::Msg(format!("fine-tuning needs a network with {unfit}"));
            return Err(error.into());
        }
        let (bytes, prefix) = files.weights()?;
        let mut builder = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu)?;
        if let Some(prefix) = prefix.strip_suffix('.') {
            builder = builder.pp(prefix);
        }
        let lists = weights::load(&config, &builder)?;
        let texts = Texts::read(&files.tokenizer()?, &settings, config.vocab_size)?;
        Ok(Self::new(texts, config, lists, first, products, threads))
    }

    fn new(
        texts: Texts,
        config: BertConfig,
        lists: Vec<Vec<f32>>,
        first: usize,
        products: Products,
        threads: usize,
    ) -> Self {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let packed = (0..config.layers).map(|_| {
            [
                Packed::new(products, 3 * hidden, hidden),
                Packed::new(products, hidden, hidden),
                Packed::new(products, wide, hidden),
                Packed::new(products, hidden, wide),
            ]
        });
        let moments = || {
            let gradients = Gradients::new(&lists, first).lists;
            let sizes = gradients.into_iter().enumerate();
            let zeros = sizes.map(|(list, zeros)| match list == WORDS && first == 0 {
                true => vec![0.0; lists[WORDS].len()],
                false => zeros,
            });
            zeros.collect::<Vec<_>>()
        };
        let threads = match threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        let workers = (0..threads).map(|_| Worker {
            tape: Tape::default(),
            gradients: Gradients::new(&lists, first),
        });
        let mut new = Self {
            texts,
            first,
            packed: packed.collect(),
            first_moments: moments(),
            second_moments: moments(),
            steps: 0,
            workers: workers.collect(),
            config,
            lists,
        };
        new.pack(0);
        new
    }

    /// Length of an embedding.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.config.hidden_size
    }

    /// The token ids of one text, special tokens included, cut to the model's length.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.texts.ids(text)
    }

    /// Brings the weights of the layers from `first` on into the order of their products.
    fn pack(&mut self, first: usize) {
        let (hidden, wide, lists) = (
            self.config.hidden_size,
            self.config.intermediate_size,
            &self.lists,
        );
        let layers = self.packed.iter_mut().enumerate().skip(first);
        let jobs: Vec<_> = layers
            .flat_map(|(layer, packed)| {
                let lists = [QKV, OUT, UP, DOWN].map(|list| &lists[place(layer, list)]);
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
