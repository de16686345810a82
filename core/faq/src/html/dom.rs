//! A tree of elements and texts, built from the tokens of `html5ever`.
//!
//! The tree builder of `html5ever` walks the open elements at nearly every tag, and copies
//! formatting elements without a bound, so hostile pages take quadratic time and memory. Reading an
//! FAQ needs neither scripts nor exact repair of tables, only which text stands inside which
//! element: end tags that pages leave out are implied, and elements nested deeper than a limit
//! become children of the deepest one.

use core::cell::RefCell;
use html5ever::LocalName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// Number of a node; the root is 0.
pub(crate) type NodeId = u32;

/// Marks the absence of a node.
const NONE: NodeId = NodeId::MAX;

/// Attributes that are kept.
const ATTRIBUTES: &[&str] = &[
    "alt",
    "aria-controls",
    "class",
    "data-bs-target",
    "data-bs-toggle",
    "data-target",
    "data-toggle",
    "href",
    "id",
    "itemprop",
    "itemtype",
    "name",
    "property",
    "role",
    "src",
    "style",
    "type",
    "typeof",
];

/// Elements without content.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Elements that end an open paragraph.
const CLOSES_PARAGRAPH: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "ul",
];

#[derive(Debug)]
struct Node {
    parent: NodeId,
    first_child: NodeId,
    last_child: NodeId,
    next_sibling: NodeId,
    line: u32,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Range of the text in [`Dom::text`].
    Text(usize, usize),
    Element(LocalName, Vec<(LocalName, StrTendril)>),
}

/// Elements and texts of a page.
#[derive(Debug)]
pub(crate) struct Dom {
    nodes: Vec<Node>,
    /// All texts, one after another.
    text: String,
}

/// State of building a tree.
struct Builder {
    dom: Dom,
    /// Open elements, the innermost one last.
    open: Vec<NodeId>,
    depth: usize,
}

