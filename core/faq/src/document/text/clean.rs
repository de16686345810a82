//! Cleaning headings and answers of marked-up texts: anchors, numbers, separators.

use crate::text;

/// Whether a text asks something: it ends with a question mark, which may be followed by
/// parentheses, quotes or symbols.
pub(super) fn looks_asked(text: &str) -> bool {
    const MARKS: &[char] = &['?', '？', '؟', '՞', '፧', '\u{37e}', '⸮'];
    let trimmed = text.trim_end_matches(|c: char| {
        !c.is_alphanumeric() && !MARKS.contains(&c) && c != ';' && c != '[' && c != '('
    });
    if trimmed.ends_with(MARKS) {
        return true;
    }
    let is_greek =
        |c: char| ('\u{370}'..='\u{3ff}').contains(&c) || ('\u{1f00}'..='\u{1fff}').contains(&c);
    if trimmed.ends_with(';') && trimmed.chars().any(is_greek) {
        return true;
    }
    // "How? (for admins)"
    text.ends_with(')') && MARKS.iter().any(|mark| text.contains(&format!("{mark} (")))
}

/// Removes markup, anchors and numbers from a heading.
pub(super) fn clean_heading(heading: &str) -> String {
    let mut text = strip_tags(heading);
    text = text.trim().trim_end_matches('#').trim().to_owned();
    loop {
        let before = text.len();
        if let Some(at) = text.rfind("{#").or_else(|| text.rfind("{:"))
            && text.ends_with('}')
        {
            text.truncate(at);
        }
        text = strip_permalink(&text).trim().to_owned();
        if text.len() == before {
            break;
        }
    }
    text = unwrap_link(&text);
    let inner = text.trim_matches(['*', '_', '`']).trim();
    let mut text = strip_lead(inner.trim_end_matches(':').trim_end());
    for (escaped, plain) in [
        ("\\?", "?"),
        ("\\!", "!"),
        ("\\.", "."),
        ("\\-", "-"),
        ("**", ""),
        ("&amp;", "&"),
    ] {
        if text.contains(escaped) {
            text = text.replace(escaped, plain);
        }
    }
    text.trim().to_owned()
}

/// Removes a link of one symbol behind a heading: `[#](#id)`, `[¶](#id "Permalink")`.
fn strip_permalink(text: &str) -> &str {
    let Some(rest) = text.strip_suffix(')') else {
        return text;
    };
    let Some((before, target)) = rest.rsplit_once("](") else {
        return text;
    };
    let Some((head, label)) = before.rsplit_once('[') else {
        return text;
    };
    let is_symbol = !label.chars().any(char::is_alphanumeric) || label.eq_ignore_ascii_case("link");
    if is_symbol && target.contains('#') {
        head
    } else {
        text
    }
}

/// Text of a link that is the whole heading.
fn unwrap_link(text: &str) -> String {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(')'));
    match inner.and_then(|inner| inner.split_once("](")) {
        Some((label, target)) if !target.contains("](") => label.to_owned(),
        _ => text.to_owned(),
    }
}

/// Removes symbols, a label and a number before a question: `❓ 2.1)`, `Q3:`, `[Q]`.
fn strip_lead(text: &str) -> String {
    let mut rest = text;
    for mark in ["- ", "* ", "+ ", "• ", "> "] {
        rest = rest.strip_prefix(mark).unwrap_or(rest).trim_start();
    }
    if rest.starts_with(':')
        && let Some((code, after)) = rest.get(1..).and_then(|rest| rest.split_once(':'))
        && !code.is_empty()
        && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    {
        rest = after.trim_start();
    }
    let is_symbol = |c: char| {
        !c.is_alphanumeric()
            && !matches!(
                c,
                '"' | '\''
                    | '“'
                    | '„'
                    | '«'
                    | '('
                    | '['
                    | '¿'
                    | '`'
                    | '$'
                    | '.'
                    | '<'
                    | '/'
                    | '@'
                    | '-'
                    | '+'
                    | '~'
                    | '\\'
                    | '{'
                    | '&'
            )
    };
    rest = rest.trim_start_matches(|c: char| is_symbol(c) && !c.is_ascii_digit());
    let numbered = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let digits = rest.len() - numbered.len();
    if digits > 0 {
        let number = rest.get(..digits).unwrap_or_default();
        let after = numbered.strip_prefix([')', ':', ']']).unwrap_or(numbered);
        let is_closed = number.ends_with('.') || after.len() < numbered.len();
        let is_section = number.contains('.') && number.starts_with(|c: char| c.is_ascii_digit());
        if (is_closed || is_section) && after.starts_with([' ', '\t', '\u{a0}']) {
            rest = after.trim_start();
        }
    }
    match crate::parse::labels::parse_any_label(rest) {
        Some((crate::parse::labels::Mark::Question(_), after)) if !after.is_empty() => {
            after.to_owned()
        }
        _ => rest.to_owned(),
    }
}

