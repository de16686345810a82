//! Web pages.
//!
//! Pages say in three ways what their questions are: in JSON-LD for search engines, by elements
//! made for questions (microdata, `<details>`, `<dl>`, accordions), and by headings or bold lines.
//! The first two are exact, so the outline of the page counts only where they give little.

mod json_ld;
mod marked;

use self::marked::Marked;
use super::outline;
use super::{Document, FieldRecord, FieldValue, Head, Records, Section, TextFormat};
use crate::html::{Dom, boldness_of_classes, read_blocks};
use crate::{FileFormat, ReadError, ReadOptions, text};
use std::collections::HashSet;

/// Web pages, recognized by their first tags.
pub(super) const FORMAT: TextFormat = TextFormat {
    format: FileFormat::Html,
    recognize,
    read,
};

const HOW_TO: &str = "Questions are recognized in FAQPage data, <details>, <dl>, accordions, \
                      tables, headings and bold lines. Save the page completely if its texts are \
                      loaded later, or copy them into a table.";

/// Whether a text begins like a web page.
fn recognize(head: &Head<'_>) -> bool {
    let text = head.text.trim_start();
    let beginning: String = text
        .chars()
        .take(2048)
        .collect::<String>()
        .to_ascii_lowercase();
    if beginning.starts_with("<?xml") {
        return beginning.contains("<html") || beginning.contains("<!doctype html");
    }
    if beginning.starts_with("<!doctype html") || beginning.starts_with("<html") {
        return true;
    }
    // Beginnings of pieces of pages; Markdown may begin with some of these too.
    let is_piece = TAGS.iter().any(|tag| {
        let rest = beginning
            .strip_prefix('<')
            .and_then(|rest| rest.strip_prefix(tag));
        rest.is_some_and(|rest| rest.starts_with([' ', '>', '\n', '\r', '\t']))
    }) || beginning.starts_with("<!--");
    let is_named = head.has_extension(&["html", "htm", "xhtml", "shtml", "mhtml"]);
    if is_named {
        return is_piece || beginning.contains('<');
    }
    let is_markdown = head.has_extension(&["md", "mdx", "markdown", "csv", "tsv"]);
    // Most of a piece is elements, with `</` for each.
    is_piece
        && !is_markdown
        && beginning.matches("</").count() * 100 >= beginning.len().min(400)
        && !has_markdown_headings(text)
}

const TAGS: &[&str] = &[
    "head", "body", "div", "section", "main", "article", "details", "dl", "ul", "ol", "h1", "h2",
    "h3", "h4", "p", "table", "header", "script", "style", "meta", "link", "title", "center",
    "span", "nav",
];

fn has_markdown_headings(text: &str) -> bool {
    text.lines()
        .any(|line| line.starts_with("# ") || line.starts_with("## "))
}

/// Reads the questions and answers of a web page.
///
/// # Errors
/// [`ReadError::NothingFound`], when the page has none.
fn read(html: &str, options: &ReadOptions) -> Result<Document, ReadError> {
    let dom = Dom::parse(html, options.limits.depth);
    let lines = html.lines().count() as u64;
    let bold_classes = boldness_of_classes(&dom);
    let data = json_ld::find_pairs(&dom, options.limits.depth);
    let choice = options.columns.as_ref();
    let Marked {
        mut records,
        tables,
        rest,
    } = marked::find_pairs(&dom, &bold_classes, choice);
    if !records.is_empty() {
        // Some questions may be headings beside the marked ones.
        records.extend(outline::find_asked_headings(without_contents(rest)));
        records.sort_by_key(|record| record.position);
    }
    let mut pairs = if data.is_empty() {
        records
    } else {
        merge(data, records)
    };
    let mut sections = tables;
    if choice.is_some() {
        // The chosen columns are those of a table.
        pairs.clear();
    }
    let in_tables: usize = sections.iter().map(Section::len).sum();
    if pairs.len() + in_tables < 2 {
        let page = read_blocks(&dom, 0, &bold_classes);
        // The outline needs as much memory again.
        drop(dom);
        let outline = outline::read_outline(FileFormat::Html, without_contents(page), choice);
        let found: usize = outline.sections.iter().map(Section::len).sum();
        if found > pairs.len() + in_tables {
            sections = outline.sections;
            pairs = Vec::new();
        }
    }
    if !pairs.is_empty() {
        sections.push(Section {
            common: Vec::new(),
            records: Records::Fields(pairs),
        });
    }
    let document = Document {
        format: FileFormat::Html,
        sections,
        lines,
        ..Document::default()
    };
    document.or_nothing_found(HOW_TO)
}

/// Completes the pairs of the page's data by pairs that only its elements have. The data of a page
/// often lists only some of its questions.
fn merge(data: Vec<FieldRecord>, marked: Vec<FieldRecord>) -> Vec<FieldRecord> {
    if marked.len() <= data.len() {
        return data;
    }
    let known: HashSet<String> = data.iter().map(question_key).collect();
    let is_known = |record: &FieldRecord| known.contains(&question_key(record));
    let shared = marked.iter().filter(|record| is_known(record)).count();
    // Other elements of the page that look alike, such as menus, share nothing with its data.
    if shared * 2 < data.len() {
        return data;
    }
    let more = marked.into_iter().filter(|record| !is_known(record));
    let mut all: Vec<FieldRecord> = data.into_iter().chain(more).collect();
    all.sort_by_key(|record| record.position);
    all
}

/// Question of a record without case, punctuation and numbers at its beginning.
fn question_key(record: &FieldRecord) -> String {
    let question = match record.fields.first() {
        Some((_, FieldValue::Text(question))) => question.as_str(),
        Some((_, FieldValue::Texts(questions))) => questions.first().map_or("", |q| q),
        None => "",
    };
    let question = text::normalize(question);
    question
        .trim_start_matches(|c: char| !c.is_alphabetic())
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect()
}

/// Removes list items and paragraphs that only link within the page: its table of contents.
fn without_contents(mut blocks: Vec<crate::rich::Block>) -> Vec<crate::rich::Block> {
    blocks.retain(|block| {
        let mut visible = block
            .spans
            .iter()
            .filter(|span| !text::is_blank(&span.text));
        let is_heading = matches!(block.kind, crate::rich::BlockKind::Heading(_));
        is_heading
            || block.spans.is_empty()
            || !visible.all(|span| {
                span.link
                    .as_deref()
                    .is_some_and(|link| link.starts_with('#'))
            })
    });
    blocks
}
