//! Text: the key by which texts are equal, what is stripped, and excerpts for messages.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// Longest excerpt in a message, in characters.
const EXCERPT: usize = 80;

/// The key by which two texts count as equal: lower case, white space collapsed, accents composed
/// (Unicode NFC). Only for comparing; the text itself is kept as it was written.
///
/// ```
/// use nearsay_core::faq::normalize;
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
        // Nearly all text is composed already, and checking is much faster than composing.
        match is_nfc_quick(word.chars()) {
            IsNormalized::Yes => key.push_str(word),
            _ => key.extend(word.nfc()),
        }
    }
    key
}

/// A control character that is no white space: no text needs it, and terminals obey some.
fn is_stray(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Removes stray control characters and says how many there were.
pub(super) fn strip_controls(text: String) -> (String, u64) {
    // All of them are, or begin with, such a byte in UTF-8.
    if !text.bytes().any(|b| b < b' ' || b == 0x7f || b == 0xc2) {
        return (text, 0);
    }
    let count = text.chars().filter(|c| is_stray(*c)).count() as u64;
    if count == 0 {
        return (text, 0);
    }
    (text.chars().filter(|c| !is_stray(*c)).collect(), count)
}

/// Whether nothing can be seen of the text.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| {
        c.is_whitespace() || c.is_control() || is_invisible(c) || is_direction(c) || c == '\u{ad}'
    })
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Marks that turn the direction of writing, and could make a message read backwards.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The beginning of the text, on one line, safe to print, at most 80 characters.
pub(super) fn excerpt(text: &str) -> String {
    let mut short = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() || is_direction(c) {
            gap = length > 0;
            continue;
        }
        let wanted = 1 + usize::from(gap);
        if length + wanted > EXCERPT {
            // Make room for the mark that says there is more.
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

/// What stands around the byte `at`, on one line: a little before it, more after it.
pub(super) fn excerpt_around(text: &str, at: usize) -> String {
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
    fn keys_are_equal_when_texts_look_equal() {
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
    fn excerpts_are_one_line_of_at_most_80_characters() {
        assert_eq!(excerpt(" a \n\t b\u{202e}\u{7}c "), "a b c");
        assert_eq!(excerpt(&"x".repeat(80)), "x".repeat(80));
        assert_eq!(excerpt(&"x".repeat(81)), format!("{}…", "x".repeat(79)));
        assert_eq!(excerpt_around("0123456789", 4), "0123456789");
        let long = "é".repeat(100);
        assert_eq!(excerpt_around(&long, 101), format!("…{}…", "é".repeat(60)));
    }

    #[test]
    fn only_stray_controls_are_stripped() {
        assert_eq!(
            strip_controls("a\0b\tc\n\r\u{1b}[1m\u{85}".to_owned()),
            ("ab\tc\n\r[1m".to_owned(), 3)
        );
        assert!(is_blank(" \n\u{200b}\u{feff}\0"));
        assert!(!is_blank("."));
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(text in "\\PC*") {
            let key = normalize(&text);
            prop_assert_eq!(normalize(&key), key);
        }

        #[test]
        fn excerpts_are_short(text in any::<String>(), at in 0usize..300) {
            prop_assert!(excerpt(&text).chars().count() <= EXCERPT);
            prop_assert!(excerpt_around(&text, at).chars().count() <= EXCERPT);
        }
    }
}
