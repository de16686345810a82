//! Word documents (DOCX): headings, bold lines, lists, tables and links of `word/document.xml`.
//!
//! Read with `quick-xml`, since only the text and a few properties of paragraphs are needed.

use super::Document;
use super::outline::read_outline;
use super::package::{Package, damaged};
use super::text_builder::TextBuilder;
use super::xml::{attribute, resolve};
use crate::rich::{BlockKind, Span};
use crate::{FileFormat, ReadError, ReadOptions};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

const FORMAT: FileFormat = FileFormat::Word;

/// Advice for text documents without questions.
pub(super) const HOW_TO: &str = "Write each question as a heading, in bold, or after Q:, with its \
                                 answer below it, or use a table with the columns question and \
                                 answer.";

/// Number of styles that a style may be based on, one upon another.
const MAX_PARENTS: usize = 16;

/// Properties of a paragraph style.
#[derive(Clone, Default)]
struct Style {
    level: Option<u8>,
    bold: Option<bool>,
    /// Depth of the list that paragraphs of this style are items of.
    list_depth: Option<u8>,
    parent: String,
}

/// Reads a Word document.
///
/// # Errors
/// [`ReadError`], when the document is damaged or has no questions and answers.
pub(super) fn read(mut package: Package, options: &ReadOptions) -> Result<Document, ReadError> {
    let main = package
        .find("word/document", ".xml")
        .ok_or_else(|| damaged(FORMAT, &"it has no text"))?;
    let xml = package.read_text(&main)?;
    let styles = match package.read("word/styles.xml")? {
        Some(styles) => read_styles(&String::from_utf8_lossy(&styles)),
        None => HashMap::new(),
    };
    let part = main.rsplit('/').next().unwrap_or_default();
    let links = match package.read(&format!("word/_rels/{part}.rels"))? {
        Some(links) => read_links(&String::from_utf8_lossy(&links)),
        None => HashMap::new(),
    };
    let blocks = read_blocks(&xml, &styles, &links).map_err(|error| damaged(FORMAT, &error))?;
    let document = read_outline(FORMAT, blocks.finish(), options.columns.as_ref());
    document.or_nothing_found(HOW_TO)
}

/// Reads the styles by their identifiers. A damaged rest is left out, since texts matter more.
fn read_styles(xml: &str) -> HashMap<String, Style> {
    let mut reader = Reader::from_str(xml);
    let mut styles: HashMap<String, Style> = HashMap::new();
    let mut id = String::new();
    while let Ok(event) = reader.read_event() {
        let (Event::Start(e) | Event::Empty(e)) = &event else {
            if event == Event::Eof {
                break;
            }
            continue;
        };
        let value = || attribute(e, "val").unwrap_or_default();
        if e.local_name().as_ref() == "style" {
            id = attribute(e, "styleId").unwrap_or_default();
            styles.insert(id.clone(), Style::default());
            continue;
        }
        let Some(style) = styles.get_mut(&id) else {
            continue;
        };
        match e.local_name().as_ref() {
            "name" => style.level = style.level.or_else(|| heading_level(&value())),
            "basedOn" => style.parent = value(),
            "outlineLvl" => style.level = outline_level(&value()).or(style.level),
            "b" => style.bold = Some(is_on(e)),
            "numPr" => style.list_depth = style.list_depth.or(Some(0)),
            "ilvl" => style.list_depth = value().parse().ok(),
            _ => {}
        }
    }
    styles
}

/// Level of a style by its name: `heading 2`, or `Title`.
fn heading_level(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if name == "title" {
        return Some(1);
    }
    let level = name.strip_prefix("heading")?.trim().parse().ok()?;
    (1..=9).contains(&level).then_some(level)
}

fn outline_level(value: &str) -> Option<u8> {
    value
        .parse::<u8>()
        .ok()
        .filter(|level| *level < 9)
        .map(|level| level + 1)
}

/// Whether a property without or with a value is on.
fn is_on(element: &BytesStart<'_>) -> bool {
    let value = attribute(element, "val");
    !matches!(value.as_deref(), Some("0" | "false" | "off" | "none"))
}

