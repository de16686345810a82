//! Classification of text lines: labels such as `Q:`, headings, code fences.

use crate::column_names::{is_answer_name, is_question_name};
use crate::text;

/// Way in which a text marks its questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextStyle {
    /// Labels such as `Q:` and `A:`.
    Labels,
    /// Labels such as `Q.`, `[Q]` or `Question -`.
    PointLabels,
    /// Headings that end in a question mark.
    Headings,
}

/// Role of a line in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Beginning of a question, with the depth of its heading or 0 for a label.
    Question(u8),
    /// Beginning of an answer.
    Answer,
    /// Heading that isn't a question, with its depth.
    Heading(u8),
    /// Beginning or end of a code block.
    Fence,
    /// Any other line.
    Plain,
}

/// Depth of bold lines, below every heading.
const BOLD_DEPTH: u8 = 7;

/// Column names that are common before a colon in ordinary text and therefore don't count as labels.
const AMBIGUOUS_LABELS: &[&str] = &["prompt", "query", "response", "reply"];

/// Classifies a line of a text in the given style.
pub(crate) fn classify_line(line: &str, style: TextStyle) -> Mark {
    let line = line.trim();
    if line.starts_with("```") || line.starts_with("~~~") {
        return Mark::Fence;
    }
    let label = match style {
        TextStyle::Labels => parse_label(line),
        TextStyle::PointLabels => parse_any_label(line),
        TextStyle::Headings => None,
    };
    if let Some((mark, _)) = label {
        return mark;
    }
    match parse_heading(line) {
        Some((depth, asked)) if style == TextStyle::Headings && ends_with_question_mark(asked) => {
            Mark::Question(depth)
        }
        Some((depth, _)) if depth < BOLD_DEPTH => Mark::Heading(depth),
        _ => Mark::Plain,
    }
}

/// Parses a label; returns its role and the text after it.
pub(crate) fn parse_label(line: &str) -> Option<(Mark, &str)> {
    let (word, rest) = line.split_once([':', '：'])?;
    if word.len() > 60 {
        return None;
    }
    let is_emphasized = word.contains("**") || word.contains("__");
    let word = word.trim_start_matches(|c: char| {
        matches!(c, '*' | '_' | '#' | '>' | '-' | '+' | '•') || c.is_whitespace()
    });
    let word = strip_number(word);
    // `Q1`, `Question 1`
    let word = word.trim_matches(|c: char| matches!(c, '*' | '_') || c.is_whitespace());
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '#' | '.' | ' '));
    let key = text::normalize(word);
    if AMBIGUOUS_LABELS.contains(&key.as_str()) {
        return None;
    }
    let mark = if is_question_name(&key) || key == "f" {
        Mark::Question(0)
    } else if is_answer_name(&key) {
        Mark::Answer
    } else {
        return None;
    };
    let rest = rest.trim();
    let text = if !is_emphasized {
        rest
    } else if let text = rest.trim_start_matches(['*', '_'])
        && text.len() < rest.len()
    {
        // `**Q:** How?`
        text
    } else {
        // `**Q: How?**`
        rest.strip_suffix("**")
            .or_else(|| rest.strip_suffix("__"))
            .unwrap_or(rest)
    };
    Some((mark, text.trim()))
}

/// Parses a label with a colon, or one such as `Q.`, `[Q]`, `A1)` or `Question -`.
pub(crate) fn parse_any_label(line: &str) -> Option<(Mark, &str)> {
    parse_label(line).or_else(|| parse_point_label(line))
}

