//! OpenDocument spreadsheets (ODS).
//!
//! Read with `quick-xml`, because the cells hold their texts as people see them (formatted numbers
//! and dates), which `calamine` replaces by values, and because repeated empty cells then cost no
//! memory.

use super::Document;
use super::package::{Package, damaged};
use super::workbook::{CellCollector, SheetName, read_sheets};
use super::xml::attribute;
use crate::{FileFormat, ReadError, ReadOptions};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashSet;

/// Maximum number of times that a row or cell with text is repeated.
const MAX_REPEATS: u32 = 1000;

/// Reads an ODS spreadsheet.
///
/// # Errors
/// [`ReadError`], when the spreadsheet is damaged or has no table of questions and answers.
pub(super) fn read(mut package: Package, options: &ReadOptions) -> Result<Document, ReadError> {
    let manifest = package.read("META-INF/manifest.xml")?.unwrap_or_default();
    if String::from_utf8_lossy(&manifest).contains("encryption-data") {
        return Err(ReadError::Refused {
            kind: "a spreadsheet with a password",
            remedy: "Open it, save a copy without a password, and choose the copy.",
        });
    }
    let content = package.read_text("content.xml")?;
    let tables = parse_tables(&content).map_err(|error| damaged(FileFormat::Workbook, &error))?;
    let names: Vec<SheetName> = tables
        .iter()
        .map(|table| SheetName {
            name: table.name.clone(),
            is_hidden: table.is_hidden,
        })
        .collect();
    let mut tables = tables.into_iter();
    read_sheets(&names, options, &mut |name| {
        let table = tables.find(|table| table.name == name);
        Ok::<_, quick_xml::Error>(table.and_then(|table| table.cells.finish(&[])))
    })
}

struct Table {
    name: String,
    is_hidden: bool,
    cells: CellCollector,
}

/// State of reading one cell.
#[derive(Default)]
struct Cell {
    text: String,
    columns: u32,
    rows: u32,
    has_paragraph: bool,
}

fn parse_tables(xml: &str) -> Result<Vec<Table>, quick_xml::Error> {
    let mut reader = Reader::from_str(xml);
    let mut tables: Vec<Table> = Vec::new();
    let mut hidden_styles: HashSet<String> = HashSet::new();
    let mut style = String::new();
    let (mut row, mut column) = (0u32, 0u32);
    let mut row_repeats = 1;
    let mut cell: Option<Cell> = None;
    // Cells spanning several rows: column, text and first row after the area.
    let mut spans: Vec<(u32, String, u32)> = Vec::new();
    // Notes and comments within cells aren't part of their texts.
    let mut annotations = 0;
    loop {
        let event = reader.read_event()?;
        let is_empty = matches!(event, Event::Empty(_));
        match &event {
            Event::Eof => return Ok(tables),
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                "annotation" if !is_empty => annotations += 1,
                "style" => style = attribute(e, "name").unwrap_or_default(),
                "table-properties" if attribute(e, "display").as_deref() == Some("false") => {
                    hidden_styles.insert(style.clone());
                }
                "table" => {
                    let name = attribute(e, "name").unwrap_or_default();
                    let style = attribute(e, "style-name").unwrap_or_default();
                    tables.push(Table {
                        cells: CellCollector::new(&name),
                        name,
                        is_hidden: hidden_styles.contains(&style),
                    });
                    row = 0;
                    spans.clear();
                }
                "table-row" => {
                    column = 0;
                    row_repeats = repeats(e, "number-rows-repeated");
                    if is_empty {
                        row = row.saturating_add(row_repeats);
                    }
                }
                name @ ("table-cell" | "covered-table-cell") => {
                    let columns = repeats(e, "number-columns-repeated");
                    if name == "covered-table-cell" {
                        let text = spans.iter().find(|span| span.0 == column && row < span.2);
                        if let (Some((_, text, _)), Some(table)) = (text, tables.last_mut()) {
                            table.cells.add(row, column, text.clone());
                        }
                    }
                    let rows = repeats(e, "number-rows-spanned");
                    if is_empty {
                        column = column.saturating_add(columns);
                    } else {
                        cell = Some(Cell {
                            columns,
                            rows,
                            ..Cell::default()
                        });
                    }
                }
                "p" | "h" if annotations == 0 => {
                    if let Some(cell) = &mut cell {
                        if cell.has_paragraph {
                            cell.text.push('\n');
                        }
                        cell.has_paragraph = true;
                    }
                }
                "line-break" if annotations == 0 => push(&mut cell, "\n"),
                "s" | "tab" if annotations == 0 => push(&mut cell, " "),
                _ => {}
            },
            Event::Text(text) if annotations == 0 => {
                if let Some(cell) = cell.as_mut().filter(|cell| cell.has_paragraph) {
                    cell.text.push_str(text);
                }
            }
            Event::GeneralRef(entity) if annotations == 0 => {
                push(&mut cell, &super::xml::resolve(entity));
            }
            Event::End(e) => match e.local_name().as_ref() {
                "annotation" => annotations -= 1,
                "table-cell" | "covered-table-cell" => {
                    let Some(cell) = cell.take() else { continue };
                    if let Some(table) = tables.last_mut()
                        && !cell.text.is_empty()
                    {
                        for repeat in 0..cell.columns.min(MAX_REPEATS) {
                            let column = column.saturating_add(repeat);
                            table.cells.add(row, column, cell.text.clone());
                        }
                        if cell.rows > 1 {
                            spans.retain(|span| span.2 > row);
                            spans.push((column, cell.text, row.saturating_add(cell.rows)));
                        }
                    }
                    column = column.saturating_add(cell.columns);
                }
                "table-row" => row = row.saturating_add(row_repeats),
                _ => {}
            },
            _ => {}
        }
    }
}

fn push(cell: &mut Option<Cell>, text: &str) {
    if let Some(cell) = cell {
        cell.text.push_str(text);
    }
}

/// Reads a count of repetitions, 1 if there is none.
fn repeats(element: &BytesStart<'_>, name: &str) -> u32 {
    let count = attribute(element, name).and_then(|count| count.parse().ok());
    count.unwrap_or(1).max(1)
}
