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
//!
//! There is no dropout. Texts are shared among the cores in parts of at most [`PART`] tokens; a core
//! that has several computes their way there twice, so that memory is that of one part a core, however
//! large the batch is (Chen et al., "Training deep nets with sublinear memory cost", 2016).

mod adamw;
mod attention;
mod passes;
mod product;
mod tape;
mod weights;

pub use adamw::AdamW;
pub use product::Products;

use super::EncodeError;
use super::ragged::fits;
use super::tokenize::Texts;
use crate::matrix::{Matrix, ShapeError};
use crate::model::{BertConfig, ModelFiles, Pooling};
use adamw::Update;
use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use product::Packed;
use safetensors::{Dtype, SafeTensorError, tensor::TensorView};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use tape::{Gradients, Network, Tape};
use weights::{DOWN, OUT, QKV, UP, WORDS, is_matrix, place};

/// Tokens whose way back is computed at once on a core, unless a single text has more.
const PART: usize = 1_536;

/// For each worker the numbers of the texts in each of its parts.
type Parts = Vec<Vec<Range<usize>>>;

/// A loss of embeddings: `[n, d]` to its value and its gradient, `[n, d]`.
pub type EmbeddingLoss<'a, E> = dyn FnMut(&Matrix) -> Result<(f32, Matrix), E> + 'a;

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

/// Where a network stands in its training: a list of numbers for each of its weights that learns.
#[derive(Clone, Debug, PartialEq)]
pub struct TunerState {
    /// The weights.
    pub weights: Vec<Vec<f32>>,
    /// Running means of their gradients.
    pub first: Vec<Vec<f32>>,
    /// Running means of their gradients' squares.
    pub second: Vec<Vec<f32>>,
    /// Steps taken.
    pub steps: u64,
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

