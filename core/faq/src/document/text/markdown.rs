//! Lines of Markdown: headings of every notation, HTML inside, front matter and code.

use super::clean::{looks_asked, strip_tags};
use super::outline::{BOLD, ITEM, Line, Role};
use crate::text;

/// Maximum number of lines between the tags of one heading.
const MAX_TAG_LINES: usize = 5;

/// Gives each line of Markdown its role.
pub(super) fn mark(source: &str) -> Vec<Line> {
    let lines: Vec<&str> = source.lines().collect();
    let mut marked: Vec<Line> = Vec::with_capacity(lines.len());
    let mut at = skip_front_matter(&lines, &mut marked);
    let mut in_code = false;
    let mut in_comment = false;
    while let Some(line) = lines.get(at) {
        let trimmed = line.trim();
        let mut push = |role, text: &str| {
            marked.push(Line {
                number: at as u64 + 1,
                role,
                text: text.to_owned(),
            });
        };
        let mut used = 1;
        if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            in_code = !in_code;
            push(Role::Text, line);
        } else if in_code {
            push(Role::Text, line);
        } else if in_comment || trimmed.starts_with("<!--") {
            in_comment = !trimmed.contains("-->");
            push(Role::Markup, line);
        } else if let Some((depth, heading)) = atx_heading(line) {
            push(Role::Heading(depth), heading);
        } else if let Some((depth, heading, lines)) = html_heading(&lines, at) {
            push(Role::Heading(depth), &heading);
            used = lines;
        } else if let Some(depth) = setext_depth(&lines, at) {
            push(Role::Heading(depth), trimmed);
            used = 2;
        } else if let Some(heading) = bold_line(trimmed) {
            push(Role::Heading(BOLD), heading);
        } else if let Some((question, answer)) = inline_pair(trimmed) {
            push(Role::Heading(BOLD), question);
            push(Role::Text, answer);
        } else if matches!(trimmed, "</details>" | "</dd>") {
            push(Role::End, line);
        } else if is_markup(trimmed) {
            push(Role::Markup, line);
        } else if let Some(item) = asked_item(&lines, at) {
            push(Role::Heading(ITEM), item);
        } else {
            push(Role::Text, line);
        }
        at += used;
    }
    marked
}

/// Marks the data before a page; returns the number of its lines.
fn skip_front_matter(lines: &[&str], marked: &mut Vec<Line>) -> usize {
    let Some(fence) = lines
        .first()
        .map(|line| line.trim())
        .filter(|line| matches!(*line, "---" | "+++"))
    else {
        return 0;
    };
    let rest = lines.get(1..).unwrap_or_default();
    let Some(end) = rest.iter().take(1000).position(|line| line.trim() == fence) else {
        return 0;
    };
    let is_data = rest
        .iter()
        .take(end)
        .all(|line| !line.starts_with("# ") || line.contains(':'));
    if !is_data {
        return 0;
    }
    for (i, line) in lines.iter().take(end + 2).enumerate() {
        marked.push(Line {
            number: i as u64 + 1,
            role: Role::Markup,
            text: (*line).to_owned(),
        });
    }
    end + 2
}

/// Data between the fences before a page.
pub(super) fn front_matter(source: &str) -> Option<&str> {
    let rest = source.strip_prefix("---")?;
    let start = rest.find('\n')?;
    let rest = rest.get(start + 1..)?;
    let end = rest.find("\n---")?;
    rest.get(..end)
}

/// Parses a heading such as `## How?`; `##How?` without a space counts from two signs on.
fn atx_heading(line: &str) -> Option<(u8, &str)> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let line = line.trim();
    // A quoted heading
    let line = line.strip_prefix("> ").unwrap_or(line);
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    let is_heading =
        text.starts_with([' ', '\t']) || (depth > 1 && !text.is_empty() && !text.starts_with('!'));
    if indent > 3 || !(1..=6).contains(&depth) || !is_heading {
        return None;
    }
    Some((u8::try_from(depth).ok()?, text.trim()))
}

/// Depth of a heading that is underlined with `===` or `---`.
fn setext_depth(lines: &[&str], at: usize) -> Option<u8> {
    let (line, rule) = (lines.get(at)?.trim(), lines.get(at + 1)?.trim());
    let before = at.checked_sub(1).and_then(|at| lines.get(at));
    let is_paragraph = line.is_empty()
        || line.starts_with(['|', '>', '-', '*', '+', '#', '<', '=', '`'])
        || line.len() > 300;
    if is_paragraph || rule.len() < 3 {
        return None;
    }
    let follows_blank = before.is_none_or(|line| line.trim().is_empty());
    if rule.bytes().all(|b| b == b'=') {
        return follows_blank.then_some(1);
    }
    // Three dashes are often meant as a separator between answers.
    let is_rule = rule.bytes().all(|b| b == b'-') && (rule.len() > 3 || looks_asked(line));
    (is_rule && follows_blank).then_some(2)
}

