//! From a tree of elements to blocks of formatted text.

use super::dom::{Dom, NodeId, is_inline};
use crate::rich::{Block, BlockKind, Span, push_span};
use std::collections::HashSet;

/// Elements without text for readers.
const SKIPPED: &[&str] = &[
    "script", "style", "template", "svg", "noscript", "iframe", "head", "title", "select",
    "textarea", "input", "object", "video", "audio", "canvas", "map", "math", "nav", "dialog",
];

/// Format of the text at a place of the tree.
#[derive(Clone, Default)]
struct Format {
    bold: bool,
    italic: bool,
    code: bool,
    /// White space is kept.
    preformatted: bool,
    link: Option<String>,
    list_depth: u8,
}

struct Reader<'d> {
    dom: &'d Dom,
    bold_classes: &'d HashSet<String>,
    blocks: Vec<Block>,
    /// Spans of the block that is being read.
    spans: Vec<Span>,
    kind: BlockKind,
    position: u64,
    /// Nodes to leave out.
    taken: &'d [bool],
}

/// Reads the blocks inside a node. `bold_classes` are the classes whose text is bold.
pub(crate) fn read_blocks(dom: &Dom, id: NodeId, bold_classes: &HashSet<String>) -> Vec<Block> {
    if dom.text(id).is_some() {
        read_nodes(dom, core::iter::once(id), bold_classes)
    } else {
        read_nodes(dom, dom.children(id), bold_classes)
    }
}

/// Reads nodes that stand side by side as one text.
pub(crate) fn read_nodes(
    dom: &Dom,
    nodes: impl Iterator<Item = NodeId>,
    bold_classes: &HashSet<String>,
) -> Vec<Block> {
    read_all(dom, nodes, bold_classes, &[])
}

/// Reads the blocks of a page except for the nodes that are taken.
pub(crate) fn read_untaken(
    dom: &Dom,
    bold_classes: &HashSet<String>,
    taken: &[bool],
) -> Vec<Block> {
    read_all(dom, dom.children(0), bold_classes, taken)
}

fn read_all(
    dom: &Dom,
    nodes: impl Iterator<Item = NodeId>,
    bold_classes: &HashSet<String>,
    taken: &[bool],
) -> Vec<Block> {
    let mut reader = Reader {
        dom,
        bold_classes,
        blocks: Vec::new(),
        spans: Vec::new(),
        kind: BlockKind::Paragraph,
        position: 1,
        taken,
    };
    for node in nodes {
        reader.read(node, &Format::default());
    }
    reader.flush();
    reader.blocks
}

/// Classes that the style sheets of a page make bold, as exports of word processors have them.
pub(crate) fn boldness_of_classes(dom: &Dom) -> HashSet<String> {
    let mut classes = HashSet::new();
    for id in dom.descendants(0).filter(|id| dom.name(*id) == "style") {
        let sheet: String = dom.children(id).filter_map(|text| dom.text(text)).collect();
        for rule in sheet.split('}').take(10_000) {
            let Some((selectors, style)) = rule.split_once('{') else {
                continue;
            };
            if !is_bold_style(style) {
                continue;
            }
            for selector in selectors.split(',') {
                if let Some(class) = selector.trim().strip_prefix('.')
                    && class
                        .chars()
                        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
                {
                    classes.insert(class.to_owned());
                }
            }
        }
    }
    classes
}

fn is_bold_style(style: &str) -> bool {
    style.split(';').any(|declaration| {
        let Some((name, value)) = declaration.split_once(':') else {
            return false;
        };
        let value = value.trim();
        name.trim().eq_ignore_ascii_case("font-weight")
            && (value.starts_with("bold") || value.parse().is_ok_and(|weight: u16| weight >= 600))
    })
}

