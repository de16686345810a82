use super::{AdamW, FineTuner, product::Packed, tape::Network};
use crate::EncodeError;
use nearsay_core::matrix::{Matrix, ShapeError};
use nearsay_model::BertConfig;
use std::ops::Range;

/// Tokens whose way back is computed at once on a core, unless a single text has more.
const PART: usize = 1_536;

/// For each worker the numbers of the texts in each of its parts.
pub(super) type Parts = Vec<Vec<Range<usize>>>;

/// A loss of embeddings: `[n, d]` to its value and its gradient, `[n, d]`.
pub type EmbeddingLoss<'a, E> = dyn FnMut(&Matrix) -> Result<(f32, Matrix), E> + 'a;

impl FineTuner {
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
    pub(super) fn parts(&self, texts: &[&[u32]]) -> Parts {
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
    pub(super) fn forward(&mut self, texts: &[&[u32]]) -> Result<(Matrix, Parts), EncodeError> {
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

    pub(super) fn back(
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