/// Text of a line that is bold throughout, which may be an item of a list.
fn bold_line(line: &str) -> Option<&str> {
    let item = strip_item(line);
    let (open, close) = [
        ("**", "**"),
        ("__", "__"),
        ("<b>", "</b>"),
        ("<strong>", "</strong>"),
    ]
    .into_iter()
    .find(|pair| item.starts_with(pair.0))?;
    let rest = item.get(open.len()..)?;
    let end = rest.find(close)?;
    let (inner, after) = (rest.get(..end)?, rest.get(end + close.len()..)?);
    let after = after.trim();
    // `**How**?` and `**How?** 🔥`, but not a label such as `**Note:** see below`
    let is_throughout = after.is_empty() || after.chars().all(|c| !c.is_alphanumeric());
    if inner.trim().is_empty() || !is_throughout {
        return None;
    }
    if after.starts_with(['?', '？', '؟']) {
        return Some(item);
    }
    Some(inner)
}

/// Splits a bold question and the answer behind it: `**How?** So.`
fn inline_pair(line: &str) -> Option<(&str, &str)> {
    let rest = strip_item(line).strip_prefix("**")?;
    let (question, answer) = rest.split_once("**")?;
    let answer = answer.trim_start_matches([' ', ':', '-', '–', '—']);
    (looks_asked(question) && answer.contains(char::is_alphanumeric)).then_some((question, answer))
}

/// Removes the mark of a list item.
fn strip_item(line: &str) -> &str {
    let rest = line.trim_start_matches(['-', '*', '+', '•']);
    let is_mark = rest.starts_with(' ') && line.len() - rest.len() == 1;
    let line = if is_mark { rest.trim_start() } else { line };
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if digits.len() < line.len()
        && let Some(rest) = digits.strip_prefix(['.', ')'])
        && rest.starts_with(' ')
    {
        return rest.trim_start();
    }
    line
}

/// Item of a list that ends in a question mark and has text below it.
fn asked_item<'l>(lines: &[&'l str], at: usize) -> Option<&'l str> {
    let line = lines.get(at)?;
    let item = strip_item(line.trim());
    if item.len() == line.trim().len() || !looks_asked(item) {
        return None;
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let next = lines
        .get(at + 1..)?
        .iter()
        .find(|line| !line.trim().is_empty())?;
    let is_item = strip_item(next.trim()).len() < next.trim().len();
    (indent(next) > indent(line) || !is_item).then_some(item)
}

/// Parses `<h3>…</h3>`, `<summary>…</summary>` or `<dt>…</dt>`, which may span several lines.
/// Returns its depth, its text and the number of its lines.
fn html_heading(lines: &[&str], at: usize) -> Option<(u8, String, usize)> {
    let first = lines.get(at)?.trim();
    let start = first
        .strip_prefix("<details>")
        .unwrap_or(first)
        .trim_start();
    let start = start.strip_prefix("<details open>").unwrap_or(start);
    let name = start.strip_prefix('<')?;
    let end = name.find(|c: char| !c.is_ascii_alphanumeric())?;
    let name = name.get(..end)?.to_ascii_lowercase();
    let depth = match name.as_str() {
        "h1" => 1,
        "h2" => 2,
        "h3" => 3,
        "h4" => 4,
        "h5" => 5,
        "h6" => 6,
        "summary" | "dt" => BOLD,
        _ => return None,
    };
    let close = format!("</{name}>");
    let mut text = String::new();
    for (i, line) in lines.get(at..)?.iter().take(MAX_TAG_LINES).enumerate() {
        text.push_str(line.trim());
        text.push(' ');
        if let Some(end) = text.to_ascii_lowercase().find(&close) {
            text.truncate(end);
            let text = strip_tags(&text);
            return (!text::is_blank(&text)).then(|| (depth, text.trim().to_owned(), i + 1));
        }
    }
    None
}

/// Whether a line is markup without text: tags around blocks, imports of MDX.
fn is_markup(line: &str) -> bool {
    const NAMES: &[&str] = &[
        "details", "div", "p", "dl", "dd", "section", "br", "br/", "hr", "hr/", "center",
    ];
    if line.starts_with("import ") && line.contains(" from ") {
        return true;
    }
    let Some(inner) = line
        .strip_prefix('<')
        .and_then(|line| line.strip_suffix('>'))
    else {
        return line.starts_with(":::") || line == "[TOC]" || line == "[[toc]]" || line == "{:toc}";
    };
    let name = inner
        .trim_start_matches('/')
        .split_whitespace()
        .next()
        .unwrap_or_default();
    !inner.contains(['<', '>']) && NAMES.contains(&name)
}