    /// The weights as the tensors of a safetensors file: name, shape, numbers row by row.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Vec<usize>, &[f32])> {
        weights::tensors(&self.config, &self.lists)
    }

    /// The weights as the bytes of a safetensors file of the BERT family, in `f32`.
    ///
    /// # Errors
    /// When the file cannot be put together.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, EncodeError> {
        let tensors = self.tensors();
        let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
            .into_iter()
            .map(|(name, shape, numbers)| {
                let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
                (name, shape, bytes.collect())
            })
            .collect();
        let views = bytes.iter().map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        });
        let views: Result<Vec<_>, SafeTensorError> = views.collect();
        // Transformers 4.41 and others of its time read no file that does not say whose layout it has.
        let layout = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        let file = views.and_then(|views| safetensors::serialize(views, Some(layout)));
        file.map_err(|error| EncodeError::Tensor(candle_core::Error::wrap(error)))
    }

    /// The token ids of one text, special tokens included, cut to the model's length.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn token_ids(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        self.texts.ids(text)
    }

    /// What learns, what the optimiser remembers of it, and the steps taken.
    #[must_use]
    pub fn state(&self) -> TunerState {
        let learning = self.learning();
        let copy = |lists: &[Vec<f32>]| learning.iter().map(|&list| lists[list].clone()).collect();
        TunerState {
            weights: copy(&self.lists),
            first: copy(&self.first_moments),
            second: copy(&self.second_moments),
            steps: self.steps,
        }
    }

    /// Goes back or on to a state.
    ///
    /// # Errors
    /// When it is one of another network, or of other layers that learn.
    pub fn set_state(&mut self, state: &TunerState) -> Result<(), ShapeError> {
        let learning = self.learning();
        for from in [&state.weights, &state.first, &state.second] {
            let own = learning.iter().map(|&list| self.lists[list].len());
            if !own.eq(from.iter().map(Vec::len)) {
                return Err(ShapeError {
                    operation: "state of a network",
                    left: (learning.len(), self.dim()),
                    right: (from.len(), 0),
                });
            }
        }
        for (to, from) in [
            (&mut self.lists, &state.weights),
            (&mut self.first_moments, &state.first),
            (&mut self.second_moments, &state.second),
        ] {
            for (&list, from) in learning.iter().zip(from) {
                to[list].clone_from(from);
            }
        }
        self.steps = state.steps;
        self.pack(self.first);
        Ok(())
    }

    /// Numbers of the lists that learn.
    fn learning(&self) -> Vec<usize> {
        let moments = self.first_moments.iter().enumerate();
        let learning = moments.filter(|(_, moments)| !moments.is_empty());
        learning.map(|(list, _)| list).collect()
    }

    /// The embeddings of texts as things stand, `[n, dim]`, averaged but not normalised. Texts are token
    /// ids, special tokens included.
    ///
    /// # Errors
    /// When a text is empty, too long, or has an id outside the vocabulary.
    pub fn embed(&mut self, texts: &[&[u32]]) -> Result<Matrix, EncodeError> {
        self.check(texts)?;
        let (embeddings, _) = self.forward(texts)?;
        Ok(embeddings)
    }

    /// One step: embeds the texts of a batch, asks for the loss of the embeddings and changes the
    /// weights to make that smaller; changes nothing when the loss or its gradient is not finite.
    /// Returns the loss before the step.
    ///
    /// # Errors
    /// Those of [`embed`](Self::embed); the loss's; when its gradient has another shape than the
    /// embeddings.
    pub fn step<E: From<EncodeError>>(
        &mut self,
        texts: &[&[u32]],
        optimizer: AdamW,
        loss: &mut EmbeddingLoss<'_, E>,
    ) -> Result<f32, E> {
        self.check(texts)?;
        let (embeddings, parts) = self.forward(texts)?;
        let (value, gradient) = loss(&embeddings)?;
        if !value.is_finite() || !gradient.is_finite() {
            return Ok(value);
        }
        let shape = |matrix: &Matrix| (matrix.rows(), matrix.columns());
        if shape(&gradient) != shape(&embeddings) {
            return Err(EncodeError::from(ShapeError {
                operation: "gradient of embeddings",
                left: shape(&gradient),
                right: shape(&embeddings),
            })
            .into());
        }
        self.back(texts, &parts, &gradient)?;
        self.update(optimizer);
        Ok(value)
    }

    /// Whether texts can be embedded.
    ///
    /// # Errors
    /// As [`embed`](Self::embed).
    pub fn check(&self, texts: &[&[u32]]) -> Result<(), EncodeError> {
        let longest = self.config.max_positions;
        let vocabulary = self.config.vocab_size;
        for text in texts {
            let reason = if text.is_empty() || text.len() > longest {
                format!(
                    "{} tokens at once; the model takes 1 to {longest}",
                    text.len()
                )
            } else if let Some(id) = text.iter().find(|&&id| id as usize >= vocabulary) {
                format!("token {id} lies outside the network's {vocabulary} tokens")
            } else {
                continue;
            };
            return Err(EncodeError::Tokenizer(reason));
        }
        Ok(())
    }

    /// Texts by worker and part: neighbours in the batch, of about as many tokens for each worker.
    fn parts(&self, texts: &[&[u32]]) -> Parts {
        let total: usize = texts.iter().map(|text| text.len()).sum();
        let workers = self.workers.len();
        let mut parts = vec![Vec::new(); workers];
        let (mut start, mut seen, mut tokens) = (0, 0, 0);
        for (number, text) in texts.iter().enumerate() {
            // A text belongs to the worker in whose share its middle lies.
            let worker = |before: usize, len: usize| {
                ((2 * before + len) * workers / (2 * total).max(1)).min(workers - 1)
            };
            let here = worker(seen, text.len());
            let before = number.checked_sub(1).map(|n| texts[n].len());
            let changes = before.is_some_and(|len| worker(seen - len, len) != here);
            if number > start && (changes || tokens + text.len() > PART) {
                let last = before.map_or(here, |len| worker(seen - len, len));
                parts[last].push(start..number);
                (start, tokens) = (number, 0);
            }
            seen += text.len();
            tokens += text.len();
            if number + 1 == texts.len() {
                parts[here].push(start..number + 1);
            }
        }
        parts
    }

    /// All texts' embeddings, and how they were shared out.
    fn forward(&mut self, texts: &[&[u32]]) -> Result<(Matrix, Parts), EncodeError> {
        let parts = self.parts(texts);
        let hidden = self.dim();
        let mut pooled = vec![0f32; texts.len() * hidden];
        let mut rest = &mut pooled[..];
        let mut shares = Vec::new();
        for parts in &parts {
            let count: usize = parts.iter().map(|part| part.len()).sum();
            let (share, after) = rest.split_at_mut(count * hidden);
            shares.push(share);
            rest = after;
        }
        let network = network(&self.config, &self.lists, &self.packed, self.first);
        let jobs = self.workers.iter_mut().zip(&parts).zip(shares);
        all(jobs.map(|((worker, parts), share)| {
            move || {
                let mut share = share;
                for part in parts {
                    let (here, after) = share.split_at_mut(part.len() * hidden);
                    worker.tape.forward(network, &texts[part.clone()], here)?;
                    share = after;
                }
                Ok(())
            }
        }))?;
        Ok((Matrix::new(texts.len(), hidden, pooled)?, parts))
    }

    fn back(
        &mut self,
        texts: &[&[u32]],
        parts: &Parts,
        gradient: &Matrix,
    ) -> Result<(), EncodeError> {
        let hidden = self.dim();
        let network = network(&self.config, &self.lists, &self.packed, self.first);
        let jobs = self.workers.iter_mut().zip(parts);
        all(jobs.map(|(worker, parts)| {
            move || {
                worker.gradients.clear();
                let mut again = Vec::new();
                for part in parts {
                    let part_texts = &texts[part.clone()];
                    if parts.len() > 1 {
                        again.resize(part.len() * hidden, 0.0);
                        worker.tape.forward(network, part_texts, &mut again)?;
                    }
                    let d = &gradient.data()[part.start * hidden..part.end * hidden];
                    worker
                        .tape
                        .back(network, part_texts, d, &mut worker.gradients)?;
                }
                Ok(())
            }
        }))
    }

    /// AdamW with the workers' gradients, summed in their order.
    fn update(&mut self, optimizer: AdamW) {
        self.steps += 1;
        let words = self.word_gradients();
        let hidden = self.config.hidden_size;
        let moments = self.first_moments.iter_mut().zip(&mut self.second_moments);
        let lists = self.lists.iter_mut().zip(moments).enumerate();
        let mut updates = Vec::new();
        let workers = &self.workers;
        for (list, (weights, (first, second))) in lists {
            if first.is_empty() {
                continue;
            }
            let step = optimizer.at(self.steps, is_matrix(list));
            // Pieces of one row or more, so that the cores can share them.
            let piece = if list == WORDS { hidden } else { 1 << 16 };
            let moments = first.chunks_mut(piece).zip(second.chunks_mut(piece));
            for (number, (weights, (first, second))) in
                weights.chunks_mut(piece).zip(moments).enumerate()
            {
                let from = number * piece;
                let gradients: Vec<&[f32]> = match list {
                    WORDS => words.row(number).into_iter().collect(),
                    _ => workers
                        .iter()
                        .map(|worker| &worker.gradients.lists[list][from..from + weights.len()])
                        .collect(),
                };
                updates.push((step, weights, first, second, gradients));
            }
        }
        let queue = Mutex::new(updates.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..workers.len() {
                scope.spawn(|| {
                    loop {
                        let batch: Vec<_> = match queue.lock() {
                            Ok(mut queue) => queue.by_ref().take(64).collect(),
                            Err(_) => return,
                        };
                        if batch.is_empty() {
                            return;
                        }
                        for (step, weights, first, second, gradients) in batch {
                            Update {
                                step,
                                weights,
                                first,
                                second,
                                gradients: &gradients,
                            }
                            .run();
                        }
                    }
                });
            }
        });
        self.pack(self.first);
    }

    /// The gradients of the words' rows, those of the tokens of one word summed in their order.
    fn word_gradients(&self) -> WordGradients {
        let hidden = self.config.hidden_size;
        let mut sums = WordGradients {
            places: vec![None; self.config.vocab_size],
            rows: Vec::new(),
            hidden,
        };
        for worker in &self.workers {
            let gradients = &worker.gradients;
            for (&id, row) in gradients
                .tokens
                .iter()
                .zip(gradients.words.chunks_exact(hidden))
            {
                let next = sums.rows.len();
                match sums.places[id as usize] {
                    Some(place) => {
                        let sum: &mut [f32] = &mut sums.rows[place..place + hidden];
                        sum.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
                    }
                    None => {
                        sums.places[id as usize] = Some(next);
                        sums.rows.extend_from_slice(row);
                    }
                }
            }
        }
        sums
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

/// A tuner's network as the ways see it; not a method, since its workers are borrowed beside it.
fn network<'a>(
    config: &BertConfig,
    lists: &'a [Vec<f32>],
    packed: &'a [[Packed; 4]],
    first: usize,
) -> Network<'a> {
    Network {
        lists,
        packed,
        hidden: config.hidden_size,
        wide: config.intermediate_size,
        heads: config.heads,
        eps: config.layer_norm_eps as f32,
        first,
    }
}

struct WordGradients {
    /// Where a word's row starts; none when no text has it.
    places: Vec<Option<usize>>,
    rows: Vec<f32>,
    hidden: usize,
}

impl WordGradients {
    fn row(&self, word: usize) -> Option<&[f32]> {
        let place = self.places[word]?;
        Some(&self.rows[place..place + self.hidden])
    }
}

/// Runs each on a thread of its own; the first error, if one failed.
fn all<F>(jobs: impl Iterator<Item = F>) -> Result<(), EncodeError>
where
    F: FnOnce() -> Result<(), ShapeError> + Send,
{
    std::thread::scope(|scope| {
        let threads: Vec<_> = jobs.map(|job| scope.spawn(job)).collect();
        for thread in threads {
            thread.join().map_err(|_| EncodeError::Panicked)??;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