/// Removes tags of HTML; anchors and comments lose their text, too, if it is only a symbol.
pub(super) fn strip_tags(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        clean.push_str(before);
        let name = tag.trim_start_matches(['<', '/']);
        let is_tag = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!');
        match tag.find('>') {
            Some(end) if is_tag && !is_placeholder(tag.get(1..end).unwrap_or_default()) => {
                rest = tag.get(end + 1..).unwrap_or_default();
            }
            _ => {
                clean.push('<');
                rest = tag.get(1..).unwrap_or_default();
            }
        }
    }
    clean.push_str(rest);
    clean
}

/// Whether angle brackets surround a placeholder (`<name>`) rather than a tag of HTML.
fn is_placeholder(inside: &str) -> bool {
    const TAGS: &[&str] = &[
        "a",
        "b",
        "i",
        "u",
        "p",
        "br",
        "hr",
        "em",
        "strong",
        "span",
        "div",
        "code",
        "small",
        "sub",
        "sup",
        "font",
        "img",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "summary",
        "details",
        "center",
        "kbd",
        "mark",
        "del",
        "ins",
        "s",
        "dt",
        "dd",
        "dl",
        "ul",
        "ol",
        "li",
        "section",
        "article",
        "table",
        "tr",
        "td",
        "th",
        "tbody",
        "thead",
        "pre",
        "blockquote",
        "label",
        "q",
        "cite",
    ];
    let name = inside.trim_start_matches('/');
    let end = name
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    let name = name.get(..end).unwrap_or_default().to_ascii_lowercase();
    !inside.starts_with('!') && !TAGS.contains(&name.as_str())
}

/// Joins the lines of an answer without blank lines, separators and anchors around it.
pub(super) fn clean_answer<'l>(lines: impl Iterator<Item = &'l str>) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut in_code = false;
    for line in lines {
        let trimmed = line.trim();
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
        }
        if in_code || !(is_anchor(trimmed) || is_back_link(trimmed)) {
            kept.push(line.trim_end());
        }
    }
    let is_edge = |line: &&str| text::is_blank(line) || text::is_separator(line);
    while kept.last().is_some_and(is_edge) {
        kept.pop();
    }
    let start = kept.iter().position(|line| !is_edge(line)).unwrap_or(0);
    let kept = kept.get(start..).unwrap_or_default();
    let mut answer = dedent(kept);
    // A list of one item
    if let Some(item) = answer
        .strip_prefix("- ")
        .or_else(|| answer.strip_prefix("* "))
        && !item.contains("\n- ")
        && !item.contains("\n* ")
    {
        answer = item.trim().to_owned();
    }
    if let Some((crate::parse::labels::Mark::Answer, rest)) = kept
        .first()
        .and_then(|line| crate::parse::labels::parse_any_label(line))
    {
        let more = kept.get(1..).unwrap_or_default();
        answer = format!("{rest}\n{}", dedent(more)).trim().to_owned();
    }
    answer
}

/// Joins lines without the indentation that all of them have.
fn dedent(lines: &[&str]) -> String {
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let visible = lines.iter().filter(|line| !text::is_blank(line));
    let common = visible.map(indent).min().unwrap_or(0);
    // The first line may follow a list mark, and so be less indented.
    let cut: Vec<&str> = lines
        .iter()
        .map(|line| line.get(common.min(indent(line))..).unwrap_or(line))
        .collect();
    cut.join("\n").trim().to_owned()
}

/// Whether a line is an anchor or an attribute without text.
fn is_anchor(line: &str) -> bool {
    let is_html = line.starts_with("<a ") && strip_tags(line).trim().is_empty();
    is_html
        || (line.starts_with("{:") && line.ends_with('}'))
        || (line.starts_with("[[") && line.ends_with("]]") && !line.contains(' '))
}

/// Whether a line only links back to the top.
fn is_back_link(line: &str) -> bool {
    let lower = line.to_lowercase();
    (lower.contains("](#") || lower.contains("href=\"#"))
        && lower.len() < 120
        && [
            "back to top",
            "top",
            "nach oben",
            "haut de page",
            "volver arriba",
            "↑",
            "⬆",
            "наверх",
        ]
        .iter()
        .any(|word| lower.contains(word))
        && lower.split_whitespace().count() < 8
}
