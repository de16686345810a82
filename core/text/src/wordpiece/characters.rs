//! Character properties for the tokenizer.

use super::tables::{MANY, ONE, RUNS};

/// Treatment of a character by the tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Part of a word, with its canonical combining class. Adjacent characters of nonzero class are
    /// ordered by it.
    Plain(u8),
    /// Control or format character, removed before normalisation.
    Removed,
    /// Accent, stripped.
    Mark,
    /// Accent of combining class 0, stripped. Characters aren't reordered across it.
    Barrier,
    /// Punctuation, a word of its own.
    Punctuation,
    /// Replaced by its decomposition; see [`decompose`].
    Decomposes,
    /// Hangul syllable; see [`decompose_hangul`].
    Hangul,
}

/// Looks up the kind of a character by binary search over runs of equal kind.
pub(super) fn character_kind(c: char) -> Kind {
    let next = RUNS.partition_point(|run| run >> 11 <= u32::from(c));
    let run = RUNS[next - 1];
    match run & 7 {
        1 => Kind::Removed,
        2 => Kind::Mark,
        3 => Kind::Barrier,
        4 => Kind::Punctuation,
        5 => Kind::Decomposes,
        6 => Kind::Hangul,
        _ => Kind::Plain((run >> 3) as u8),
    }
}

/// Lowercase decomposition without accents of a character of kind [`Kind::Decomposes`].
pub(super) fn decompose(c: char) -> impl Iterator<Item = char> {
    let next = ONE.partition_point(|run| run.0 >> 8 <= u32::from(c));
    let one = ONE[..next].last().filter(|run| {
        let (first, more) = (run.0 >> 8, run.0 & 0xFF);
        u32::from(c) - first <= more
    });
    let many = match one {
        Some(_) => "",
        None => MANY
            .binary_search_by_key(&c, |entry| entry.0)
            .map_or("", |index| MANY[index].1),
    };
    one.map(|run| run.1).into_iter().chain(many.chars())
}

/// Two or three letters (jamo) of a Hangul syllable.
///
/// Source: The Unicode Standard 3.12, *Conjoining Jamo Behavior*.
pub(super) fn decompose_hangul(syllable: char) -> impl Iterator<Item = char> {
    let index = u32::from(syllable).wrapping_sub(0xAC00);
    let (lead, vowel, tail) = (index / 588, index % 588 / 28, index % 28);
    [
        Some(0x1100 + lead),
        Some(0x1161 + vowel),
        (tail > 0).then_some(0x11A7 + tail),
    ]
    .into_iter()
    .flatten()
    .filter_map(char::from_u32)
}

/// Whether BERT separates a character by spaces: CJK ideographs, including hanja and kanji, but neither
/// Hangul nor kana. One block starts 256 code points late, as in the source.
///
/// Source: `is_chinese_char` of `tokenizers` 0.23.2, `normalizers/bert.rs`.
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(
        u32::from(c),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x2_0000..=0x2_A6DF
            | 0x2_A700..=0x2_B73F
            | 0x2_B740..=0x2_B81F
            | 0x2_B920..=0x2_CEAF
            | 0x2_F800..=0x2_FA1F
    )
}
