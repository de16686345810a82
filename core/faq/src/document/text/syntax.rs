//! Lines of reStructuredText, AsciiDoc, MediaWiki and Org.

use super::outline::{BOLD, Line, Role};

/// Collector of lines.
#[derive(Default)]
struct Marked(Vec<Line>);

impl Marked {
    fn push(&mut self, at: usize, role: Role, text: &str) {
        self.0.push(Line {
            number: at as u64 + 1,
            role,
            text: text.to_owned(),
        });
    }
}

/// Character of a line of at least three equal punctuation marks, as under a heading.
fn rule_char(line: &str) -> Option<char> {
    let line = line.trim_end();
    let first = line.chars().next().filter(char::is_ascii_punctuation)?;
    (line.len() >= 3 && line.chars().all(|c| c == first)).then_some(first)
}

/// Gives each line of reStructuredText its role.
pub(super) fn mark_rst(source: &str) -> Vec<Line> {
    let lines: Vec<&str> = source.lines().collect();
    let mut marked = Marked::default();
    // Underlines in the order of their first use: the depth of a heading.
    let mut styles: Vec<(char, bool)> = Vec::new();
    let mut depth_of = |style| {
        let found = styles
            .iter()
            .position(|known| *known == style)
            .unwrap_or_else(|| {
                styles.push(style);
                styles.len() - 1
            });
        u8::try_from(found + 1).unwrap_or(BOLD).min(BOLD - 1)
    };
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let rule = lines.get(at + 1).and_then(|line| rule_char(line));
        let is_title = !line.trim().is_empty() && rule_char(line).is_none();
        if let Some(over) = rule_char(line)
            && let (Some(title), Some(under)) = (lines.get(at + 1), lines.get(at + 2))
            && rule_char(under) == Some(over)
            && !title.trim().is_empty()
            && rule_char(title).is_none()
        {
            marked.push(at + 1, Role::Heading(depth_of((over, true))), title.trim());
            at += 3;
        } else if let (true, Some(rule), false) = (is_title, rule, line.starts_with([' ', '\t'])) {
            marked.push(at, Role::Heading(depth_of((rule, false))), line.trim());
            at += 2;
        } else if line.starts_with(".. ") || line.trim_end() == ".." {
            at += mark_directive(&lines, at, &mut marked);
        } else {
            marked.push(at, Role::Text, &plain_roles(line));
            at += 1;
        }
    }
    marked.0
}

/// Marks a directive and its indented block; returns the number of lines. Code becomes a fenced
/// block, other blocks with text keep it.
fn mark_directive(lines: &[&str], at: usize, marked: &mut Marked) -> usize {
    const TEXTS: &[&str] = &[
        "note",
        "warning",
        "tip",
        "important",
        "caution",
        "hint",
        "admonition",
        "attention",
        "danger",
        "seealso",
    ];
    const CODE: &[&str] = &[
        "code-block",
        "code",
        "sourcecode",
        "literalinclude",
        "prompt",
    ];
    let line = lines.get(at).copied().unwrap_or_default();
    let rest = lines.get(at + 1..).unwrap_or_default();
    let is_inside = |line: &&&str| line.starts_with([' ', '\t']) || line.trim().is_empty();
    let mut length = rest.iter().take_while(is_inside).count();
    while length > 0
        && rest
            .get(length - 1)
            .is_some_and(|line| line.trim().is_empty())
    {
        length -= 1;
    }
    let name = line.trim_start_matches("..").trim();
    let (name, argument) = name.split_once("::").unwrap_or(("", ""));
    let body: Vec<&&str> = rest.iter().take(length).collect();
    let body = body.into_iter().enumerate().skip_while(|(_, line)| {
        let line = line.trim();
        line.is_empty()
            || (line.starts_with(':') && line.get(1..).is_some_and(|rest| rest.contains(':')))
    });
    if CODE.contains(&name) {
        marked.push(at, Role::Text, &format!("```{}", argument.trim()));
        let mut last = at;
        let inner: Vec<(usize, &&str)> = body.collect();
        let indent = inner
            .iter()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(_, line)| line.len() - line.trim_start().len())
            .min();
        for (i, line) in inner {
            last = at + 1 + i;
            marked.push(
                last,
                Role::Text,
                line.get(indent.unwrap_or(0)..).unwrap_or_default(),
            );
        }
        marked.push(last, Role::Text, "```");
    } else if TEXTS.contains(&name) {
        marked.push(at, Role::Text, argument.trim());
        for (i, line) in body {
            marked.push(at + 1 + i, Role::Text, &plain_roles(line.trim()));
        }
    } else {
        marked.push(at, Role::Markup, line);
    }
    length + 1
}

/// Writes literals and links of reStructuredText as Markdown.
fn plain_roles(line: &str) -> String {
    let mut text = line.replace("``", "`");
    while let Some(end) = text.find(">`_") {
        let head = text.get(..end).unwrap_or_default();
        let (Some(open), Some(start)) = (head.rfind(" <"), head.rfind('`')) else {
            break;
        };
        if start > open {
            break;
        }
        let label = head.get(start + 1..open).unwrap_or_default();
        let target = head.get(open + 2..).unwrap_or_default();
        let tail = text
            .get(end + 3..)
            .unwrap_or_default()
            .trim_start_matches('_');
        text = format!(
            "{}[{label}]({target}){tail}",
            head.get(..start).unwrap_or_default()
        );
    }
    text
}

