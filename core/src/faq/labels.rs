//! Lines of a text: labels such as `Q:`, and headings that ask.

use super::fields::sure;
use super::text;

/// How a text marks its questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `Q:` and `A:`
    Labels,
    /// Headings that end in a question mark.
    Headings,
}

/// What one line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A question begins. Of headings, how deep.
    Question(u8),
    /// An answer begins.
    Answer,
    /// A heading that does not ask, and how deep.
    Heading(u8),
    /// The beginning or end of a block of code.
    Fence,
    /// Anything else.
    Plain,
}

/// The depth of bold lines, below every heading.
const BOLD: u8 = 7;

/// Words before a colon that answers are full of.
const COMMON: &[&str] = &["prompt", "query", "response", "reply"];

/// What a line is in a text of a style.
pub(super) fn mark(line: &str, style: Style) -> Mark {
    let line = line.trim();
    if line.starts_with("```") || line.starts_with("~~~") {
        return Mark::Fence;
    }
    if style == Style::Labels
        && let Some((mark, _)) = label(line)
    {
        return mark;
    }
    match heading(line) {
        Some((depth, asked)) if style == Style::Headings && asks(asked) => Mark::Question(depth),
        Some((depth, _)) if depth < BOLD => Mark::Heading(depth),
        _ => Mark::Plain,
    }
}

/// The mark of a label, and the text behind it.
pub(super) fn label(line: &str) -> Option<(Mark, &str)> {
    let (word, behind) = line.split_once([':', '：'])?;
    if word.len() > 60 {
        return None;
    }
    let emphasised = word.contains("**") || word.contains("__");
    let word = word.trim_start_matches(|c: char| {
        matches!(c, '*' | '_' | '#' | '>' | '-' | '+' | '•') || c.is_whitespace()
    });
    let word = without_number(word);
    // `Q1`, `Question 1`
    let word = word.trim_matches(|c: char| matches!(c, '*' | '_') || c.is_whitespace());
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '#' | '.' | ' '));
    let key = text::normalize(word);
    if COMMON.contains(&key.as_str()) {
        return None;
    }
    let mark = match sure(&key) {
        (true, _) => Mark::Question(0),
        _ if key == "f" => Mark::Question(0),
        (_, true) => Mark::Answer,
        _ => return None,
    };
    let behind = behind.trim();
    let text = match emphasised {
        // `**Q:** How?` or `**Q: How?**`
        true => {
            let text = behind.trim_start_matches(['*', '_']);
            match text.len() < behind.len() {
                true => text,
                false => text
                    .strip_suffix("**")
                    .or_else(|| text.strip_suffix("__"))
                    .unwrap_or(text),
            }
        }
        false => behind,
    };
    Some((mark, text.trim()))
}

/// The depth of a heading and its text. A line that is bold as a whole counts as one.
pub(super) fn heading(line: &str) -> Option<(u8, &str)> {
    let line = line.trim();
    // Also as an item of a list.
    let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
    let item = without_number(item.unwrap_or(line).trim_start());
    let bold = |mark| item.strip_prefix(mark)?.strip_suffix(mark);
    if let Some(text) = bold("**").or_else(|| bold("__")) {
        let whole = !text.is_empty() && !text.contains("**");
        return whole.then(|| (BOLD, without_number(text.trim())));
    }
    let text = line.trim_start_matches('#');
    let depth = u8::try_from(line.len() - text.len()).ok()?;
    if !(1..BOLD).contains(&depth) || !text.starts_with([' ', '\t']) {
        return None;
    }
    let text = text.trim().trim_end_matches('#').trim_end();
    let text = text.trim_matches(['*', '_']).trim();
    Some((depth, without_number(text)))
}

/// Whether a heading is a question.
pub(super) fn asks(heading: &str) -> bool {
    heading.ends_with(['?', '？', '؟'])
}

/// Without a number before it: `3. `, `3) `.
fn without_number(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['.', ')']) {
        Some(behind) if rest.len() < text.len() && behind.starts_with(' ') => behind.trim_start(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_in_many_forms() {
        for (line, expected) in [
            ("Q: How?", Some((Mark::Question(0), "How?"))),
            ("  frage : Wie?", Some((Mark::Question(0), "Wie?"))),
            ("F: Wie?", Some((Mark::Question(0), "Wie?"))),
            ("**Q:** How?", Some((Mark::Question(0), "How?"))),
            ("**Q: How?**", Some((Mark::Question(0), "How?"))),
            ("### Question 12: How?", Some((Mark::Question(0), "How?"))),
            ("- A1: So.", Some((Mark::Answer, "So."))),
            ("Antwort: So: so.", Some((Mark::Answer, "So: so."))),
            ("Note: a: b", None),
            ("Reply: never", None),
            ("no label", None),
        ] {
            assert_eq!(label(line), expected, "{line}");
        }
    }

    #[test]
    fn headings_ask_or_do_not() {
        for (line, expected) in [
            ("## 3. How? ##", Mark::Question(2)),
            ("# **How?**", Mark::Question(1)),
            ("**How?**", Mark::Question(7)),
            ("2. **How?**", Mark::Question(7)),
            ("- __How?__", Mark::Question(7)),
            ("# Shipping", Mark::Heading(1)),
            ("**Careful!**", Mark::Plain),
            ("#hashtag?", Mark::Plain),
            ("**a** or **b?**", Mark::Plain),
            ("```sh", Mark::Fence),
        ] {
            assert_eq!(mark(line, Style::Headings), expected, "{line}");
        }
        assert_eq!(heading("## 3. How? ##"), Some((2, "How?")));
    }
}
