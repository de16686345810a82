//! The words of a text, as the vocabulary writes them.

use super::characters::{Kind, decomposed, hangul, is_ideograph, kind};
use alloc::string::String;
use alloc::vec::Vec;

/// Room to gather a word in, used again for the next.
#[derive(Default)]
pub(super) struct Words {
    /// The word so far.
    word: String,
    /// Characters that wait to be ordered by their combining class.
    waiting: Vec<(u8, char)>,
}

impl Words {
    /// Calls `found` with each word of a text, in order.
    pub(super) fn each(&mut self, text: &str, mut found: impl FnMut(&str)) {
        let mut rest = text;
        loop {
            let letters = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            if letters > 0 {
                self.order();
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
                self.ascii(c, &mut found);
            } else {
                self.other(c, &mut found);
            }
        }
        self.end(&mut found);
    }

    /// Takes in an ASCII character that is neither letter nor digit.
    fn ascii(&mut self, c: char, found: &mut impl FnMut(&str)) {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            self.end(found);
        } else if c.is_ascii_punctuation() {
            self.alone(c, found);
        }
    }

    /// Takes in a character beyond ASCII.
    fn other(&mut self, c: char, found: &mut impl FnMut(&str)) {
        let kind = kind(c);
        if kind == Kind::Removed {
        } else if c.is_whitespace() {
            self.end(found);
        } else if is_ideograph(c) {
            self.end(found);
            self.normal(c, kind, found);
            self.end(found);
        } else {
            self.normal(c, kind, found);
        }
    }

    /// Takes in what a character stands for.
    fn normal(&mut self, c: char, kind: Kind, found: &mut impl FnMut(&str)) {
        match kind {
            Kind::Decomposes => {
                decomposed(c).for_each(|c| self.part(c, super::characters::kind(c), found))
            }
            Kind::Hangul => hangul(c).for_each(|c| self.part(c, Kind::Plain(0), found)),
            kind => self.part(c, kind, found),
        }
    }

    /// Takes in a character that stands for itself.
    fn part(&mut self, c: char, kind: Kind, found: &mut impl FnMut(&str)) {
        match kind {
            Kind::Mark => {}
            Kind::Barrier => self.order(),
            Kind::Punctuation => self.alone(c, found),
            Kind::Plain(class @ 1..) => self.waiting.push((class, c)),
            _ => {
                self.order();
                self.word.extend(c.to_lowercase());
            }
        }
    }

    /// Moves the characters that waited to the word.
    fn order(&mut self) {
        if !self.waiting.is_empty() {
            self.waiting.sort_by_key(|&(class, _)| class);
            let waited = self.waiting.drain(..);
            self.word.extend(waited.flat_map(|(_, c)| c.to_lowercase()));
        }
    }

    /// Ends the word before a character and makes the character one.
    fn alone(&mut self, c: char, found: &mut impl FnMut(&str)) {
        self.end(found);
        found(c.encode_utf8(&mut [0; 4]));
    }

    /// Ends the word, if there is one.
    fn end(&mut self, found: &mut impl FnMut(&str)) {
        self.order();
        if !self.word.is_empty() {
            found(&self.word);
            self.word.clear();
        }
    }
}
