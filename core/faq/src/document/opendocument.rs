//! OpenDocument texts (ODT): headings, bold lines, lists, tables and links of `content.xml`.

use super::Document;
use super::outline::read_outline;
use super::package::{Package, damaged};
use super::text_builder::TextBuilder;
use super::word::HOW_TO;
use super::xml::{attribute, resolve};
use crate::rich::{BlockKind, Span};
use crate::{FileFormat, ReadError, ReadOptions};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::HashMap;

const FORMAT: FileFormat = FileFormat::OpenDocumentText;

/// Parts of a text that aren't read: notes, deleted text, tables of contents.
const SKIPPED: &[&str] = &[
    "annotation",
    "note",
    "tracked-changes",
    "table-of-content",
    "alphabetical-index",
    "bibliography",
    "forms",
];

/// Maximum number of nested formats.
const MAX_FORMATS: usize = 64;

/// Properties of a style.
#[derive(Clone, Default)]
struct Style {
    bold: Option<bool>,
    italic: Option<bool>,
    parent: String,
}

/// Reads an OpenDocument text.
///
/// # Errors
/// [`ReadError`], when the text is damaged, has a password, or has no questions and answers.
pub(super) fn read(mut package: Package, options: &ReadOptions) -> Result<Document, ReadError> {
    let manifest = package.read("META-INF/manifest.xml")?.unwrap_or_default();
    if String::from_utf8_lossy(&manifest).contains("encryption-data") {
        return Err(ReadError::Refused {
            kind: "a text document with a password",
            remedy: "Open it, save a copy without a password, and choose the copy.",
        });
    }
    let mut styles = HashMap::new();
    if let Some(xml) = package.read("styles.xml")? {
        read_styles(&String::from_utf8_lossy(&xml), &mut styles);
    }
    let xml = package.read_text("content.xml")?;
    read_styles(&xml, &mut styles);
    let blocks = read_blocks(&xml, &styles).map_err(|error| damaged(FORMAT, &error))?;
    let document = read_outline(FORMAT, blocks.finish(), options.columns.as_ref());
    document.or_nothing_found(HOW_TO)
}

fn read_styles(xml: &str, styles: &mut HashMap<String, Style>) {
    let mut reader = Reader::from_str(xml);
    let mut name = String::new();
    while let Ok(event) = reader.read_event() {
        match &event {
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                "style" => {
                    name = attribute(e, "name").unwrap_or_default();
                    let parent = attribute(e, "parent-style-name").unwrap_or_default();
                    let style = Style {
                        parent,
                        ..Style::default()
                    };
                    styles.insert(name.clone(), style);
                }
                "text-properties" => {
                    if let Some(style) = styles.get_mut(&name) {
                        let weight = attribute(e, "font-weight");
                        style.bold = weight.map(|weight| is_bold(&weight));
                        let slant = attribute(e, "font-style");
                        style.italic = slant.map(|slant| slant != "normal");
                    }
                }
                "body" => return,
                _ => {}
            },
            Event::Eof => return,
            _ => {}
        }
    }
}

fn is_bold(weight: &str) -> bool {
    weight == "bold" || weight.parse().is_ok_and(|weight: u16| weight >= 600)
}

/// Finds the properties of a style, also those of the styles it is based on.
fn find_style(styles: &HashMap<String, Style>, name: &str) -> Style {
    let mut found = Style::default();
    let mut name = name.to_owned();
    for _ in 0..16 {
        let Some(style) = styles.get(&name) else {
            break;
        };
        found.bold = found.bold.or(style.bold);
        found.italic = found.italic.or(style.italic);
        name.clone_from(&style.parent);
    }
    found
}

/// Level of a paragraph whose style is one of a heading: `Heading_20_2`, or `Title`.
fn style_level(styles: &HashMap<String, Style>, name: &str) -> Option<u8> {
    let mut name = name.to_owned();
    for _ in 0..16 {
        if name == "Title" {
            return Some(1);
        }
        if let Some(level) = name
            .strip_prefix("Heading_20_")
            .and_then(|n| n.parse().ok())
        {
            return Some(level).filter(|level| (1..=9).contains(level));
        }
        name.clone_from(&styles.get(&name)?.parent);
    }
    None
}

