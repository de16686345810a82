//! BERT's uncased WordPiece tokenizer, without an operating system.
//!
//! For any text, [`WordPiece`] returns the token ids of the `tokenizers` crate 0.23.2 with a
//! `BertNormalizer` (all options on), a `BertPreTokenizer` and a `WordPiece` model, without that
//! crate's dependencies:
//!
//! 1. The literal strings `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` are special tokens.
//! 2. The rest is normalised: control characters are removed, ideographs are separated by spaces,
//!    accents are stripped by canonical decomposition (NFD), and letters are lowercased. It is split at
//!    white space, and each punctuation mark is a word.
//! 3. Each word is split greedily into the longest matching tokens from the left; tokens after the
//!    first are written `##…`. A word without such a split, or with more than [`MAX_WORD_CHARS`]
//!    characters, is `[UNK]`.
//!
//! Character properties come from generated tables (`tests/src/unicode_tables.rs`) that match the
//! Unicode versions of the `tokenizers` dependencies, which are older than the current one. Lowercasing
//! and white space use `core`, like the crate.
//!
//! Source: Wu et al., *Google's Neural Machine Translation System*, 2016 (WordPiece); Devlin et al.,
//! *BERT*, 2018; `tokenizers` 0.23.2, `normalizers/bert.rs`, `pre_tokenizers/bert.rs`,
//! `models/wordpiece/mod.rs`, `tokenizer/added_vocabulary.rs`.

mod characters;
#[rustfmt::skip] // Generated, with many values per line.
mod tables;
#[cfg(test)]
mod tests;
mod vocabulary;
mod word_splitter;

pub use vocabulary::{Vocabulary, VocabularyError};

use alloc::vec::Vec;
use vocabulary::{CONTINUATION_HASH, EMPTY_HASH, UNKNOWN, extend_hash};
use word_splitter::WordSplitter;

/// Maximum number of characters of a word; longer words are `[UNK]`, as in BERT.
pub const MAX_WORD_CHARS: usize = 100;

/// Tokens that are matched literally, before normalisation.
const SPECIAL: [&str; 5] = ["[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]"];

/// BERT's uncased tokenizer with a vocabulary.
///
/// ```
/// use nearsay_text::wordpiece::{Vocabulary, WordPiece};
///
/// let tokenizer = WordPiece::new(Vocabulary::parse("[UNK]\nlate\n##r\nfee\n##s\n?")?);
/// assert_eq!(tokenizer.ids("Later fées?"), [1, 2, 3, 4, 5]);
/// assert_eq!(tokenizer.ids("never"), [0]);
/// # Ok::<(), nearsay_text::wordpiece::VocabularyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WordPiece {
    vocabulary: Vocabulary,
    unknown: u32,
    special: Vec<(&'static str, u32)>,
}

impl WordPiece {
    /// Creates a tokenizer that lowercases, strips accents, cleans text and separates ideographs.
    #[must_use]
    pub fn new(vocabulary: Vocabulary) -> Self {
        let special = SPECIAL
            .into_iter()
            .filter_map(|token| Some((token, vocabulary.id(token)?)))
            .collect();
        Self {
            unknown: vocabulary.unknown(),
            special,
            vocabulary,
        }
    }

    /// Vocabulary of the tokenizer.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Token ids of a text, without `[CLS]` and `[SEP]`.
    #[must_use]
    pub fn ids(&self, text: &str) -> Vec<u32> {
        // English has about one token per four or five bytes.
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        self.ids_into(text, &mut ids);
        ids
    }

    /// Appends the token ids of a text to `ids`, without `[CLS]` and `[SEP]`.
    pub fn ids_into(&self, text: &str, ids: &mut Vec<u32>) {
        let mut splitter = WordSplitter::default();
        let mut prefixes = Vec::new();
        let mut rest = text;
        loop {
            let special = self.find_special(rest);
            let before = &rest[..special.map_or(rest.len(), |(at, ..)| at)];
            splitter.for_each_word(before, |word| self.push_tokens(word, ids, &mut prefixes));
            let Some((at, token, id)) = special else {
                return;
            };
            ids.push(id);
            rest = &rest[at + token.len()..];
        }
    }

    /// Finds the first special token of a text: its position, its text and its id.
    fn find_special(&self, text: &str) -> Option<(usize, &'static str, u32)> {
        text.match_indices('[').find_map(|(at, _)| {
            let &(token, id) = self
                .special
                .iter()
                .find(|(token, _)| text[at..].starts_with(token))?;
            Some((at, token, id))
        })
    }

    /// Splits a word into tokens and appends their ids. `prefixes` is a reused buffer.
    fn push_tokens(&self, word: &str, ids: &mut Vec<u32>, prefixes: &mut Vec<(usize, u32)>) {
        let bytes = word.as_bytes();
        if bytes.len() > MAX_WORD_CHARS && word.chars().count() > MAX_WORD_CHARS {
            ids.push(self.unknown);
            return;
        }
        // Most words are single tokens.
        if let Some(id) = self.vocabulary.id(word) {
            ids.push(id);
            return;
        }
        let before = ids.len();
        let mut start = 0;
        while start < bytes.len() {
            let Some((id, end)) = self.find_longest(word, start, prefixes) else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            start = end;
        }
    }

    /// Finds the longest token at byte `start` of a word; returns its id and its end.
    fn find_longest(
        &self,
        word: &str,
        start: usize,
        prefixes: &mut Vec<(usize, u32)>,
    ) -> Option<(u32, usize)> {
        let continued = start > 0;
        let mut hash = if continued {
            CONTINUATION_HASH
        } else {
            EMPTY_HASH
        };
        prefixes.clear();
        // The hash is incremental, so hashing all prefixes takes one pass.
        for (at, c) in word[start..].char_indices() {
            let (from, to) = (start + at, start + at + c.len_utf8());
            if to - start > self.vocabulary.max_token_bytes() {
                break;
            }
            hash = extend_hash(hash, &word.as_bytes()[from..to]);
            prefixes.push((to, hash));
        }
        prefixes.iter().rev().find_map(|&(end, hash)| {
            let piece = &word.as_bytes()[start..end];
            Some((self.vocabulary.find(hash, continued, piece)?, end))
        })
    }
}