struct Sink(RefCell<Builder>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<()> {
        let mut builder = self.0.borrow_mut();
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                return builder.start(tag, line);
            }
            Token::TagToken(tag) => builder.end(&tag.name, line),
            Token::CharacterTokens(text) => builder.add_text(&text, line),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Builder {
    fn push_node(&mut self, content: Content, line: u32) -> NodeId {
        let nodes = &mut self.dom.nodes;
        let id = NodeId::try_from(nodes.len()).unwrap_or(NONE);
        let parent = self.open.last().copied().unwrap_or(0);
        nodes.push(Node {
            parent,
            first_child: NONE,
            last_child: NONE,
            next_sibling: NONE,
            line,
            content,
        });
        if let Some(node) = nodes.get_mut(parent as usize) {
            let last = core::mem::replace(&mut node.last_child, id);
            if last == NONE {
                node.first_child = id;
            } else if let Some(last) = nodes.get_mut(last as usize) {
                last.next_sibling = id;
            }
        }
        id
    }

    fn add_text(&mut self, text: &str, line: u32) {
        let from = self.dom.text.len();
        self.dom.text.push_str(text);
        let to = self.dom.text.len();
        // The tokenizer hands out texts in pieces.
        let parent = self.open.last().copied().unwrap_or(0);
        if let Some(last) = self
            .dom
            .nodes
            .get(parent as usize)
            .map(|node| node.last_child)
            && let Some(Node {
                content: Content::Text(_, end),
                ..
            }) = self.dom.nodes.get_mut(last as usize)
            && *end == from
        {
            *end = to;
            return;
        }
        self.push_node(Content::Text(from, to), line);
    }

    fn start(&mut self, tag: Tag, line: u32) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        match name {
            "li" => self.close_within(&["li"], &["ul", "ol", "menu", "dir"]),
            "dt" | "dd" => self.close_within(&["dt", "dd"], &["dl"]),
            "tr" => self.close_within(&["tr"], &["table"]),
            "td" | "th" => self.close_within(&["td", "th"], &["tr", "table"]),
            "thead" | "tbody" | "tfoot" => {
                self.close_within(&["thead", "tbody", "tfoot", "tr"], &["table"]);
            }
            "option" => self.close_within(&["option"], &["select"]),
            "body" | "html" | "head" if self.open.len() > 1 => {
                // A second one only adds attributes.
                if name != "body" {
                    return TokenSinkResult::Continue;
                }
                self.close_within(&["head"], &[]);
            }
            _ => {}
        }
        if CLOSES_PARAGRAPH.contains(&name) {
            self.close_paragraph();
        }
        let is_void = VOID.contains(&name);
        let raw = match name {
            "script" => Some(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(RawKind::Rawtext),
            "title" | "textarea" => Some(RawKind::Rcdata),
            _ => None,
        };
        let attributes = tag.attrs.into_iter().filter_map(|attribute| {
            let name = attribute.name.local;
            ATTRIBUTES
                .contains(&&*name)
                .then_some((name, attribute.value))
        });
        let attributes = attributes.collect();
        let is_foreign = tag.self_closing && matches!(name, "path" | "use" | "svg" | "circle");
        let id = self.push_node(Content::Element(tag.name, attributes), line);
        if !is_void && !is_foreign && self.open.len() < self.depth {
            self.open.push(id);
        }
        match raw {
            Some(kind) => TokenSinkResult::RawData(kind),
            None => TokenSinkResult::Continue,
        }
    }

    fn end(&mut self, name: &str, line: u32) {
        if name == "br" {
            self.push_node(Content::Element(LocalName::from("br"), Vec::new()), line);
            return;
        }
        let is_table_part = matches!(
            name,
            "table" | "tr" | "td" | "th" | "thead" | "tbody" | "tfoot" | "caption"
        );
        for (index, id) in self.open.iter().enumerate().skip(1).rev() {
            let open = self.dom.name(*id);
            if open == name {
                self.open.truncate(index);
                return;
            }
            // An end tag closes nothing outside of its table cell.
            if !is_table_part && matches!(open, "td" | "th" | "table") {
                return;
            }
        }
    }

    /// Closes the innermost element of these names, unless an element of `bounds` is further in.
    fn close_within(&mut self, names: &[&str], bounds: &[&str]) {
        for (index, id) in self.open.iter().enumerate().skip(1).rev() {
            let open = self.dom.name(*id);
            if names.contains(&open) {
                self.open.truncate(index);
                return;
            }
            if bounds.contains(&open) {
                return;
            }
        }
    }

    fn close_paragraph(&mut self) {
        for (index, id) in self.open.iter().enumerate().skip(1).rev() {
            match self.dom.name(*id) {
                "p" => {
                    self.open.truncate(index);
                    return;
                }
                name if is_inline(name) => {}
                _ => return,
            }
        }
    }
}

/// Whether an element stands within a line of text.
pub(super) fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "abbr"
            | "acronym"
            | "b"
            | "bdi"
            | "bdo"
            | "big"
            | "br"
            | "button"
            | "cite"
            | "code"
            | "del"
            | "dfn"
            | "em"
            | "font"
            | "i"
            | "img"
            | "input"
            | "ins"
            | "kbd"
            | "label"
            | "mark"
            | "q"
            | "s"
            | "samp"
            | "small"
            | "span"
            | "strike"
            | "strong"
            | "sub"
            | "sup"
            | "time"
            | "tt"
            | "u"
            | "var"
            | "wbr"
    )
}

