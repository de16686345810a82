//! Cutting a list of texts into batches.

use super::EncodeError;
use super::tokenize::Texts;

/// Some texts' token ids, with the places of the texts in the list they came from.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Where each text stands in the list.
    pub(super) places: Vec<usize>,
    /// Its token ids.
    pub(super) ids: Vec<Vec<u32>>,
}

/// Hands out batches of texts of about the same length, the longest first.
///
/// Texts are tokenized when their batch is asked for: that costs a hundredth of the network's time,
/// and so needs neither a pass of its own nor memory for all ids.
pub(super) struct Feeder<T> {
    texts: Vec<T>,
    /// Places of the texts not yet handed out; the next is the last.
    waiting: Vec<usize>,
    /// A batch has no more tokens than this, unless a single text has.
    budget: usize,
    /// Read too far: belongs to the next batch.
    left: Option<(usize, Vec<u32>)>,
}

/// A token has about four letters; this only balances the work.
const BYTES_PER_TOKEN: usize = 4;

impl<T: AsRef<str>> Feeder<T> {
    /// `shares` is how many batches there should be at least, `max_tokens` how long a text can be.
    pub(super) fn new(texts: Vec<T>, shares: usize, budget: usize, max_tokens: usize) -> Self {
        let size = |text: &T| (text.as_ref().len() / BYTES_PER_TOKEN + 2).min(max_tokens);
        let total: usize = texts.iter().map(size).sum();
        let mut waiting: Vec<usize> = (0..texts.len()).rev().collect();
        // Stable: among texts of one length the order stays.
        waiting.sort_by_key(|place| texts[*place].as_ref().len());
        Self {
            texts,
            waiting,
            budget: budget.min(total.div_ceil(shares.max(1))).max(1),
            left: None,
        }
    }

    /// The next batch; nothing when all texts were handed out.
    pub(super) fn next(&mut self, tokenizer: &Texts) -> Result<Option<Batch>, EncodeError> {
        let mut batch = Batch::default();
        let mut tokens = 0;
        loop {
            let (place, ids) = match self.left.take() {
                Some(left) => left,
                None => match self.waiting.pop() {
                    Some(place) => (place, tokenizer.ids(self.texts[place].as_ref())?),
                    None => break,
                },
            };
            tokens += ids.len();
            if tokens > self.budget && !batch.places.is_empty() {
                self.left = Some((place, ids));
                break;
            }
            batch.places.push(place);
            batch.ids.push(ids);
        }
        Ok((!batch.places.is_empty()).then_some(batch))
    }
}
