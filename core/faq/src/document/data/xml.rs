//! XML: quizzes of Moodle, dumps of Stack Exchange, outlines (OPML), and lists of records.

use super::tree::{Node, Tree, get};
use super::walk::{ends_asked, read_trees};
use super::{LOOKED_FOR, LineCounter, count_lines};
use crate::document::{Document, FieldRecord, Head, TextFormat};
use crate::{FileFormat, ReadError, ReadOptions, text};
use quick_xml::Reader;
use quick_xml::escape::unescape_with;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

pub(in crate::document) const XML: TextFormat = TextFormat {
    format: FileFormat::Xml,
    recognize,
    read,
};

/// Elements of web pages, with which no other XML begins.
#[rustfmt::skip]
const HTML: &[&str] = &[
    "html", "head", "body", "div", "p", "h1", "h2", "h3", "h4", "h5", "h6", "details", "section",
    "main", "article", "ul", "ol", "table", "script", "style", "nav", "dl", "header", "span", "a",
    "img", "br", "hr", "center", "b", "i", "strong", "em", "font", "link", "meta", "title", "form",
    "footer", "aside", "svg", "template", "summary", "base",
];

/// Elements of marked-up text, whose parent is a text.
#[rustfmt::skip]
const INLINE: &[&str] = &[
    "p", "para", "br", "b", "i", "strong", "em", "a", "ul", "ol", "li", "div", "span", "code", "pre",
    "img", "h1", "h2", "h3", "h4", "h5", "h6", "table", "u", "sup", "sub", "ulink", "link",
    "emphasis", "itemizedlist", "orderedlist", "listitem", "simpara", "literal", "programlisting",
];

fn recognize(head: &Head<'_>) -> bool {
    let text = head.text.trim_start();
    let is_declared = text.starts_with("<?xml");
    let Some(root) = first_element(text) else {
        return false;
    };
    let root = root.to_ascii_lowercase();
    !HTML.contains(&root.as_str())
        && (is_declared || !text.starts_with("<!--") || head.has_extension(&["xml", "opml"]))
}

/// Name of the first element, if the text begins with markup.
fn first_element(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start().strip_prefix('<')?;
        let end = if rest.starts_with("!--") {
            rest.find("-->")? + 3
        } else if rest.starts_with(['?', '!']) {
            rest.find('>')? + 1
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
            let name = rest.get(..end)?;
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.');
            let is_closed = rest.contains('>');
            let is_element = !name.is_empty() && name.chars().all(is_name) && is_closed;
            return is_element.then_some(name);
        };
        rest = rest.get(end..)?;
    }
}

fn read(text: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let (name, root) = parse(text, options.limits.depth).map_err(|reason| ReadError::Damaged {
        format: FileFormat::Xml,
        reason,
    })?;
    let lines = count_lines(text);
    let special = match name.as_str() {
        "posts" => read_stack_exchange(&root),
        "opml" => read_outlines(&root),
        _ => Vec::new(),
    };
    if !special.is_empty() {
        return Ok(Document::of_records(FileFormat::Xml, special, lines));
    }
    let found = read_trees(&[root], FileFormat::Xml, options.columns.as_ref(), lines);
    found.ok_or(ReadError::NothingFound {
        format: FileFormat::Xml,
        looked_for: LOOKED_FOR,
    })
}

/// Element that isn't closed yet.
struct Open {
    name: String,
    line: u64,
    entries: Vec<(String, Tree)>,
    text: String,
    /// Offset behind its start tag.
    inside: usize,
    has_inline: bool,
}

/// Parses a file into the name and the value of its root element.
///
/// # Errors
/// What is wrong, with its line.
fn parse(text: &str, max_depth: usize) -> Result<(String, Tree), String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut lines = LineCounter::new(text);
    let mut open: Vec<Open> = Vec::new();
    loop {
        let before = offset(reader.buffer_position());
        let event = reader.read_event();
        let line = lines.line_of(before);
        let event = event.map_err(|error| format!("line {line}: {error}"))?;
        let after = offset(reader.buffer_position());
        match event {
            Event::Start(tag) => {
                if open.len() >= max_depth {
                    return Err(format!("line {line}: elements nested too deeply"));
                }
                open.push(open_element(&tag, line, after));
            }
            Event::Empty(tag) => {
                let element = open_element(&tag, line, after);
                let name = element.name.clone();
                let tree = close(element, "");
                match open.last_mut() {
                    Some(parent) => add_child(parent, name, tree),
                    None => return Ok((name, tree)),
                }
            }
            Event::End(_) => {
                let Some(element) = open.pop() else {
                    return Err(format!("line {line}: an end tag without its element"));
                };
                let inner = text.get(element.inside..before).unwrap_or_default();
                let name = element.name.clone();
                let tree = close(element, inner);
                match open.last_mut() {
                    Some(parent) => add_child(parent, name, tree),
                    None => return Ok((name, tree)),
                }
            }
            Event::Text(content) => {
                if let Some(element) = open.last_mut() {
                    element.text += &content;
                }
            }
            Event::CData(content) => {
                if let Some(element) = open.last_mut() {
                    element.text += &content;
                }
            }
            Event::GeneralRef(_) => {
                let raw = text.get(before..after).unwrap_or_default();
                if let Some(element) = open.last_mut() {
                    element.text += &unescape(raw);
                }
            }
            Event::Eof => {
                return Err(match open.last() {
                    Some(element) => {
                        format!("line {}: <{}> isn't closed", element.line, element.name)
                    }
                    None => "there is no element".to_owned(),
                });
            }
            _ => {}
        }
    }
}

