//! Splits texts into words and character n-grams.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Length of an n-gram in scripts with spaces between words.
const SPACED: usize = 4;
/// Length of an n-gram in other scripts.
const UNSPACED: usize = 2;
/// Marks of the start and the end of a word; control characters that no word contains.
const ENDS: (char, char) = ('\u{2}', '\u{3}');

/// A run of letters and digits of one kind of script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// Text as written.
    pub(super) text: &'a str,
    /// Whether the script separates words by spaces. If not, the run can be a clause or more.
    pub(super) spaced: bool,
}

/// Splits a text into words.
pub(super) fn split_words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c| is_spaced_script(c).is_some())?;
        rest = &rest[start..];
        let spaced = is_spaced_script(rest.chars().next()?)?;
        let end = rest.find(|c| is_spaced_script(c) != Some(spaced));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(Word { text: word, spaced })
    })
}

/// Whether the script of a character separates words by spaces; `None` for characters outside words.
fn is_spaced_script(c: char) -> Option<bool> {
    let in_word = c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c));
    // Unicode blocks: Thai and Lao; Myanmar; Khmer; ideographs and kana, including higher planes.
    let unspaced = matches!(
        u32::from(c),
        0x0E00..=0x0EFF
            | 0x1000..=0x109F
            | 0x1780..=0x17FF
            | 0x3005..=0x3007
            | 0x3040..=0x30FF
            | 0x31F0..=0x31FF
            | 0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0xFF66..=0xFF9F
            | 0x1_AFF0..=0x1_B16F
            | 0x2_0000..=0x3_FFFF
    );
    in_word.then_some(!unspaced)
}

/// Extracts terms from words; reuses its buffer.
#[derive(Debug, Default)]
pub(super) struct TermExtractor {
    letters: Vec<char>,
}

impl TermExtractor {
    /// Calls `on_term` with the characters and the hash of each term of a word, in order.
    ///
    /// The characters are lowercase, without Latin, Greek and Cyrillic diacritics, and include the marks
    /// of the start and the end of a spaced word.
    pub(super) fn for_each_term(&mut self, word: Word<'_>, on_term: &mut dyn FnMut(&[char], u64)) {
        let letters = &mut self.letters;
        letters.clear();
        if word.spaced {
            letters.push(ENDS.0);
        }
        let before = letters.len();
        if word.text.is_ascii() {
            letters.extend(word.text.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            let lowercase = word.text.chars().flat_map(char::to_lowercase);
            letters.extend(
                lowercase
                    .nfd()
                    .filter(|c| !('\u{300}'..='\u{36F}').contains(c))
                    .nfc(),
            );
        }
        if letters.len() == before {
            return; // The word consists of diacritics only.
        }
        if word.spaced {
            letters.push(ENDS.1);
        }
        let size = if word.spaced { SPACED } else { UNSPACED };
        for term in letters.windows(size.min(letters.len())) {
            on_term(term, hash_term(term));
        }
    }

    /// Writes the hash and the frequency of each term of a text to `counts`, by ascending hash.
    pub(super) fn count_terms(&mut self, text: &str, counts: &mut Vec<(u64, u32)>) {
        counts.clear();
        for word in split_words(text) {
            self.for_each_term(word, &mut |_, term| counts.push((term, 1)));
        }
        counts.sort_unstable();
        counts.dedup_by(|next, kept| {
            let equal = next.0 == kept.0;
            kept.1 += u32::from(equal);
            equal
        });
    }
}

/// FNV-1a hash (64 bits) of the UTF-8 encoding of a term.
///
/// Source: Fowler, Noll and Vo, *The FNV Non-Cryptographic Hash Algorithm*.
fn hash_term(term: &[char]) -> u64 {
    let mut bytes = [0; 4];
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for c in term {
        for byte in c.encode_utf8(&mut bytes).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