/// Parses a label that ends in a point, a bracket or a dash, followed by a space.
fn parse_point_label(line: &str) -> Option<(Mark, &str)> {
    let line = line.trim_start_matches(|c: char| {
        matches!(c, '*' | '_' | '#' | '>' | '•') || c.is_whitespace()
    });
    let line = line.strip_prefix("- ").unwrap_or(line);
    let inner = line.strip_prefix(['[', '(']).unwrap_or(line);
    let is_bracketed = inner.len() < line.len();
    let end = inner.find(|c: char| !c.is_alphabetic() && !is_combining(c))?;
    let (word, rest) = inner.split_at(end);
    let rest = rest
        .trim_start_matches([' ', '.'])
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '#');
    let rest = if rest.is_empty() {
        inner.get(end..)?
    } else {
        rest
    };
    // The mark behind the word, which the spaces before it may have hidden
    let behind = inner.get(end..)?;
    let has_point = behind.starts_with('.')
        || behind
            .trim_start_matches(' ')
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with('.');
    let trimmed = rest.trim_start();
    let text = if is_bracketed {
        trimmed.strip_prefix([']', ')'])?
    } else if let Some(text) = trimmed.strip_prefix([')', '>', '|', '.']) {
        text
    } else if let Some(text) = trimmed.strip_prefix(['-', '–', '—']) {
        text
    } else if has_point {
        trimmed
    } else {
        return None;
    };
    let is_spaced = text.is_empty() || text.starts_with([' ', '\t', ':', '*']) || has_point;
    let key = text::normalize(word);
    if !is_spaced || AMBIGUOUS_LABELS.contains(&key.as_str()) {
        return None;
    }
    let text = text.trim_matches(['*', ':', ' ', '\t']);
    if is_question_name(&key) {
        Some((Mark::Question(0), text))
    } else if is_answer_name(&key) {
        Some((Mark::Answer, text))
    } else {
        None
    }
}

/// Whether a character is a combining mark within a word.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{94f}' | '\u{e31}'..='\u{e4e}')
}

/// Splits a question and the labelled answer behind it on the same line: `How? A: So.`
pub(crate) fn split_inline_answer(text: &str) -> Option<(&str, &str)> {
    text.match_indices([':', '：']).find_map(|(at, mark)| {
        let before = text.get(..at)?;
        let start = before.rfind(char::is_whitespace)?;
        let word = before.get(start..)?.trim();
        let word =
            word.trim_matches(|c: char| c.is_ascii_digit() || matches!(c, '*' | '_' | '(' | '['));
        let question = before
            .get(..start)?
            .trim_end_matches([' ', '\t', '|', '-', '–', '*', '_', ',', ';']);
        let key = text::normalize(word);
        let is_label = is_answer_name(&key) && !AMBIGUOUS_LABELS.contains(&key.as_str());
        let answer = text
            .get(at + mark.len()..)?
            .trim_start_matches(['*', '_', ' ']);
        (is_label && ends_with_question_mark(question)).then_some((question, answer.trim()))
    })
}

/// Whether a labelled question has its answer on the same line.
pub(crate) fn has_inline_answer(line: &str) -> bool {
    matches!(parse_label(line), Some((Mark::Question(_), text)) if split_inline_answer(text).is_some())
}

/// Parses a heading; returns its depth and text. A line that is bold throughout counts as a heading.
pub(crate) fn parse_heading(line: &str) -> Option<(u8, &str)> {
    let line = line.trim();
    // The line may be a list item.
    let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
    let item = strip_number(item.unwrap_or(line).trim_start());
    let bold = |mark| item.strip_prefix(mark)?.strip_suffix(mark);
    if let Some(text) = bold("**").or_else(|| bold("__")) {
        let is_bold_throughout = !text.is_empty() && !text.contains("**");
        return is_bold_throughout.then(|| (BOLD_DEPTH, strip_number(text.trim())));
    }
    let text = line.trim_start_matches('#');
    let depth = u8::try_from(line.len() - text.len()).ok()?;
    if !(1..BOLD_DEPTH).contains(&depth) || !text.starts_with([' ', '\t']) {
        return None;
    }
    let text = text.trim().trim_end_matches('#').trim_end();
    let text = text.trim_matches(['*', '_']).trim();
    Some((depth, strip_number(text)))
}

/// Whether a line ends with a question mark of any script.
pub(crate) fn ends_with_question_mark(line: &str) -> bool {
    line.ends_with(['?', '？', '؟'])
}

/// Removes a leading number such as `3. ` or `3) `.
pub(crate) fn strip_number(text: &str) -> &str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix(['.', ')']) {
        Some(after) if rest.len() < text.len() && after.starts_with(' ') => after.trim_start(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_label_accepts_words_numbers_and_emphasis() {
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
            assert_eq!(parse_label(line), expected, "{line}");
        }
    }

    #[test]
    fn classify_line_tells_questions_from_other_headings() {
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
            assert_eq!(classify_line(line, TextStyle::Headings), expected, "{line}");
        }
        assert_eq!(parse_heading("## 3. How? ##"), Some((2, "How?")));
    }
}
