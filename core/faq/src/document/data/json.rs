//! JSON whose questions and answers stand deeper than in one list of objects, or that isn't strict.

use super::loose_json::Parser;
use super::tree::{Node, Tree};
use super::walk::{find_named, read_trees};
use super::{LOOKED_FOR, count_lines};
use crate::column_names::{ANSWER_NAMES, QUESTION_NAMES, Role};
use crate::document::{Document, Head, TextFormat};
use crate::{FileFormat, IssueKind, ReadError, ReadOptions, text};

pub(in crate::document) const NESTED_JSON: TextFormat = TextFormat {
    format: FileFormat::NestedJson,
    recognize,
    read,
};

/// Number of elements that are tried before a file is read whole.
const TRIED: usize = 3;

/// Nesting up to which the beginning of a file is tried.
const TRIED_DEPTH: usize = 64;

/// Whether the text is JSON that can't be read as a stream of flat objects.
fn recognize(head: &Head<'_>) -> bool {
    let mut parser = Parser::new(head.text, TRIED_DEPTH);
    parser.skip_blanks();
    let rest = head.text.get(parser.position()..).unwrap_or_default();
    if rest.starts_with('[') {
        let inside = rest.get(1..).unwrap_or_default().trim_start();
        // A label or a link begins a text.
        let is_table = rest.starts_with("[[") && inside.get(1..).is_some_and(begins_with_letter);
        if is_table || !inside.starts_with(['{', '[', '"', '\'', '“', '/', '(', ']', '}']) {
            return false;
        }
        parser.skip_to(parser.position() + 1);
    } else if rest.starts_with('{') {
        let inside = rest.get(1..).unwrap_or_default().trim_start();
        if !inside.starts_with(['"', '\'', '“', '”', '/', '}']) && !begins_with_name(inside) {
            return false;
        }
    } else {
        return false;
    }
    for _ in 0..TRIED {
        parser.is_at_end();
        let Ok(tree) = parser.parse_value() else {
            break;
        };
        if is_flat(&tree) && !parser.is_loose {
            return false;
        }
    }
    true
}

fn begins_with_letter(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
}

/// Whether an object begins with an unquoted name and a colon.
fn begins_with_name(inside: &str) -> bool {
    let end = inside.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '$' | ' '));
    end.is_some_and(|end| end > 0 && inside.get(end..).is_some_and(|rest| rest.starts_with(':')))
}

/// Whether a value is an object with texts for the question and the answer.
fn is_flat(tree: &Tree) -> bool {
    let Some(entries) = tree.as_map() else {
        return false;
    };
    let question = find_named(entries, QUESTION_NAMES, Role::Question);
    let answer = find_named(entries, ANSWER_NAMES, Role::Answer);
    let is_text = |tree: Option<&Tree>| tree.is_some_and(|tree| tree.as_text().is_some());
    // An instruction or a prompt may be the same for all rows.
    let is_prompt = entries.iter().any(|entry| {
        entry.0.eq_ignore_ascii_case("instruction") || entry.0.eq_ignore_ascii_case("completion")
    });
    is_text(question) && is_text(answer) && !is_prompt
}

fn read(text: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let mut parser = Parser::new(text, options.limits.depth);
    let mut trees = Vec::new();
    let mut issues = Vec::new();
    // Lines that can't be read may be read to the end each, so their total length is limited.
    let mut budget = text.len().saturating_mul(4);
    while !parser.is_at_end() {
        let from = parser.position();
        match parser.parse_value() {
            Ok(tree) => trees.push(tree),
            // In a file of one object per line, a mistake costs one line.
            Err(error) => {
                let rest = text.get(from..).unwrap_or_default();
                let line = rest.lines().next().unwrap_or_default();
                let next = from + line.len();
                let after = text.get(next..).unwrap_or_default().trim_start();
                let used = parser.position().saturating_sub(from);
                let spare = budget.checked_sub(used);
                budget = spare.unwrap_or(0);
                let is_lines = spare.is_some() && (!trees.is_empty() || after.starts_with('{'));
                if !is_lines || !line.trim_end().ends_with(['}', ']', ',']) {
                    return Err(ReadError::Damaged {
                        format: FileFormat::NestedJson,
                        reason: format!("line {}: {}", error.line, error.what),
                    });
                }
                issues.push((error.line, IssueKind::BrokenJson, text::excerpt(line)));
                parser.return_to(next, error.line);
            }
        }
    }
    // Mistakes at the end of a list don't count as rows.
    trees.retain(|tree| tree.node != Node::Null);
    let is_loose = parser.is_loose;
    let found = read_trees(
        &trees,
        FileFormat::NestedJson,
        options.columns.as_ref(),
        count_lines(text),
    );
    let mut document = found.ok_or(ReadError::NothingFound {
        format: FileFormat::NestedJson,
        looked_for: LOOKED_FOR,
    })?;
    if is_loose {
        document
            .issues
            .push((0, IssueKind::LooseNotation, String::new()));
    }
    document.issues.extend(issues);
    Ok(document)
}
