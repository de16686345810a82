//! One training step: a batch of texts shared among the cores.

use super::{AdamW, FineTuner, product::Packed, tape::Transformer};
use crate::EncodeError;
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_model::BertConfig;
use std::ops::Range;

/// Maximum number of tokens in a part, which only a single text may exceed. A core keeps the intermediate results of
/// one part at a time.
const PART: usize = 1_536;

/// Parts of each worker, as ranges of texts.
pub(super) type Parts = Vec<Vec<Range<usize>>>;

/// A loss function of embeddings, `[n, d]`: returns its value and its gradient, `[n, d]`.
pub type EmbeddingLoss<'a, E> = dyn FnMut(&Matrix) -> Result<(f32, Matrix), E> + 'a;

impl FineTuner {
    /// Encodes texts with the current weights: `n` lists of token ids, special tokens included → `[n, dim]`, pooled
    /// by the mean and not normalised.
    ///
    /// # Errors
    /// If a text is empty or too long, or if an id is outside the vocabulary.
    pub fn embed(&mut self, texts: &[&[u32]]) -> Result<Matrix, EncodeError> {
        self.check(texts)?;
        let (embeddings, _) = self.forward(texts)?;
        Ok(embeddings)
    }

    /// One optimiser step on a batch of texts. Returns the loss before the step.
    ///
    /// The weights stay unchanged if the loss or its gradient is not finite.
    ///
    /// # Errors
    /// Those of [`embed`](Self::embed) and of `loss`, and an error if the gradient doesn't have the shape of the
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
        self.backward(texts, &parts, &gradient)?;
        self.update_weights(optimizer);
        Ok(value)
    }

    /// Checks that texts can be encoded.
    ///
    /// # Errors
    /// If a text is empty or too long, or if an id is outside the vocabulary.
    pub fn check(&self, texts: &[&[u32]]) -> Result<(), EncodeError> {
        let longest = self.config.max_positions;
        let vocabulary = self.config.vocab_size;
        for text in texts {
            let reason = if text.is_empty() || text.len() > longest {
                format!(
                    "a text has {} tokens; the model accepts 1 to {longest}",
                    text.len()
                )
            } else if let Some(id) = text.iter().find(|&&id| id as usize >= vocabulary) {
                format!("token {id} is outside the vocabulary of {vocabulary} tokens")
            } else {
                continue;
            };
            return Err(EncodeError::TokenIds(reason));
        }
        Ok(())
    }

    /// Divides texts among the workers, in order, with about the same number of tokens for each worker, and divides
    /// the texts of each worker into parts.
    pub(super) fn divide(&self, texts: &[&[u32]]) -> Parts {
        let total: usize = texts.iter().map(|text| text.len()).sum();
        let workers = self.workers.len();
        let mut parts = vec![Vec::new(); workers];
        let (mut start, mut seen, mut tokens) = (0, 0, 0);
        for (number, text) in texts.iter().enumerate() {
            // A text belongs to the worker whose share of the tokens contains its middle.
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

    /// Forward pass: returns the embeddings of all texts and their division into parts.
    pub(super) fn forward(&mut self, texts: &[&[u32]]) -> Result<(Matrix, Parts), EncodeError> {
        let parts = self.divide(texts);
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
        let transformer = borrow_transformer(&self.config, &self.lists, &self.packed, self.first);
        let jobs = self.workers.iter_mut().zip(&parts).zip(shares);
        run_all(jobs.map(|((worker, parts), share)| {
            move || {
                let mut share = share;
                for part in parts {
                    let (here, after) = share.split_at_mut(part.len() * hidden);
                    worker
                        .tape
                        .forward(transformer, &texts[part.clone()], here)?;
                    share = after;
                }
                Ok(())
            }
        }))?;
        Ok((Matrix::new(texts.len(), hidden, pooled)?, parts))
    }

    /// Backward pass, given the gradient of the embeddings. A worker with several parts runs their forward passes
    /// again.
    pub(super) fn backward(
        &mut self,
        texts: &[&[u32]],
        parts: &Parts,
        gradient: &Matrix,
    ) -> Result<(), EncodeError> {
        let hidden = self.dim();
        let transformer = borrow_transformer(&self.config, &self.lists, &self.packed, self.first);
        let jobs = self.workers.iter_mut().zip(parts);
        run_all(jobs.map(|(worker, parts)| {
            move || {
                worker.gradients.clear();
                let mut pooled = Vec::new();
                for part in parts {
                    let part_texts = &texts[part.clone()];
                    if parts.len() > 1 {
                        pooled.resize(part.len() * hidden, 0.0);
                        worker.tape.forward(transformer, part_texts, &mut pooled)?;
                    }
                    let d = &gradient.data()[part.start * hidden..part.end * hidden];
                    worker
                        .tape
                        .backward(transformer, part_texts, d, &mut worker.gradients)?;
                }
                Ok(())
            }
        }))
    }
}

/// Borrows the weights of a tuner. A free function, because the workers are mutably borrowed at the same time.
fn borrow_transformer<'a>(
    config: &BertConfig,
    lists: &'a [Vec<f32>],
    packed: &'a [[Packed; 4]],
    first: usize,
) -> Transformer<'a> {
    Transformer {
        lists,
        packed,
        hidden: config.hidden_size,
        wide: config.intermediate_size,
        heads: config.heads,
        eps: config.layer_norm_eps as f32,
        first,
    }
}

/// Runs each job on a thread of its own and returns the first error.
fn run_all<F>(jobs: impl Iterator<Item = F>) -> Result<(), EncodeError>
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