impl Reader<'_> {
    /// Ends the block that is being read.
    fn flush(&mut self) {
        let mut spans = core::mem::take(&mut self.spans);
        let kind = core::mem::take(&mut self.kind);
        if kind != BlockKind::Code {
            trim_spans(&mut spans);
        }
        let block = Block {
            position: self.position,
            kind,
            spans,
            tight: false,
        };
        if !block.is_blank() {
            self.blocks.push(block);
        }
    }

    /// Begins a block of a kind at a node.
    fn begin(&mut self, kind: BlockKind, id: NodeId) {
        self.flush();
        self.kind = kind;
        self.position = self.dom.line(id);
    }

    fn read_children(&mut self, id: NodeId, format: &Format) {
        for child in self.dom.children(id) {
            self.read(child, format);
        }
    }

    fn read(&mut self, id: NodeId, format: &Format) {
        if let Some(text) = self.dom.text(id) {
            self.add_text(text, id, format);
            return;
        }
        let name = self.dom.name(id);
        if self.taken.get(id as usize) == Some(&true) {
            self.flush();
            return;
        }
        if SKIPPED.contains(&name) || is_permalink(self.dom, id) {
            return;
        }
        let format = self.format_inside(id, format);
        match name {
            "br" => self.add_span("\n", &format),
            "img" => {
                let alt = self.dom.attribute(id, "alt").trim();
                if !alt.is_empty() {
                    self.add_span(alt, &format);
                }
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.as_bytes().get(1).map_or(1, |digit| digit - b'0');
                self.begin(BlockKind::Heading(level), id);
                self.read_children(id, &format);
                self.flush();
            }
            "ul" | "ol" | "menu" | "dir" => self.read_list(id, name == "ol", &format),
            "pre" => {
                self.begin(BlockKind::Code, id);
                let format = Format {
                    preformatted: true,
                    ..format
                };
                self.read_children(id, &format);
                self.flush();
            }
            "table" => self.read_table(id, &format),
            "button" if is_dead_button(self.dom, id) => {}
            _ if is_inline(name) && !self.has_blocks(id) => self.read_children(id, &format),
            _ => {
                // A paragraph that begins an item stays on the item's line.
                let begins_item = matches!(self.kind, BlockKind::Item(..))
                    && self.spans.iter().all(|span| span.text.trim().is_empty());
                if !begins_item {
                    self.begin(BlockKind::Paragraph, id);
                }
                self.read_children(id, &format);
                self.flush();
            }
        }
    }

    /// Whether an inline element contains blocks, as in `<a><div>…</div></a>`.
    fn has_blocks(&self, id: NodeId) -> bool {
        let mut inside = self.dom.descendants(id).take(64);
        inside.any(|id| {
            let name = self.dom.name(id);
            !name.is_empty() && !is_inline(name) && !SKIPPED.contains(&name)
        })
    }

    fn format_inside(&self, id: NodeId, format: &Format) -> Format {
        let mut format = format.clone();
        match self.dom.name(id) {
            "b" | "strong" => format.bold = true,
            "i" | "em" | "cite" | "dfn" => format.italic = true,
            "code" | "kbd" | "samp" | "tt" if !format.preformatted => format.code = true,
            "a" => {
                let address = self.dom.attribute(id, "href").trim();
                if !address.is_empty() {
                    format.link = Some(address.to_owned());
                }
            }
            _ => {}
        }
        let classes = self.dom.attribute(id, "class");
        let is_bold_class = |class: &str| {
            self.bold_classes.contains(class) || matches!(class, "font-bold" | "fw-bold" | "bold")
        };
        if classes.split_whitespace().any(is_bold_class)
            || is_bold_style(self.dom.attribute(id, "style"))
        {
            format.bold = true;
        }
        format
    }

    fn read_list(&mut self, id: NodeId, is_numbered: bool, format: &Format) {
        self.flush();
        let mut number = 0;
        let depth = format.list_depth;
        let format = Format {
            list_depth: depth.saturating_add(1),
            ..format.clone()
        };
        for child in self.dom.children(id) {
            if self.dom.name(child) == "li" {
                number += 1;
                let item = BlockKind::Item(depth, is_numbered.then_some(number));
                self.begin(item, child);
                self.read_children(child, &format);
                self.flush();
            } else {
                self.read(child, &format);
            }
        }
        self.flush();
    }

    fn read_table(&mut self, id: NodeId, format: &Format) {
        self.flush();
        // Cells are read once only: reading them again for each table around them would take
        // exponential time.
        if is_layout_table(self.dom, id) {
            self.position = self.dom.line(id);
            let parts = [
                "table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption",
            ];
            for child in self.dom.children(id) {
                if parts.contains(&self.dom.name(child)) {
                    self.read_part(child, &parts, format);
                }
            }
            return;
        }
        let mut rows = read_rows(self.dom, id, self.bold_classes);
        rows.retain(|row| row.1.iter().any(|cell| !cell.is_empty()));
        self.blocks.push(Block {
            position: self.dom.line(id),
            kind: BlockKind::Table(rows),
            ..Block::default()
        });
    }

    /// Reads a part of a table that only serves the layout of a page.
    fn read_part(&mut self, id: NodeId, parts: &[&str], format: &Format) {
        self.flush();
        for child in self.dom.children(id) {
            if parts.contains(&self.dom.name(child)) {
                self.read_part(child, parts, format);
            } else {
                self.read(child, format);
            }
        }
        self.flush();
    }

    fn add_text(&mut self, text: &str, id: NodeId, format: &Format) {
        if self.spans.is_empty() && text.trim().is_empty() && !format.preformatted {
            return;
        }
        if self.spans.is_empty() && self.kind == BlockKind::Paragraph {
            self.position = self.dom.line(id);
        }
        if format.preformatted {
            self.add_span(text, format);
            return;
        }
        let mut collapsed = String::with_capacity(text.len());
        let mut gap = self
            .spans
            .last()
            .is_none_or(|last| last.text.ends_with([' ', '\n']));
        for c in text.chars() {
            // Non-breaking spaces serve the layout.
            let is_space = matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}');
            if !is_space {
                collapsed.push(c);
            } else if !gap {
                collapsed.push(' ');
            }
            gap = is_space;
        }
        self.add_span(&collapsed, format);
    }

    fn add_span(&mut self, text: &str, format: &Format) {
        let span = Span {
            text: text.to_owned(),
            bold: format.bold,
            italic: format.italic,
            code: format.code,
            link: format.link.clone(),
        };
        push_span(&mut self.spans, span);
    }
}