/// Reads the addresses of links by their identifiers.
fn read_links(xml: &str) -> HashMap<String, String> {
    let mut reader = Reader::from_str(xml);
    let mut links = HashMap::new();
    while let Ok(event) = reader.read_event() {
        match &event {
            Event::Start(e) | Event::Empty(e) if e.local_name().as_ref() == "Relationship" => {
                if let (Some(id), Some(target)) = (attribute(e, "Id"), attribute(e, "Target")) {
                    links.insert(id, target);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    links
}

/// Properties of the paragraph that is being read.
#[derive(Clone, Default)]
struct Paragraph {
    style: String,
    level: Option<u8>,
    list_depth: Option<u8>,
}

/// Format of the run that is being read.
#[derive(Clone, Default)]
struct Run {
    bold: Option<bool>,
    italic: bool,
}

fn find_style(styles: &HashMap<String, Style>, id: &str) -> Style {
    let mut found = Style::default();
    let mut id = id.to_owned();
    for _ in 0..MAX_PARENTS {
        let Some(style) = styles.get(&id) else { break };
        found.level = found.level.or(style.level);
        found.bold = found.bold.or(style.bold);
        found.list_depth = found.list_depth.or(style.list_depth);
        id.clone_from(&style.parent);
    }
    found
}

fn read_blocks(
    xml: &str,
    styles: &HashMap<String, Style>,
    links: &HashMap<String, String>,
) -> Result<TextBuilder, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut builder = TextBuilder::default();
    let mut paragraph = Paragraph::default();
    // Paragraphs around text boxes, which stand inside of a paragraph.
    let mut outer: Vec<(Paragraph, Vec<Span>)> = Vec::new();
    let (mut in_paragraph, mut in_text, mut in_run_properties) = (false, false, false);
    let mut run = Run::default();
    let mut link: Option<String> = None;
    // Parts that repeat others for older programs, or that were deleted.
    let mut skipped = 0usize;
    let (mut columns, mut continues_above) = (1, false);
    loop {
        let event = reader.read_event()?;
        let is_empty = matches!(event, Event::Empty(_));
        match &event {
            Event::Eof => return Ok(builder),
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                "Fallback" | "del" | "moveFrom" if !is_empty => skipped += 1,
                _ if skipped > 0 => {}
                "p" if !is_empty => {
                    if in_paragraph {
                        outer.push((core::mem::take(&mut paragraph), builder.take_spans()));
                    }
                    paragraph = Paragraph::default();
                    in_paragraph = true;
                }
                "p" => builder.end_paragraph(BlockKind::Paragraph),
                "pStyle" => {
                    paragraph.style = attribute(e, "val").unwrap_or_default();
                }
                "outlineLvl" => {
                    paragraph.level = outline_level(&attribute(e, "val").unwrap_or_default());
                }
                "ilvl" => {
                    let depth = attribute(e, "val").and_then(|depth| depth.parse().ok());
                    paragraph.list_depth = depth;
                }
                "numId" if attribute(e, "val").as_deref() == Some("0") => {
                    paragraph.list_depth = None;
                }
                "r" => run = Run::default(),
                "rPr" => in_run_properties = !is_empty,
                "b" if in_run_properties => run.bold = Some(is_on(e)),
                "i" if in_run_properties => run.italic = is_on(e),
                "t" => in_text = !is_empty,
                "br" | "cr" => builder.push(make_span("\n", &run, styles, &paragraph, &link)),
                "tab" if in_paragraph && !in_run_properties => {
                    builder.push(make_span(" ", &run, styles, &paragraph, &link));
                }
                "noBreakHyphen" => {
                    builder.push(make_span("-", &run, styles, &paragraph, &link));
                }
                "hyperlink" if !is_empty => {
                    let id = attribute(e, "id").unwrap_or_default();
                    link = links.get(&id).cloned();
                }
                "tbl" if !is_empty => builder.start_table(),
                "tc" => (columns, continues_above) = (1, false),
                "gridSpan" => {
                    let span = attribute(e, "val").and_then(|span| span.parse().ok());
                    columns = span.unwrap_or(1);
                }
                "vMerge" => {
                    continues_above = attribute(e, "val").as_deref() != Some("restart");
                }
                _ => {}
            },
            Event::Text(text) if in_text && skipped == 0 => {
                builder.push(make_span(text, &run, styles, &paragraph, &link));
            }
            Event::GeneralRef(entity) if in_text && skipped == 0 => {
                builder.push(make_span(&resolve(entity), &run, styles, &paragraph, &link));
            }
            Event::End(e) => match e.local_name().as_ref() {
                "Fallback" | "del" | "moveFrom" => skipped = skipped.saturating_sub(1),
                _ if skipped > 0 => {}
                "t" => in_text = false,
                "rPr" => in_run_properties = false,
                "hyperlink" => link = None,
                "p" => {
                    builder.end_paragraph(kind_of(&paragraph, styles));
                    in_paragraph = false;
                    if let Some((around, spans)) = outer.pop() {
                        paragraph = around;
                        builder.restore_spans(spans);
                        in_paragraph = true;
                    }
                }
                "tc" => builder.end_cell(columns, continues_above),
                "tr" => builder.end_row(),
                "tbl" => builder.end_table(),
                _ => {}
            },
            _ => {}
        }
    }
}

fn kind_of(paragraph: &Paragraph, styles: &HashMap<String, Style>) -> BlockKind {
    let style = find_style(styles, &paragraph.style);
    let level = paragraph.level.or(style.level);
    // Styles have English names for themselves even without a definition.
    let level = level.or_else(|| heading_level(&paragraph.style));
    match (level, paragraph.list_depth.or(style.list_depth)) {
        (Some(level), _) => BlockKind::Heading(level),
        (None, Some(depth)) => BlockKind::Item(depth, None),
        (None, None) => BlockKind::Paragraph,
    }
}

fn make_span(
    text: &str,
    run: &Run,
    styles: &HashMap<String, Style>,
    paragraph: &Paragraph,
    link: &Option<String>,
) -> Span {
    let bold = run
        .bold
        .or_else(|| find_style(styles, &paragraph.style).bold);
    Span {
        text: text.to_owned(),
        bold: bold.unwrap_or(false),
        italic: run.italic,
        code: false,
        link: link.clone(),
    }
}
