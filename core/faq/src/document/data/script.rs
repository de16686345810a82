//! Data in modules of JavaScript, TypeScript and Python: lists and objects that are assigned,
//! exported or passed to a function.

use super::loose_json::Parser;
use super::walk::read_trees;
use super::{LOOKED_FOR, count_lines};
use crate::document::{Document, Head, TextFormat};
use crate::{FileFormat, ReadError, ReadOptions};

pub(in crate::document) const SCRIPT: TextFormat = TextFormat {
    format: FileFormat::Script,
    recognize,
    read,
};

/// First words of lines in scripts.
const FIRST_WORDS: &[&str] = &[
    "export",
    "const",
    "let",
    "var",
    "import",
    "interface",
    "type",
    "module.exports",
    "'use",
    "\"use",
    "from",
    "def",
    "class",
    "enum",
    "async",
    "function",
];

fn recognize(head: &Head<'_>) -> bool {
    let lines = head
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    if head.has_extension(&["vue", "svelte", "astro", "php"]) || head.text.starts_with("<?php") {
        return head.text.lines().any(opens_data);
    }
    let mut code = lines
        .filter(|line| {
            !line.starts_with("//") && !line.starts_with(['*', '#']) && !line.starts_with("/*")
        })
        .take(200);
    let Some(first) = code.next() else {
        return false;
    };
    let word = first
        .split([' ', '=', '.', '(', '{'])
        .next()
        .unwrap_or_default();
    let begins =
        FIRST_WORDS.contains(&word) || first.starts_with("module.exports") || is_assignment(first);
    begins && core::iter::once(first).chain(code).any(opens_data)
}

/// Whether a line assigns something to a name: `faqs = [`, `window.FAQ = {`.
fn is_assignment(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else {
        return false;
    };
    let name = name.trim();
    let is_name =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | ':' | '[' | ']' | ',' | ' ');
    !name.is_empty()
        && name.len() < 80
        && name.chars().all(is_name)
        && value.trim_start().starts_with(['[', '{', '('])
}

/// Whether a list or an object begins in a line, behind an assignment, an export or a call.
fn opens_data(line: &str) -> bool {
    let at = line.find(['[', '{']);
    let openings = line.match_indices(['[', '{']).map(|(at, _)| at);
    at.is_some()
        && openings
            .take(8)
            .any(|at| is_data_position(line.get(..at).unwrap_or_default()))
}

/// Whether data may begin behind this text.
fn is_data_position(before: &str) -> bool {
    let before = before.trim_end();
    before.ends_with(['=', '('])
        || before.ends_with("array")
        || before.ends_with("default")
        || before.ends_with("return")
}

fn read(text: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let mut parser = Parser::new(text, options.limits.depth);
    let mut trees = Vec::new();
    // Attempts that fail may read the same text again, so their total length is limited.
    let mut budget = text.len().saturating_mul(4);
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find(['[', '{'])) {
        let at = from + found;
        from = at + 1;
        if !is_data_position(text.get(..at).unwrap_or_default()) {
            continue;
        }
        parser.skip_to(at);
        let mut attempt = parser.clone();
        let parsed = attempt.parse_value();
        match parsed {
            Ok(tree) => {
                trees.push(tree);
                parser = attempt;
                from = parser.position().max(from);
            }
            Err(_) => match budget.checked_sub(attempt.position() - at) {
                Some(rest) => budget = rest,
                None => break,
            },
        }
    }
    let lines = count_lines(text);
    let mut document: Option<Document> = None;
    for tree in &trees {
        let found = read_trees(
            core::slice::from_ref(tree),
            FileFormat::Script,
            options.columns.as_ref(),
            lines,
        );
        match (found, &mut document) {
            (Some(found), None) => document = Some(found),
            (Some(found), Some(all)) => {
                all.sections.extend(found.sections);
                all.issues.extend(found.issues);
            }
            (None, _) => {}
        }
    }
    document.ok_or(ReadError::NothingFound {
        format: FileFormat::Script,
        looked_for: LOOKED_FOR,
    })
}