fn offset(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

/// Resolves entities; unknown ones stay as they are.
fn unescape(raw: &str) -> String {
    unescape_with(raw, quick_xml::escape::resolve_predefined_entity)
        .map_or_else(|_| raw.to_owned(), |text| text.into_owned())
}

fn open_element(tag: &BytesStart<'_>, line: u64, inside: usize) -> Open {
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).flatten().map(|attribute| {
        let local = attribute.key.local_name();
        let key = local.as_ref().to_owned();
        (key, Tree::new(line, Node::Text(unescape(&attribute.value))))
    });
    let qualified = tag.name();
    let name: &str = qualified.as_ref();
    // `content:encoded` of feeds holds the text.
    let name = match name.split_once(':') {
        Some(("content", _)) => "content".to_owned(),
        Some((_, local)) => local.to_owned(),
        None => name.to_owned(),
    };
    Open {
        name,
        line,
        entries: attributes.collect(),
        text: String::new(),
        inside,
        has_inline: false,
    }
}

/// Value of a complete element: a text, or an object of its attributes and children.
fn close(element: Open, inner: &str) -> Tree {
    let is_blank = text::is_blank(&element.text);
    let node = if element.has_inline {
        // The paragraphs of DocBook, as in HTML
        let inner = inner.replace("para>", "p>").replace("simp>", "p>");
        Node::Text(inner.trim().to_owned())
    } else if element.entries.is_empty() {
        Node::Text(element.text.trim().to_owned())
    } else {
        let mut entries = element.entries;
        if !is_blank {
            let text = Tree::new(element.line, Node::Text(element.text.trim().to_owned()));
            entries.push(("text".to_owned(), text));
        }
        Node::Map(entries)
    };
    Tree::new(element.line, node)
}

/// Adds a child to its parent; children of one name become a list.
fn add_child(parent: &mut Open, name: String, tree: Tree) {
    parent.has_inline |= INLINE.contains(&name.to_ascii_lowercase().as_str());
    let found = parent.entries.iter_mut().find(|entry| entry.0 == name);
    match found {
        None => parent.entries.push((name, tree)),
        Some((
            _,
            Tree {
                node: Node::List(items),
                ..
            },
        )) => items.push(tree),
        Some((_, value)) => {
            let line = value.line;
            let first = core::mem::replace(value, Tree::new(line, Node::Null));
            value.node = Node::List(vec![first, tree]);
        }
    }
}

/// Items of a value: of a list, or the value itself.
fn items(tree: Option<&Tree>) -> &[Tree] {
    match tree {
        Some(Tree {
            node: Node::List(items),
            ..
        }) => items,
        Some(tree) => core::slice::from_ref(tree),
        None => &[],
    }
}

/// Reads the questions of a dump with their accepted answers, or else the ones of highest score.
fn read_stack_exchange(root: &Tree) -> Vec<FieldRecord> {
    let rows = items(root.get("row"));
    let text = |row: &Tree, key| row.get(key).and_then(Tree::to_text);
    let mut best: HashMap<String, (i64, &Tree)> = HashMap::new();
    let mut by_id: HashMap<String, &Tree> = HashMap::new();
    for row in rows {
        let (Some(id), Some(parent)) = (text(row, "Id"), text(row, "ParentId")) else {
            continue;
        };
        by_id.insert(id, row);
        let score = text(row, "Score")
            .and_then(|score| score.parse().ok())
            .unwrap_or(0);
        let entry = best.entry(parent).or_insert((score, row));
        if score > entry.0 {
            *entry = (score, row);
        }
    }
    let questions = rows
        .iter()
        .filter(|row| text(row, "PostTypeId").as_deref() == Some("1"));
    questions
        .map(|row| {
            let accepted = text(row, "AcceptedAnswerId").and_then(|id| by_id.get(&id).copied());
            let id = text(row, "Id").unwrap_or_default();
            let answer = accepted.or_else(|| best.get(&id).map(|entry| entry.1));
            let answer = answer
                .and_then(|answer| text(answer, "Body"))
                .unwrap_or_default();
            FieldRecord::pair(row.line, text(row, "Title").unwrap_or_default(), answer)
                .with("id", id)
        })
        .collect()
}

/// Reads outlines whose note, or whose only children, are the answer.
fn read_outlines(root: &Tree) -> Vec<FieldRecord> {
    let mut records = Vec::new();
    let body = root.get("body");
    for outline in items(body.and_then(|body| body.get("outline"))) {
        read_outline(outline, None, &mut records);
    }
    records
}

fn read_outline(outline: &Tree, topic: Option<&str>, records: &mut Vec<FieldRecord>) {
    let Some(entries) = outline.as_map() else {
        return;
    };
    let title = get(entries, "text")
        .or_else(|| get(entries, "title"))
        .and_then(Tree::as_text);
    let title = title.unwrap_or_default();
    let children = items(get(entries, "outline"));
    let note = get(entries, "_note")
        .or_else(|| get(entries, "note"))
        .and_then(Tree::to_text);
    let is_leaf = |child: &Tree| child.get("outline").is_none() && child.get("_note").is_none();
    let answer = note.or_else(|| {
        let is_answer = !children.is_empty() && children.iter().all(is_leaf) && ends_asked(title);
        let lines = children
            .iter()
            .filter_map(|child| child.get("text")?.as_text());
        is_answer.then(|| lines.collect::<Vec<_>>().join("\n"))
    });
    match answer {
        Some(answer) => {
            let record = FieldRecord::pair(outline.line, title.to_owned(), answer);
            records.push(record.with("topic", topic.unwrap_or_default().to_owned()));
        }
        None => {
            for child in children {
                read_outline(child, Some(title), records);
            }
        }
    }
}
