//! TOML.

use super::tree::{Node, Tree};
use super::walk::read_trees;
use super::{LOOKED_FOR, LineCounter, count_lines};
use crate::document::{Document, Head, TextFormat};
use crate::{FileFormat, ReadError, ReadOptions};
use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

pub(in crate::document) const TOML: TextFormat = TextFormat {
    format: FileFormat::Toml,
    recognize,
    read,
};

fn recognize(head: &Head<'_>) -> bool {
    if head.has_extension(&["toml"]) {
        return true;
    }
    let mut lines = head
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_table = |line: &str| {
        let name = line
            .strip_prefix("[[")
            .and_then(|line| line.strip_suffix("]]"));
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        name.is_some_and(|name| !name.is_empty() && name.chars().all(is_name))
    };
    let is_entry = |line: &str| {
        line.split_once('=').is_some_and(|(key, value)| {
            let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | ' ');
            key.trim().chars().all(is_key) && value.trim_start().starts_with(['"', '\'', '[', '{'])
        })
    };
    let starts = lines
        .next()
        .is_some_and(|line| is_table(line) || is_entry(line));
    starts && head.text.lines().any(|line| is_table(line.trim()))
}

fn read(text: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = LineCounter::new(text).line_of(at);
        ReadError::Damaged {
            format: FileFormat::Toml,
            reason: format!("line {line}: {}", error.message()),
        }
    })?;
    let mut tree = convert_table(table.get_ref(), 0);
    let lines = count_lines(text);
    number_lines(&mut tree, &line_starts(text));
    let found = read_trees(&[tree], FileFormat::Toml, options.columns.as_ref(), lines);
    let mut document = found.ok_or(ReadError::NothingFound {
        format: FileFormat::Toml,
        looked_for: LOOKED_FOR,
    })?;
    // The keys of a table are sorted, not in the order of the file.
    for section in &mut document.sections {
        if let crate::document::Records::Fields(records) = &mut section.records {
            records.sort_by_key(|record| record.position);
        }
    }
    Ok(document)
}

/// Offsets at which lines begin.
fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    core::iter::once(0).chain(breaks).collect()
}

/// Replaces the offsets in a tree by lines.
fn number_lines(tree: &mut Tree, starts: &[usize]) {
    let offset = usize::try_from(tree.line).unwrap_or(usize::MAX);
    tree.line = starts.partition_point(|start| *start <= offset) as u64;
    match &mut tree.node {
        Node::List(items) => items.iter_mut().for_each(|item| number_lines(item, starts)),
        Node::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| number_lines(&mut entry.1, starts)),
        _ => {}
    }
}

fn convert_table(table: &DeTable<'_>, at: usize) -> Tree {
    let entries = table
        .iter()
        .map(|(key, value)| (key.get_ref().to_string(), convert(value)));
    Tree::new(at as u64, Node::Map(entries.collect()))
}

/// Converts a value; its line is the offset of the value for now.
fn convert(value: &Spanned<DeValue<'_>>) -> Tree {
    let at = value.span().start;
    let node = match value.get_ref() {
        DeValue::String(text) => Node::Text(text.trim().to_owned()),
        DeValue::Integer(number) => Node::Scalar(number.as_str().to_owned()),
        DeValue::Float(number) => Node::Scalar(number.as_str().to_owned()),
        DeValue::Boolean(value) => Node::Scalar(value.to_string()),
        DeValue::Datetime(value) => Node::Scalar(value.to_string()),
        DeValue::Array(items) => Node::List(items.iter().map(convert).collect()),
        DeValue::Table(table) => return convert_table(table, at),
    };
    Tree::new(at as u64, node)
}