/// Removes white space around the spans of a block.
fn trim_spans(spans: &mut Vec<Span>) {
    while let Some(last) = spans.last_mut() {
        let length = last.text.trim_end().len();
        last.text.truncate(length);
        if length > 0 {
            break;
        }
        spans.pop();
    }
    while let Some(first) = spans.first_mut() {
        first.text = first.text.trim_start().to_owned();
        if !first.text.is_empty() {
            break;
        }
        spans.remove(0);
    }
}

/// Whether a table only serves the layout: it has one column, or tables inside.
fn is_layout_table(dom: &Dom, table: NodeId) -> bool {
    let mut inside = dom.descendants(table);
    if inside.clone().any(|id| dom.name(id) == "table") {
        return true;
    }
    inside.all(|id| {
        let cells = dom
            .children(id)
            .filter(|c| matches!(dom.name(*c), "td" | "th"));
        dom.name(id) != "tr" || cells.count() < 2
    })
}

/// Whether a link only marks the place of a heading.
fn is_permalink(dom: &Dom, id: NodeId) -> bool {
    dom.name(id) == "a"
        && dom.attribute(id, "href").contains('#')
        && matches!(
            dom.plain_text(id).as_str(),
            "#" | "¶" | "§" | "🔗" | "Permalink" | "Link to this heading"
        )
}

/// Whether a button belongs to the page rather than to its text.
fn is_dead_button(dom: &Dom, id: NodeId) -> bool {
    let text = dom.plain_text(id);
    let is_question = crate::parse::labels::ends_with_question_mark(&text);
    !is_question && dom.attribute(id, "aria-controls").is_empty()
}

/// Rows of a table with the Markdown of their cells and their lines. Cells that span rows or columns
/// are repeated in rows and not in columns.
pub(crate) fn read_rows(
    dom: &Dom,
    table: NodeId,
    bold_classes: &HashSet<String>,
) -> Vec<(u64, Vec<String>)> {
    let mut rows = Vec::new();
    let mut inside = dom.descendants(table);
    while let Some(id) = inside.next() {
        match dom.name(id) {
            // Tables inside of cells belong to the cell.
            "table" => inside.start = dom.after(id),
            "tr" => {
                let cells = dom
                    .children(id)
                    .filter(|c| matches!(dom.name(*c), "td" | "th"));
                let cells = cells
                    .map(|cell| crate::rich::to_markdown(&read_blocks(dom, cell, bold_classes)));
                rows.push((dom.line(id), cells.collect()));
            }
            _ => {}
        }
    }
    rows
}