/// Gives each line of AsciiDoc its role.
pub(super) fn mark_asciidoc(source: &str) -> Vec<Line> {
    let mut marked = Marked::default();
    let mut in_code = false;
    for (at, line) in source.lines().enumerate() {
        let trimmed = line.trim();
        let heading = trimmed.trim_start_matches('=');
        let depth = trimmed.len() - heading.len();
        let is_entry =
            trimmed.starts_with(':') && trimmed.get(1..).is_some_and(|rest| rest.contains(':'));
        let is_attribute =
            trimmed.starts_with('[') && trimmed.ends_with(']') && !trimmed.contains("](");
        if matches!(trimmed, "----" | "....") {
            in_code = !in_code;
            marked.push(at, Role::Text, "```");
        } else if in_code {
            marked.push(at, Role::Text, line);
        } else if depth > 0 && heading.starts_with(' ') && !heading.trim_end().ends_with('=') {
            let depth = u8::try_from(depth).unwrap_or(BOLD).min(BOLD - 1);
            marked.push(at, Role::Heading(depth), heading.trim());
        } else if let Some(term) = trimmed
            .strip_suffix("::")
            .filter(|term| !term.is_empty() && !term.contains("::"))
        {
            marked.push(at, Role::Heading(BOLD), term);
        } else if is_entry
            || is_attribute
            || trimmed.starts_with("//")
            || trimmed.starts_with("toc::")
            || matches!(trimmed, "====" | "****" | "+" | "'''" | "--")
        {
            marked.push(at, Role::Markup, line);
        } else {
            marked.push(at, Role::Text, line);
        }
    }
    marked.0
}

/// Gives each line of MediaWiki text its role.
pub(super) fn mark_wiki(source: &str) -> Vec<Line> {
    let mut marked = Marked::default();
    for (at, line) in source.lines().enumerate() {
        let trimmed = line.trim();
        let heading = wiki_heading(trimmed);
        let is_magic =
            trimmed.starts_with("__") && trimmed.ends_with("__") && !trimmed.contains(' ');
        let is_template = trimmed.starts_with("{{") && trimmed.ends_with("}}");
        let is_category = trimmed.starts_with("[[Category:") || trimmed.starts_with("[[Kategorie:");
        if let Some((depth, heading)) = heading {
            marked.push(at, Role::Heading(depth), heading);
        } else if let Some(term) = trimmed.strip_prefix(';') {
            marked.push(at, Role::Heading(BOLD), term.trim());
        } else if is_magic || is_template || is_category {
            marked.push(at, Role::Markup, line);
        } else {
            let text = trimmed
                .strip_prefix(": ")
                .or_else(|| trimmed.strip_prefix(':'))
                .unwrap_or(line);
            marked.push(at, Role::Text, &plain_wiki(text));
        }
    }
    marked.0
}

/// Parses `== How? ==`.
pub(super) fn wiki_heading(line: &str) -> Option<(u8, &str)> {
    let text = line.trim_start_matches('=');
    let depth = line.len() - text.len();
    let inner = text.trim_end_matches('=');
    let closing = text.len() - inner.len();
    let inner = inner.trim();
    if !(1..=6).contains(&depth) || closing != depth || inner.is_empty() {
        return None;
    }
    Some((u8::try_from(depth).ok()?, inner))
}

/// Writes emphasis and links of MediaWiki as Markdown.
fn plain_wiki(line: &str) -> String {
    let mut text = line.replace("'''", "**").replace("''", "*");
    while let Some(start) = text.find("[[") {
        let Some(length) = text.get(start..).and_then(|rest| rest.find("]]")) else {
            break;
        };
        let inside = text.get(start + 2..start + length).unwrap_or_default();
        let label = inside.rsplit('|').next().unwrap_or(inside).to_owned();
        text.replace_range(start..start + length + 2, &label);
    }
    text
}

/// Gives each line of an Org file its role.
pub(super) fn mark_org(source: &str) -> Vec<Line> {
    let mut marked = Marked::default();
    let mut in_drawer = false;
    for (at, line) in source.lines().enumerate() {
        let trimmed = line.trim();
        let upper = trimmed.to_ascii_uppercase();
        let heading = line.trim_start_matches('*');
        let depth = line.len() - heading.len();
        if in_drawer || upper == ":PROPERTIES:" || upper == ":LOGBOOK:" {
            in_drawer = upper != ":END:";
            marked.push(at, Role::Markup, line);
        } else if upper.starts_with("#+BEGIN_SRC") || upper.starts_with("#+BEGIN_EXAMPLE") {
            let language = trimmed.split_whitespace().nth(1).unwrap_or_default();
            marked.push(at, Role::Text, &format!("```{language}"));
        } else if upper.starts_with("#+END_SRC") || upper.starts_with("#+END_EXAMPLE") {
            marked.push(at, Role::Text, "```");
        } else if trimmed.starts_with("#+") || trimmed.starts_with("# ") {
            marked.push(at, Role::Markup, line);
        } else if depth > 0 && heading.starts_with(' ') {
            let depth = u8::try_from(depth).unwrap_or(BOLD).min(BOLD - 1);
            marked.push(at, Role::Heading(depth), org_title(heading.trim()));
        } else {
            marked.push(at, Role::Text, line);
        }
    }
    marked.0
}

/// Title of a heading without its state and tags.
fn org_title(heading: &str) -> &str {
    let title = heading
        .strip_prefix("TODO ")
        .or_else(|| heading.strip_prefix("DONE "))
        .unwrap_or(heading);
    match title.rsplit_once(" :") {
        Some((title, tags)) if tags.ends_with(':') && !tags.contains(' ') => title.trim_end(),
        _ => title,
    }
}
