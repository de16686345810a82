//! Layer 3: texts to token ids, by the uncased WordPiece of BERT.
//!
//! [`WordPiece`] gives the ids that the `tokenizers` crate 0.23.2 gives for a `BertNormalizer` with
//! everything on, a `BertPreTokenizer` and a `WordPiece` model, on any text, without an operating
//! system and without the crates below it:
//!
//! 1. `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]`, written exactly so, are themselves.
//! 2. Control characters go, ideographs stand alone, canonical decomposition (NFD) takes accents
//!    off, letters become small. The rest is cut at white space, and punctuation marks are words.
//! 3. Each word is cut into the longest tokens from the left, those after the first written `##…`.
//!    A word that cannot be cut so, or has more than [`MAX_WORD_CHARS`] characters, is `[UNK]`.
//!
//! Where Unicode decides, the crate's dependencies do so by tables of different ages, none of them
//! today's; ours are made from them (`tests/examples/unicode_tables.rs`). Small letters and white
//! space are `core`'s, as they are the crate's.
//!
//! Source: Wu et al., *Google's Neural Machine Translation System*, 2016 (WordPiece); Devlin et al.,
//! *BERT*, 2018; `tokenizers` 0.23.2, `normalizers/bert.rs`, `pre_tokenizers/bert.rs`,
//! `models/wordpiece/mod.rs`, `tokenizer/added_vocabulary.rs`.

mod characters;
#[rustfmt::skip] // Generated, many values a line.
mod tables;
#[cfg(test)]
mod tests;
mod vocabulary;
mod words;

pub use vocabulary::{Vocabulary, VocabularyError};

use alloc::vec::Vec;
use vocabulary::{CONTINUED, START, UNKNOWN, hash_on};
use words::Words;

/// Words of more characters than this are `[UNK]` without a look, as with BERT.
pub const MAX_WORD_CHARS: usize = 100;

/// Tokens that are found in a text as they are, before anything else is done to it.
const SPECIAL: [&str; 5] = ["[PAD]", UNKNOWN, "[CLS]", "[SEP]", "[MASK]"];

/// BERT's uncased tokenizer over a vocabulary.
///
/// ```
/// use crate::wordpiece::{Vocabulary, WordPiece};
///
/// let words = WordPiece::new(Vocabulary::parse("[UNK]\nlate\n##r\nfee\n##s\n?")?);
/// assert_eq!(words.ids("Later fées?"), [1, 2, 3, 4, 5]);
/// assert_eq!(words.ids("never"), [0]);
/// # Ok::<(), crate::wordpiece::VocabularyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct WordPiece {
    vocabulary: Vocabulary,
    unknown: u32,
    special: Vec<(&'static str, u32)>,
}

impl WordPiece {
    /// The tokenizer of this vocabulary: small letters, no accents, clean text, ideographs apart.
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

    /// The vocabulary it was made of.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The token ids of a text, without `[CLS]` and `[SEP]` around them.
    #[must_use]
    pub fn ids(&self, text: &str) -> Vec<u32> {
        // English has a token every four or five bytes.
        let mut ids = Vec::with_capacity(text.len() / 4 + 1);
        self.ids_into(text, &mut ids);
        ids
    }

    /// Appends the token ids of a text, without `[CLS]` and `[SEP]` around them.
    pub fn ids_into(&self, text: &str, ids: &mut Vec<u32>) {
        let mut words = Words::default();
        let mut ends = Vec::new();
        let mut rest = text;
        loop {
            let special = self.find_special(rest);
            let plain = &rest[..special.map_or(rest.len(), |(at, ..)| at)];
            words.each(plain, |word| self.cut(word, ids, &mut ends));
            let Some((at, token, id)) = special else {
                return;
            };
            ids.push(id);
            rest = &rest[at + token.len()..];
        }
    }

    /// The first special token of a text: where, which, its id.
    fn find_special(&self, text: &str) -> Option<(usize, &'static str, u32)> {
        text.match_indices('[').find_map(|(at, _)| {
            let starts_here = |&(token, _): &(&'static str, u32)| text[at..].starts_with(token);
            let &(token, id) = self.special.iter().find(|special| starts_here(special))?;
            Some((at, token, id))
        })
    }

    /// Cuts a word into tokens and appends their ids. `ends` is room to work in.
    fn cut(&self, word: &str, ids: &mut Vec<u32>, ends: &mut Vec<(usize, u32)>) {
        let bytes = word.as_bytes();
        if bytes.len() > MAX_WORD_CHARS && word.chars().count() > MAX_WORD_CHARS {
            ids.push(self.unknown);
            return;
        }
        // Most words are tokens whole.
        if let Some(id) = self.vocabulary.id(word) {
            ids.push(id);
            return;
        }
        let before = ids.len();
        let mut start = 0;
        while start < bytes.len() {
            let Some((id, end)) = self.longest(word, start, ends) else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            start = end;
        }
    }

    /// The longest token that a word goes on with at byte `start`, and where it ends.
    fn longest(
        &self,
        word: &str,
        start: usize,
        ends: &mut Vec<(usize, u32)>,
    ) -> Option<(u32, usize)> {
        let continued = start > 0;
        let mut hash = if continued { CONTINUED } else { START };
        ends.clear();
        // A hash goes on from that of the bytes before, so all candidates cost one pass.
        for (at, c) in word[start..].char_indices() {
            let (from, to) = (start + at, start + at + c.len_utf8());
            if to - start > self.vocabulary.longest() {
                break;
            }
            hash = hash_on(hash, &word.as_bytes()[from..to]);
            ends.push((to, hash));
        }
        ends.iter().rev().find_map(|&(end, hash)| {
            let piece = &word.as_bytes()[start..end];
            Some((self.vocabulary.find(hash, continued, piece)?, end))
        })
    }
}
