//! Generator of `core/text/src/wordpiece/tables.rs`, the character tables of the WordPiece tokenizer.
//!
//! ```sh
//! cargo run -p nearsay-bench -- unicode_tables > core/text/src/wordpiece/tables.rs
//! ```
//!
//! The tables reproduce, for every character, two crates that `tokenizers` 0.23.2 uses:
//! `unicode_categories` 0.1.1 and `unicode-normalization-alignments` 0.1.12. Both implement old Unicode
//! versions; their errors are reproduced, too. The tests in `tests/tests/wordpiece.rs` regenerate the
//! file and compare the token ids of every character with those of `tokenizers`.

use std::fmt::{Display, Write as _};
use unicode_categories::UnicodeCategories as _;
use unicode_normalization_alignments::{
    UnicodeNormalization as _, char::canonical_combining_class,
};

const HEAD: &str = "\
//! What characters are, as `tokenizers` 0.23.2 sees them.
//!
//! Written by `tests/src/unicode_tables.rs`; change that instead.

/// Runs of characters of a kind: the first character times 2048, the canonical combining class times
/// 8, and the kind: 0 plain, 1 removed, 2 mark, 3 barrier, 4 punctuation, 5 decomposes, 6 Hangul. A
/// run goes on to the next.
";
const ONE: &str = "
/// Runs of characters that stand for the same one small letter, accents off: the first character
/// times 256 plus the number of those that follow it; the letter.
";
const MANY: &str = "
/// Characters that stand for several, accents off, small letters.
";

/// Text of the generated file.
pub fn tables() -> String {
    let mut runs: Vec<u32> = Vec::new();
    let mut one: Vec<(u32, char)> = Vec::new();
    let mut many: Vec<(char, String)> = Vec::new();
    for c in '\0'..=char::MAX {
        let kind = kind(c);
        if runs.last().is_none_or(|run| run & 0x7FF != kind) {
            runs.push(u32::from(c) << 11 | kind);
        }
        if kind != DECOMPOSES {
            continue;
        }
        let small = small_letters(c);
        let mut letters = small.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => match one.last_mut() {
                Some((run, same))
                    if *same == letter
                        && *run & 0xFF < 0xFF
                        && (*run >> 8) + (*run & 0xFF) + 1 == u32::from(c) =>
                {
                    *run += 1;
                }
                _ => one.push((u32::from(c) << 8, letter)),
            },
            _ => many.push((c, small)),
        }
    }
    let mut out = HEAD.to_owned();
    list(
        &mut out,
        "RUNS",
        "u32",
        runs.iter().map(|run| format!("{run:#x}")),
    );
    out += ONE;
    let entry = |&(run, letter): &(u32, char)| format!("({run:#x}, {})", quoted(&letter));
    list(&mut out, "ONE", "(u32, char)", one.iter().map(entry));
    out += MANY;
    let entry = |(c, text): &(char, String)| {
        let text: String = text
            .chars()
            .map(|c| format!("\\u{{{:x}}}", u32::from(c)))
            .collect();
        format!("({}, \"{text}\")", quoted(c))
    };
    list(&mut out, "MANY", "(char, &str)", many.iter().map(entry));
    out
}

const REMOVED: u32 = 1;
const MARK: u32 = 2;
const BARRIER: u32 = 3;
const PUNCTUATION: u32 = 4;
const DECOMPOSES: u32 = 5;
const HANGUL: u32 = 6;

/// Kind of a character, plus 8 times its combining class where the class matters.
fn kind(c: char) -> u32 {
    let class = |c: &char| canonical_combining_class(*c);
    let parts: Vec<char> = decomposed(c);
    if c == '\0' || c == '\u{fffd}' || (!"\t\n\r".contains(c) && c.is_other()) {
        REMOVED
    } else if parts.iter().all(|c| c.is_mark_nonspacing()) {
        // Marks around a barrier are removed; only its presence matters.
        if parts.iter().any(|c| class(c) == 0) {
            BARRIER
        } else {
            MARK
        }
    } else if ('\u{ac00}'..='\u{d7a3}').contains(&c) {
        assert!(parts.iter().all(|&part| kind(part) == 0));
        HANGUL
    } else if parts != [c] {
        // Marks are dropped from the parts. This is lossless if every barrier is next to a part of
        // class 0 that stays.
        let barrier = |c: &char| c.is_mark_nonspacing() && class(c) == 0;
        let firm = |c: Option<&char>| c.is_some_and(|c| !c.is_mark_nonspacing() && class(c) == 0);
        for (n, _) in parts.iter().enumerate().filter(|(_, c)| barrier(c)) {
            assert!(
                firm(parts.get(n + 1)) || (n > 0 && firm(parts.get(n - 1))),
                "{c:?} needs its barrier"
            );
        }
        DECOMPOSES
    } else if c.is_ascii_punctuation() || c.is_punctuation() {
        PUNCTUATION
    } else {
        u32::from(class(&c)) << 3
    }
}

/// Full canonical decomposition.
fn decomposed(c: char) -> Vec<char> {
    c.to_string().nfd().map(|(c, _)| c).collect()
}

/// Decomposition without marks, in lower case.
fn small_letters(c: char) -> String {
    let parts = decomposed(c)
        .into_iter()
        .filter(|c| !c.is_mark_nonspacing());
    parts.flat_map(char::to_lowercase).collect()
}

fn quoted(c: &char) -> String {
    format!("'\\u{{{:x}}}'", u32::from(*c))
}

/// Appends a slice, with as many entries per line as fit in 100 columns.
fn list(out: &mut String, name: &str, of: &str, entries: impl Iterator<Item = impl Display>) {
    write!(out, "pub(super) static {name}: &[{of}] = &[").ok();
    let mut column = usize::MAX;
    for entry in entries {
        let entry = format!(" {entry},");
        if column.saturating_add(entry.len()) > 100 {
            *out += "\n   ";
            column = 3;
        }
        *out += &entry;
        column += entry.len();
    }
    *out += "\n];\n";
}
