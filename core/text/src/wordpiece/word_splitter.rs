//! Normalises a text and splits it into words.

use super::characters::{Kind, character_kind, decompose, decompose_hangul, is_ideograph};
use alloc::string::String;
use alloc::vec::Vec;

/// Reusable buffers for splitting a text.
#[derive(Default)]
pub(super) struct WordSplitter {
    /// Current word, normalised.
    word: String,
    /// Characters with a combining class, until they are ordered by it.
    combining: Vec<(u8, char)>,
}

impl WordSplitter {
    /// Calls `on_word` with each normalised word of a text, in order.
    pub(super) fn for_each_word(&mut self, text: &str, mut on_word: impl FnMut(&str)) {
        let mut rest = text;
        loop {
            let letters = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            if letters > 0 {
                self.flush_combining();
                let start = self.word.len();
                self.word.push_str(&rest[..letters]);
                self.word[start..].make_ascii_lowercase();
            }
            let mut chars = rest[letters..].chars();
            let Some(c) = chars.next() else {
                break;
            };
            rest = chars.as_str();
            if c.is_ascii() {
                self.push_ascii(c, &mut on_word);
            } else {
                self.push_non_ascii(c, &mut on_word);
            }
        }
        self.end_word(&mut on_word);
    }

    /// Handles an ASCII character that is neither a letter nor a digit.
    fn push_ascii(&mut self, c: char, on_word: &mut impl FnMut(&str)) {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            self.end_word(on_word);
        } else if c.is_ascii_punctuation() {
            self.emit_single(c, on_word);
        }
    }

    fn push_non_ascii(&mut self, c: char, on_word: &mut impl FnMut(&str)) {
        let kind = character_kind(c);
        if kind == Kind::Removed {
            return;
        }
        if c.is_whitespace() {
            self.end_word(on_word);
        } else if is_ideograph(c) {
            self.end_word(on_word);
            self.push_decomposed(c, kind, on_word);
            self.end_word(on_word);
        } else {
            self.push_decomposed(c, kind, on_word);
        }
    }

    /// Appends the canonical decomposition of a character.
    fn push_decomposed(&mut self, c: char, kind: Kind, on_word: &mut impl FnMut(&str)) {
        match kind {
            Kind::Decomposes => {
                decompose(c).for_each(|c| self.push_character(c, character_kind(c), on_word));
            }
            Kind::Hangul => {
                decompose_hangul(c).for_each(|c| self.push_character(c, Kind::Plain(0), on_word));
            }
            kind => self.push_character(c, kind, on_word),
        }
    }

    /// Appends a character that has no decomposition.
    fn push_character(&mut self, c: char, kind: Kind, on_word: &mut impl FnMut(&str)) {
        match kind {
            Kind::Mark => {}
            Kind::Barrier => self.flush_combining(),
            Kind::Punctuation => self.emit_single(c, on_word),
            Kind::Plain(class @ 1..) => self.combining.push((class, c)),
            _ => {
                self.flush_combining();
                self.word.extend(c.to_lowercase());
            }
        }
    }

    /// Orders pending characters by combining class and appends them to the word.
    fn flush_combining(&mut self) {
        if !self.combining.is_empty() {
            self.combining.sort_by_key(|&(class, _)| class);
            let characters = self.combining.drain(..);
            self.word
                .extend(characters.flat_map(|(_, c)| c.to_lowercase()));
        }
    }

    /// Ends the current word and emits `c` as a word of its own.
    fn emit_single(&mut self, c: char, on_word: &mut impl FnMut(&str)) {
        self.end_word(on_word);
        on_word(c.encode_utf8(&mut [0; 4]));
    }

    /// Emits the current word unless it is empty.
    fn end_word(&mut self, on_word: &mut impl FnMut(&str)) {
        self.flush_combining();
        if !self.word.is_empty() {
            on_word(&self.word);
            self.word.clear();
        }
    }
}
