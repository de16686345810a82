//! HTML: pages, and formatted texts within other files.

mod blocks;
mod dom;

pub(crate) use blocks::{boldness_of_classes, read_blocks, read_nodes, read_rows, read_untaken};
pub(crate) use dom::{Dom, NodeId};

/// Depth to which the elements of a piece of HTML may nest.
const DEPTH: usize = 256;

/// Converts a piece of HTML to Markdown: links, lists, bold and italic text, tables.
pub(crate) fn html_to_markdown(html: &str) -> String {
    let dom = Dom::parse(html, DEPTH);
    crate::rich::to_markdown(&read_blocks(&dom, 0, &Default::default()))
}

/// Converts a piece of HTML to plain text on one line.
pub(crate) fn html_to_text(html: &str) -> String {
    Dom::parse(html, DEPTH).plain_text(0)
}
