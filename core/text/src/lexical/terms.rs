//! What a text is cut into.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Characters of a term in scripts that part words by spaces.
const SPACED: usize = 4;
/// In those that do not.
const UNSPACED: usize = 2;
/// Marks of a word's beginning and end; no word has them in it.
const ENDS: (char, char) = ('\u{2}', '\u{3}');

/// A run of letters and digits in one way of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    /// As it is written.
    pub(super) text: &'a str,
    /// The script parts words by spaces: it is one word, and not a clause or more.
    pub(super) spaced: bool,
}

/// The words of a text, in order.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c| script(c).is_some())?;
        rest = &rest[start..];
        let spaced = script(rest.chars().next()?)?;
        let end = rest.find(|c| script(c) != Some(spaced));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(Word { text: word, spaced })
    })
}

/// Whether a character's script parts words by spaces; none when it is in no word.
fn script(c: char) -> Option<bool> {
    let in_word = c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c));
    // By Unicode's blocks: Thai, Lao; Myanmar; Khmer; ideographs and kana, those of the higher planes too.
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

/// Cuts words into terms; kept, so that its room is used again.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    letters: Vec<char>,
}

impl Cutter {
    /// Calls for each term of a word, in order, with its characters and hash. The characters are small and
    /// without the accents of Latin, Greek and Cyrillic; of a spaced word's, its ends' marks are some.
    pub(super) fn cut(&mut self, word: Word<'_>, on_term: &mut dyn FnMut(&[char], u64)) {
        let letters = &mut self.letters;
        letters.clear();
        if word.spaced {
            letters.push(ENDS.0);
        }
        let before = letters.len();
        if word.text.is_ascii() {
            letters.extend(word.text.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            let small = word.text.chars().flat_map(char::to_lowercase);
            let is_accent = |c: &char| ('\u{300}'..='\u{36F}').contains(c);
            letters.extend(small.nfd().filter(|c| !is_accent(c)).nfc());
        }
        if letters.len() == before {
            return; // nothing but accents
        }
        if word.spaced {
            letters.push(ENDS.1);
        }
        let size = if word.spaced { SPACED } else { UNSPACED };
        for term in letters.windows(size.min(letters.len())) {
            on_term(term, hash(term));
        }
    }

    /// The hashes of a text's terms with how often each occurs, ascending, into `counts`.
    pub(super) fn count(&mut self, text: &str, counts: &mut Vec<(u64, u32)>) {
        counts.clear();
        for word in words(text) {
            self.cut(word, &mut |_, term| counts.push((term, 1)));
        }
        counts.sort_unstable();
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += u32::from(same);
            same
        });
    }
}

/// FNV-1a of the characters in UTF-8.
///
/// Source: Fowler, Noll and Vo, *The FNV Non-Cryptographic Hash Algorithm*.
fn hash(term: &[char]) -> u64 {
    let mut bytes = [0; 4];
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for c in term {
        for byte in c.encode_utf8(&mut bytes).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
