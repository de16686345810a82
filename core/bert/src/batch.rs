//! Dividing texts into batches.

use super::EncodeError;
use super::tokenize::TextTokenizer;

/// Token ids of some texts.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Indices of the texts in the caller's list.
    pub(super) indices: Vec<usize>,
    /// Token ids of each text.
    pub(super) ids: Vec<Vec<u32>>,
}

/// Divides texts into batches of similar lengths, the longest texts first.
///
/// A text is tokenized when its batch is requested, so the ids of all texts are never in memory together.
pub(super) struct Batcher<T> {
    texts: Vec<T>,
    /// Indices of the remaining texts; the last one is next.
    remaining: Vec<usize>,
    /// Maximum number of tokens in a batch, which only a single text may exceed.
    max_tokens: usize,
    /// A tokenized text that didn't fit the previous batch.
    pending: Option<(usize, Vec<u32>)>,
}

/// Approximate bytes in a token; only balances the work.
const BYTES_PER_TOKEN: usize = 4;

impl<T: AsRef<str>> Batcher<T> {
    /// Prepares at least `min_batches` batches of up to `max_tokens` tokens. No text has more than `max_text_tokens`
    /// tokens.
    pub(super) fn new(
        texts: Vec<T>,
        min_batches: usize,
        max_tokens: usize,
        max_text_tokens: usize,
    ) -> Self {
        let total: usize = texts
            .iter()
            .map(|text| (text.as_ref().len() / BYTES_PER_TOKEN + 2).min(max_text_tokens))
            .sum();
        let mut remaining: Vec<usize> = (0..texts.len()).rev().collect();
        // A stable sort keeps the order of texts of equal length.
        remaining.sort_by_key(|index| texts[*index].as_ref().len());
        Self {
            texts,
            remaining,
            max_tokens: max_tokens.min(total.div_ceil(min_batches.max(1))).max(1),
            pending: None,
        }
    }

    /// Tokenizes the next batch; `None` if no texts are left.
    pub(super) fn next_batch(
        &mut self,
        tokenizer: &TextTokenizer,
    ) -> Result<Option<Batch>, EncodeError> {
        let mut batch = Batch::default();
        let mut tokens = 0;
        loop {
            let (index, ids) = match self.pending.take() {
                Some(pending) => pending,
                None => match self.remaining.pop() {
                    Some(index) => (index, tokenizer.token_ids(self.texts[index].as_ref())?),
                    None => break,
                },
            };
            tokens += ids.len();
            if tokens > self.max_tokens && !batch.indices.is_empty() {
                self.pending = Some((index, ids));
                break;
            }
            batch.indices.push(index);
            batch.ids.push(ids);
        }
        Ok((!batch.indices.is_empty()).then_some(batch))
    }
}
