//! Text helpers: equality keys, removal of control characters, excerpts for messages.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Maximum length of an excerpt in a message, in characters.
const EXCERPT: usize = 80;

/// Normalizes a text for comparison: lower case, white space collapsed, accents composed (Unicode
/// NFC). Two texts count as equal if their normalized forms are equal.
///
/// ```
/// use nearsay_faq::normalize;
///
/// assert_eq!(normalize("  Open\n the\tCAFE\u{301} "), normalize("open the café"));
/// ```
pub fn normalize(text: &str) -> String {
    let lower = text.to_lowercase();
    let mut key = String::with_capacity(lower.len());
    for word in lower.split_whitespace() {
        if !key.is_empty() {
            key.push(' ');
        }
        // Most text is already composed, and the check is much faster than composing.
        match is_nfc_quick(word.chars()) {
            IsNormalized::Yes => key.push_str(word),
            _ => key.extend(word.nfc()),
        }
    }
    key
}

/// Normalizes a question for comparison, more thoroughly than [`normalize`]: accents and punctuation
/// are ignored, too. Questions with equal keys ask the same.
///
/// Symbols such as `+` and `#` stay, because they are part of names. A question of punctuation alone
/// keeps it.
///
/// ```
/// use nearsay_faq::question_key;
///
/// assert_eq!(question_key("Où est le  CAFÉ ?"), question_key("ou est le cafe"));
/// assert_eq!(question_key("I don’t know – why?"), "i dont know why");
/// assert_ne!(question_key("What is C#?"), question_key("What is C++?"));
/// ```
pub fn question_key(text: &str) -> String {
    let letters = text.chars().flat_map(char::to_lowercase).nfd();
    // Latin, Greek and Cyrillic accents; marks of other scripts are letters of their own.
    let letters = letters.filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let mut key = String::with_capacity(text.len());
    let mut between = false;
    for c in letters.nfc() {
        if matches!(c, '\'' | '\u{2018}' | '\u{2019}') {
            continue;
        }
        if c.is_whitespace() || is_punctuation(c) {
            between = true;
            continue;
        }
        if between && !key.is_empty() {
            key.push(' ');
        }
        between = false;
        key.push(c);
    }
    if key.is_empty() { normalize(text) } else { key }
}

/// Whether a character separates words or ends sentences.
fn is_punctuation(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '"' | '(' | ')' | '[' | ']' | '{' | '}' | '-' | '_' | '/' | '\\'
            // Spanish and French marks, dashes and quotation marks, Arabic, Hindi, Chinese and Japanese marks.
            | '¿' | '¡' | '«' | '»' | '\u{2010}'..='\u{2027}' | '،' | '؛' | '؟' | '।'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}'
            | '\u{ff01}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff0e}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}'
    )
}

/// Whether a character is a control character other than white space. Text never needs these, and
/// some of them control terminals.
fn is_stray_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Removes stray control characters; returns the text and the number of characters removed.
pub(crate) fn strip_controls(text: String) -> (String, u64) {
    // In UTF-8 every control character is, or begins with, one of these bytes.
    if !text.bytes().any(|b| b < b' ' || b == 0x7f || b == 0xc2) {
        return (text, 0);
    }
    let count = text.chars().filter(|c| is_stray_control(*c)).count() as u64;
    if count == 0 {
        return (text, 0);
    }
    (
        text.chars().filter(|c| !is_stray_control(*c)).collect(),
        count,
    )
}

/// Whether the text has no visible characters.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace()
            || c.is_control()
            || is_invisible(c)
            || is_direction_mark(c)
            || c == '\u{ad}'
    })
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Whether a character changes the writing direction, which could reverse a message.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a line is a separator: three or more of the same symbol.
pub(crate) fn is_separator(line: &str) -> bool {
    let compact: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    let mut chars = compact.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let is_symbol = !first.is_alphanumeric()
        && !matches!(first, '`' | '|' | '.' | '…' | '?' | '!' | ')' | '(' | '"');
    is_symbol && compact.chars().count() >= 3 && chars.all(|c| c == first)
}

/// Shortens a text to its beginning: one line of at most 80 printable characters.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() || is_direction_mark(c) {
            gap = length > 0;
            continue;
        }
        let wanted = 1 + usize::from(gap);
        if length + wanted > EXCERPT {
            // Make room for the ellipsis.
            if length == EXCERPT {
                short.pop();
            }
            short.push('…');
            return short;
        }
        if gap {
            short.push(' ');
            gap = false;
        }
        short.push(c);
        length += wanted;
    }
    short
}

/// Shortens a text to the part around byte `at`: one line of 20 characters before it and 40 after.
pub(crate) fn excerpt_around(text: &str, at: usize) -> String {
    const BEFORE: usize = 20;
    const AFTER: usize = 40;
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let (head, tail) = text.split_at(at);
    let start = head
        .char_indices()
        .rev()
        .nth(BEFORE - 1)
        .map_or(0, |(i, _)| i);
    let end = tail
        .char_indices()
        .nth(AFTER)
        .map_or(tail.len(), |(i, _)| i);
    let mut around = String::new();
    if start > 0 {
        around.push('…');
    }
    around.push_str(head.get(start..).unwrap_or_default());
    around.push_str(tail.get(..end).unwrap_or_default());
    if end < tail.len() {
        around.push('…');
    }
    excerpt(&around)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn normalize_ignores_case_white_space_and_composition() {
        for (a, b) in [
            ("How?", "how?"),
            (" a  b\n", "a b"),
            ("cafe\u{301}", "CAFÉ"),
            ("a\u{a0}b", "A B"),
        ] {
            assert_eq!(normalize(a), normalize(b));
        }
        assert_ne!(normalize("a?"), normalize("a"));
    }

    #[test]
    fn excerpt_is_one_line_of_at_most_80_characters() {
        assert_eq!(excerpt(" a \n\t b\u{202e}\u{7}c "), "a b c");
        assert_eq!(excerpt(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(excerpt(&"x".repeat(81)), format!("{}…", "x".repeat(79)));
        assert_eq!(excerpt_around("0123456789", 4), "0123456789");
        let long = "é".repeat(100);
        assert_eq!(excerpt_around(&long, 101), format!("…{}…", "é".repeat(60)));
    }

    #[test]
    fn strip_controls_keeps_tabs_and_line_breaks() {
        assert_eq!(
            strip_controls("a\0b\tc\n\r\u{1b}[1m\u{85}".to_owned()),
            ("ab\tc\n\r[1m".to_owned(), 3)
        );
        assert!(is_blank(" \n\u{200b}\u{feff}\0"));
        assert!(!is_blank("."));
    }

    proptest! {
        #[test]
        fn normalize_is_idempotent(text in "\\PC*") {
            let key = normalize(&text);
            prop_assert_eq!(normalize(&key), key);
        }

        #[test]
        fn excerpts_never_exceed_the_limit(text in any::<String>(), at in 0usize..300) {
            prop_assert!(excerpt(&text).chars().count() <= EXCERPT);
            prop_assert!(excerpt_around(&text, at).chars().count() <= EXCERPT);
        }
    }
}