impl Dom {
    /// Parses a page or a piece of HTML; elements nest at most `depth` levels.
    pub(crate) fn parse(html: &str, depth: usize) -> Self {
        let root = Node {
            parent: NONE,
            first_child: NONE,
            last_child: NONE,
            next_sibling: NONE,
            line: 1,
            content: Content::Element(LocalName::from(""), Vec::new()),
        };
        let builder = Builder {
            dom: Self {
                nodes: vec![root],
                text: String::new(),
            },
            open: vec![0],
            depth: depth.max(2),
        };
        let tokenizer = Tokenizer::new(Sink(RefCell::new(builder)), TokenizerOpts::default());
        let input = BufferQueue::default();
        // Pieces keep the tokenizer's buffers small.
        let mut rest = html;
        while !rest.is_empty() {
            let mut at = rest.len().min(1 << 16);
            while !rest.is_char_boundary(at) {
                at -= 1;
            }
            let (piece, more) = rest.split_at(at);
            rest = more;
            input.push_back(StrTendril::from_slice(piece));
            // The sink never asks for a pause.
            let _ = tokenizer.feed(&input);
        }
        tokenizer.end();
        tokenizer.sink.0.into_inner().dom
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id as usize)
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Name of an element; empty for a text and the root.
    pub(crate) fn name(&self, id: NodeId) -> &str {
        match self.node(id).map(|node| &node.content) {
            Some(Content::Element(name, _)) => name,
            _ => "",
        }
    }

    /// Text of a text node.
    pub(crate) fn text(&self, id: NodeId) -> Option<&str> {
        match self.node(id)?.content {
            Content::Text(from, to) => self.text.get(from..to),
            Content::Element(..) => None,
        }
    }

    /// Value of an attribute; empty if the element lacks it.
    pub(crate) fn attribute(&self, id: NodeId, name: &str) -> &str {
        let Some(Content::Element(_, attributes)) = self.node(id).map(|node| &node.content) else {
            return "";
        };
        let found = attributes.iter().find(|attribute| &*attribute.0 == name);
        found.map_or("", |attribute| &attribute.1)
    }

    /// Line on which a node begins, counted from 1.
    pub(crate) fn line(&self, id: NodeId) -> u64 {
        self.node(id).map_or(1, |node| u64::from(node.line))
    }

    pub(crate) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id)
            .map(|node| node.parent)
            .filter(|id| *id != NONE)
    }

    /// Children of a node, in order.
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let first = self.node(id).map_or(NONE, |node| node.first_child);
        self.chain(first)
    }

    /// Siblings after a node, in order.
    pub(crate) fn next_siblings(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let next = self.node(id).map_or(NONE, |node| node.next_sibling);
        self.chain(next)
    }

    fn chain(&self, first: NodeId) -> impl Iterator<Item = NodeId> {
        let existing = |id: NodeId| (id != NONE).then_some(id);
        core::iter::successors(existing(first), move |id| {
            existing(self.node(*id).map_or(NONE, |node| node.next_sibling))
        })
    }

    /// Whether `ancestor` contains the node, or is the node.
    pub(crate) fn contains(&self, ancestor: NodeId, id: NodeId) -> bool {
        core::iter::successors(Some(id), |id| self.parent(*id)).any(|id| id == ancestor)
    }

    /// First node after the node and its descendants.
    pub(crate) fn after(&self, id: NodeId) -> NodeId {
        let mut id = id;
        loop {
            if let Some(next) = self.next_siblings(id).next() {
                return next;
            }
            match self.parent(id) {
                Some(parent) => id = parent,
                None => return NodeId::try_from(self.nodes.len()).unwrap_or(NONE),
            }
        }
    }

    /// All nodes inside a node, in order. Nodes are numbered in this order.
    pub(crate) fn descendants(&self, id: NodeId) -> core::ops::Range<NodeId> {
        id + 1..self.after(id)
    }

    /// Text of a node and its descendants, with white space collapsed.
    pub(crate) fn plain_text(&self, id: NodeId) -> String {
        let mut words = String::new();
        let mut inner = id..self.after(id);
        while let Some(id) = inner.next() {
            if let Some(text) = self.text(id) {
                words.push_str(text);
            } else if matches!(self.name(id), "script" | "style" | "svg" | "template") {
                inner.start = self.after(id);
            } else if !is_inline(self.name(id)) || self.name(id) == "br" {
                words.push(' ');
            }
        }
        let words: Vec<&str> = words.split_whitespace().collect();
        words.join(" ")
    }
}