fn read_blocks(
    xml: &str,
    styles: &HashMap<String, Style>,
) -> Result<TextBuilder, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut builder = TextBuilder::default();
    let mut kind = BlockKind::Paragraph;
    let mut in_paragraph = false;
    // Formats of the paragraph and of the spans and links inside it.
    let mut formats: Vec<Span> = Vec::new();
    let mut list_depth = 0u8;
    let mut skipped = 0usize;
    let mut columns = 1;
    loop {
        let event = reader.read_event()?;
        let is_empty = matches!(event, Event::Empty(_));
        let format = formats.last().cloned().unwrap_or_default();
        let push = |builder: &mut TextBuilder, text: &str| {
            builder.push(Span {
                text: text.to_owned(),
                ..format.clone()
            });
        };
        match &event {
            Event::Eof => return Ok(builder),
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                name if SKIPPED.contains(&name) && !is_empty => skipped += 1,
                _ if skipped > 0 => {}
                name @ ("p" | "h") if !is_empty => {
                    let style = attribute(e, "style-name").unwrap_or_default();
                    let level = match name {
                        "h" => attribute(e, "outline-level")
                            .and_then(|l| l.parse().ok())
                            .or(Some(1)),
                        _ => style_level(styles, &style),
                    };
                    kind = match level {
                        Some(level) => BlockKind::Heading(level),
                        None if list_depth > 0 => BlockKind::Item(list_depth - 1, None),
                        None => BlockKind::Paragraph,
                    };
                    let found = find_style(styles, &style);
                    formats = vec![Span {
                        bold: found.bold.unwrap_or(false),
                        italic: found.italic.unwrap_or(false),
                        ..Span::default()
                    }];
                    in_paragraph = true;
                }
                "span" | "a" if !is_empty && in_paragraph => {
                    let style = attribute(e, "style-name").unwrap_or_default();
                    let found = find_style(styles, &style);
                    let is_link = e.local_name().as_ref() == "a";
                    let link = attribute(e, "href").filter(|_| is_link);
                    if formats.len() < MAX_FORMATS {
                        formats.push(Span {
                            bold: found.bold.unwrap_or(format.bold),
                            italic: found.italic.unwrap_or(format.italic),
                            link: link.or(format.link),
                            ..Span::default()
                        });
                    }
                }
                "line-break" => push(&mut builder, "\n"),
                "s" | "tab" if in_paragraph => push(&mut builder, " "),
                "list" if !is_empty => list_depth = list_depth.saturating_add(1),
                "table" if !is_empty => builder.start_table(),
                "table-cell" | "covered-table-cell" => {
                    let span = attribute(e, "number-columns-spanned");
                    columns = span.and_then(|span| span.parse().ok()).unwrap_or(1);
                    if is_empty {
                        builder.end_cell(1, true);
                    }
                }
                _ => {}
            },
            Event::Text(text) if in_paragraph && skipped == 0 => {
                push(&mut builder, &text.replace(['\n', '\t'], " "));
            }
            Event::GeneralRef(entity) if in_paragraph && skipped == 0 => {
                push(&mut builder, &resolve(entity));
            }
            Event::End(e) => match e.local_name().as_ref() {
                name if SKIPPED.contains(&name) => skipped = skipped.saturating_sub(1),
                _ if skipped > 0 => {}
                "p" | "h" => {
                    builder.end_paragraph(core::mem::take(&mut kind));
                    in_paragraph = false;
                    formats.clear();
                }
                "span" | "a" if formats.len() > 1 => {
                    formats.pop();
                }
                "list" => list_depth = list_depth.saturating_sub(1),
                // Covered cells follow a cell that spans columns.
                "table-cell" => builder.end_cell(1.min(columns), false),
                "covered-table-cell" => builder.end_cell(1, true),
                "table-row" => builder.end_row(),
                "table" => builder.end_table(),
                _ => {}
            },
            _ => {}
        }
    }
}
