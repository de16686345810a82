//! Cleaning texts of tables and documents: escaped line breaks, invisible characters, HTML.

use std::borrow::Cow;

/// Result of cleaning a text.
pub(super) struct Cleaned<'t> {
    pub(super) text: Cow<'t, str>,
    /// Whether HTML or escaped line breaks were converted.
    pub(super) is_converted: bool,
}

/// Cleans a text: `\n` becomes a line break, a space that doesn't break an ordinary one, characters
/// without width vanish, and HTML becomes Markdown.
pub(super) fn clean(text: &str) -> Cleaned<'_> {
    let spaced = clean_spaces(text);
    let mut is_converted = false;
    let broken = match unescape_breaks(&spaced) {
        Some(text) => {
            is_converted = true;
            Cow::Owned(text)
        }
        None => spaced,
    };
    match convert_html(&broken) {
        Some(text) => Cleaned {
            text: Cow::Owned(text),
            is_converted: true,
        },
        None => Cleaned {
            text: broken,
            is_converted,
        },
    }
}

/// Replaces spaces that don't break, and removes characters without width that no script needs.
fn clean_spaces(text: &str) -> Cow<'_, str> {
    const WIDE: &[char] = &['\u{a0}', '\u{202f}', '\u{2007}'];
    const NONE: &[char] = &['\u{200b}', '\u{2060}', '\u{feff}', '\u{ad}'];
    if !text.contains(WIDE) && !text.contains(NONE) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter(|c| !NONE.contains(c));
    Cow::Owned(
        kept.map(|c| if WIDE.contains(&c) { ' ' } else { c })
            .collect(),
    )
}

/// Replaces `\n` by line breaks. A path such as `C:\new` stays, since a lower-case letter follows.
fn unescape_breaks(text: &str) -> Option<String> {
    let is_break = |at: usize, length: usize| {
        let after = text.get(at + length..).and_then(|rest| rest.chars().next());
        after.is_none_or(|c| !c.is_ascii_lowercase() && c != '_')
    };
    let found = text.match_indices("\\n").filter(|(at, _)| is_break(*at, 2));
    let breaks: Vec<usize> = found.map(|(at, _)| at).collect();
    if breaks.is_empty() || text.contains(":\\") {
        return None;
    }
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for at in breaks {
        let before = text.get(from..at).unwrap_or_default();
        clean.push_str(before.strip_suffix("\\r").unwrap_or(before));
        clean.push('\n');
        from = at + 2;
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    Some(clean.trim().to_owned())
}

/// Converts HTML to Markdown; `None` for a text without HTML.
#[cfg(feature = "html")]
fn convert_html(text: &str) -> Option<String> {
    looks_like_html(text).then(|| crate::html::html_to_markdown(text))
}

/// Keeps HTML as it is, since no reader for it is compiled in.
#[cfg(not(feature = "html"))]
fn convert_html(_: &str) -> Option<String> {
    None
}

/// Whether a text is marked up with HTML: it has end tags of usual elements outside of code.
#[cfg(feature = "html")]
fn looks_like_html(text: &str) -> bool {
    #[rustfmt::skip]
    const ELEMENTS: &[&str] = &[
        "p", "div", "span", "a", "b", "i", "u", "em", "strong", "ul", "ol", "li", "h1", "h2", "h3",
        "h4", "h5", "h6", "table", "tr", "td", "th", "font", "blockquote", "pre", "code", "sup",
        "sub", "small", "section", "article", "center",
    ];
    if !text.contains('<') || text.contains('`') {
        let entities = [
            "&nbsp;", "&amp;", "&lt;", "&quot;", "&#39;", "&#x27;", "&rsquo;",
        ];
        return !text.contains('`') && entities.iter().any(|entity| text.contains(entity));
    }
    let lower = text.to_ascii_lowercase();
    let has_end = lower.match_indices("</").any(|(at, _)| {
        let rest = lower.get(at + 2..).unwrap_or_default();
        let name = rest.split('>').next().unwrap_or_default();
        ELEMENTS.contains(&name.trim())
    });
    has_end
        || ["<br>", "<br/>", "<br />", "<p>"]
            .iter()
            .any(|tag| lower.contains(tag))
}

/// Whether a text looks like UTF-8 that was decoded as Windows-1252: `CuÃ¡l`.
pub(super) fn is_double_encoded(text: &str) -> bool {
    if !text.contains(['Ã', 'Â', 'â', 'Ð', 'Ñ', 'Å', 'Ä', 'ã']) {
        return false;
    }
    let (bytes, _, has_errors) = encoding_rs::WINDOWS_1252.encode(text);
    !has_errors && core::str::from_utf8(&bytes).is_ok_and(|decoded| !decoded.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_converts_escaped_breaks_but_no_paths() {
        for (text, expected) in [
            (r"One.\nTwo.", "One.\nTwo."),
            (r"One.\r\n- Two", "One.\n- Two"),
            (r"Open C:\new", r"Open C:\new"),
            (r"Type \name", r"Type \name"),
            ("a\u{a0}b\u{200b}", "a b"),
        ] {
            assert_eq!(clean(text).text, expected, "{text}");
        }
    }

    #[test]
    fn is_double_encoded_needs_valid_sequences() {
        assert!(is_double_encoded("Â¿CuÃ¡l es?"));
        assert!(!is_double_encoded("Â l'heure, château"));
        assert!(!is_double_encoded("¿Cuál es?"));
    }
}
