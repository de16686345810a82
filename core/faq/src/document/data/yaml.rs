//! YAML: parsed as events, so that aliases and nesting stay bounded.

use super::tree::{Node, Tree};
use super::walk::read_trees;
use super::{LOOKED_FOR, count_lines};
use crate::document::{Document, Head, TextFormat};
use crate::{FileFormat, ReadError, ReadOptions};
use saphyr_parser::{Event, Parser, ScalarStyle};

pub(in crate::document) const YAML: TextFormat = TextFormat {
    format: FileFormat::Yaml,
    recognize,
    read,
};

/// Whether the text is YAML: by the extension of the file, or by notation that plain text with
/// labels lacks.
fn recognize(head: &Head<'_>) -> bool {
    if head.has_extension(&["yml", "yaml"]) {
        return true;
    }
    if head.has_extension(&["md", "markdown", "mdx", "txt"]) {
        return false;
    }
    let lines = head.text.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines
        .filter(|line| !line.trim_start().starts_with('#'))
        .take(300)
        .collect();
    let Some(first) = lines.first() else {
        return false;
    };
    let starts = *first == "---" || is_entry(first);
    let outer = lines.iter().filter(|line| !line.starts_with([' ', '\t']));
    let (mut all, mut entries) = (0, 0);
    for line in outer {
        all += 1;
        entries += usize::from(is_entry(line) || matches!(*line, "---" | "..." | "-"));
    }
    let has_notation = lines
        .windows(2)
        .any(|pair| matches!(pair, [line, next] if has_notation(line, next)));
    starts && all > 0 && entries * 20 >= all * 19 && has_notation
}

/// Whether a line is a key with a colon, or an item of a list.
fn is_entry(line: &str) -> bool {
    let mut line = line.trim_start();
    let is_item = line.starts_with("- ");
    while let Some(rest) = line.strip_prefix("- ") {
        line = rest.trim_start();
    }
    let Some((key, rest)) = line.split_once(':') else {
        return is_item;
    };
    let is_key =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '"' | '\'' | '/' | '?');
    (rest.is_empty() || rest.starts_with(' ')) && !key.is_empty() && key.chars().all(is_key)
}

/// Whether a line has notation of YAML: a block text, a quoted text, or entries nested in a key.
fn has_notation(line: &str, next: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let value = line.split_once(": ").map_or("", |pair| pair.1.trim());
    let is_block = matches!(value, "|" | ">" | "|-" | ">-" | "|+" | ">+");
    let is_quoted = (value.starts_with('"') && value.ends_with('"')
        || value.starts_with('\'') && value.ends_with('\''))
        && value.len() > 1;
    let opens = line.trim_end().ends_with(':')
        && is_entry(line)
        && (indent(next) > indent(line) || next.trim_start().starts_with("- "))
        && is_entry(next);
    is_block || is_quoted || opens || line.starts_with("- - ")
}

fn read(text: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let trees = parse(text, options.limits.depth).map_err(|reason| ReadError::Damaged {
        format: FileFormat::Yaml,
        reason,
    })?;
    let lines = count_lines(text);
    let found = read_trees(&trees, FileFormat::Yaml, options.columns.as_ref(), lines);
    found.ok_or(ReadError::NothingFound {
        format: FileFormat::Yaml,
        looked_for: LOOKED_FOR,
    })
}

/// Reads the questions and answers in the data before a page of Markdown.
pub(in crate::document) fn read_front_matter(
    text: &str,
    options: &ReadOptions,
) -> Option<Document> {
    let trees = parse(text, options.limits.depth).ok()?;
    let tree = trees.first()?;
    // The title and the description of the page aren't a question and its answer.
    tree.as_map()?.iter().find_map(|(_, value)| {
        let trees = core::slice::from_ref(value);
        read_trees(
            trees,
            FileFormat::Markdown,
            options.columns.as_ref(),
            count_lines(text),
        )
    })
}

/// List or object that isn't complete yet.
enum Open {
    List(u64, Vec<Tree>),
    Map(u64, Vec<(String, Tree)>, Option<String>),
}

/// Parses all documents of a text.
///
/// # Errors
/// What is wrong, with its line.
fn parse(text: &str, max_depth: usize) -> Result<Vec<Tree>, String> {
    let mut trees = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| format!("line {}: {}", error.marker().line(), error.info()))?;
        let line = span.start.line() as u64;
        let done = match event {
            Event::SequenceStart(..) => {
                open.push(Open::List(line, Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(line, Vec::new(), None));
                None
            }
            Event::Scalar(text, style, ..) => Some(Tree::new(line, scalar(&text, style))),
            // Aliases repeat other values, which are read where they stand.
            Event::Alias(_) => Some(Tree::new(line, Node::Null)),
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(line, items)) => Some(Tree::new(line, Node::List(items))),
                Some(Open::Map(line, entries, _)) => Some(Tree::new(line, Node::Map(entries))),
                None => None,
            },
            _ => None,
        };
        if open.len() > max_depth {
            return Err(format!("line {line}: values nested too deeply"));
        }
        let Some(tree) = done else {
            continue;
        };
        match open.last_mut() {
            None => trees.push(tree),
            Some(Open::List(_, items)) => items.push(tree),
            Some(Open::Map(_, entries, key)) => match key.take() {
                Some(key) => entries.push((key, tree)),
                None => *key = Some(tree.to_text().unwrap_or_default()),
            },
        }
    }
    trees.retain(|tree| tree.node != Node::Null);
    Ok(trees)
}

/// Type of a scalar. Words such as `yes` stay texts, since they are short answers here.
fn scalar(text: &str, style: ScalarStyle) -> Node {
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    match text {
        "" | "~" | "null" if style == ScalarStyle::Plain => Node::Null,
        _ if style == ScalarStyle::Plain && is_number(text) => Node::Scalar(text.to_owned()),
        _ => Node::Text(text.trim_end_matches('\n').to_owned()),
    }
}
