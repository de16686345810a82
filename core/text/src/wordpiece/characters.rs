//! What a character is to the tokenizer.

use super::tables::{MANY, ONE, RUNS};

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Part of a word. When its canonical combining class is not 0, it is ordered by it among its
    /// neighbours of the kind.
    Plain(u8),
    /// Goes before all else: a control or format character.
    Removed,
    /// Goes as an accent, without a trace.
    Mark,
    /// Goes as an accent, but those on both sides of it keep their order (its class is 0).
    Barrier,
    /// A word of its own.
    Punctuation,
    /// Stands for others, see [`decomposed`].
    Decomposes,
    /// A syllable of two or three Hangul letters, see [`hangul`].
    Hangul,
}

/// What a character is, by a search in the runs of characters of a kind.
pub(super) fn kind(c: char) -> Kind {
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

/// The small letters a character of kind [`Kind::Decomposes`] stands for, accents taken off.
pub(super) fn decomposed(c: char) -> impl Iterator<Item = char> {
    let next = ONE.partition_point(|run| run.0 >> 8 <= u32::from(c));
    let one = ONE[..next].last().filter(|run| {
        let (first, more) = (run.0 >> 8, run.0 & 0xFF);
        u32::from(c) - first <= more
    });
    let many = match one {
        Some(_) => "",
        None => MANY
            .binary_search_by_key(&c, |entry| entry.0)
            .map_or("", |place| MANY[place].1),
    };
    one.map(|run| run.1).into_iter().chain(many.chars())
}

/// The letters of a Hangul syllable.
///
/// Source: The Unicode Standard 3.12, *Conjoining Jamo Behavior*.
pub(super) fn hangul(syllable: char) -> impl Iterator<Item = char> {
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

/// Whether BERT sets a character apart: those of the CJK blocks, hanja and kanji among them, but
/// neither Hangul nor kana. One block begins 256 too late, as it does in the source.
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
