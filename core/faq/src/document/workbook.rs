//! Workbooks: XLSX, XLSM, XLSB and XLS.
//!
//! `calamine` reads the cells. XLSX and XLSB are read cell by cell, because a range of all cells
//! between the first and the last one could be far larger than the file.

use super::package::{Package, damaged};
use super::sheet::{MAX_CELLS, MAX_COLUMNS, Sheet, TOPIC};
use super::{CellRow, Document, Records, Section};
use crate::{FileFormat, IssueKind, ReadError, ReadOptions, text};
use calamine::{
    Data, DataRef, Dimensions, ExcelDateTime, Reader as _, SheetVisible, Xls, Xlsb, Xlsx,
};
use std::io::Cursor;

const FORMAT: FileFormat = FileFormat::Workbook;

const HOW_TO: &str = "Put the questions in one column and the answers in another, and name the \
                      columns question and answer in the first row.";

/// Name and visibility of a sheet.
pub(super) struct SheetName {
    pub(super) name: String,
    pub(super) is_hidden: bool,
}

/// Reads an XLSX or XLSM workbook.
///
/// # Errors
/// [`ReadError`], when the workbook is damaged or has no table of questions and answers.
pub(super) fn read_xlsx(
    mut package: Package,
    options: &ReadOptions,
) -> Result<Document, ReadError> {
    package.check_size()?;
    let bytes = Cursor::new(package.into_bytes());
    let mut book = Xlsx::new(bytes).map_err(|error| damaged(FORMAT, &error))?;
    let names = list_sheets(book.sheets_metadata());
    read_sheets(&names, options, &mut |name| {
        let mut cells = CellCollector::new(name);
        let mut reader = book.worksheet_cells_reader(name)?;
        let percents: Vec<Option<usize>> = reader
            .styles()
            .iter()
            .map(|style| {
                let format = style.number_format.as_ref()?;
                percent_places(&format.format_code)
            })
            .collect();
        while let Some((cell, style)) = reader.next_cell_with_style_id()? {
            let (row, column) = cell.get_position();
            let percent = percents.get(style).copied().flatten();
            if !cells.add(row, column, format_value(cell.get_value(), percent)) {
                break;
            }
        }
        drop(reader);
        let merged = book.merge_cells_by_sheet_name(name).unwrap_or_default();
        Ok::<_, calamine::XlsxError>(cells.finish(&merged))
    })
}

/// Reads an XLSB workbook.
///
/// # Errors
/// [`ReadError`], when the workbook is damaged or has no table of questions and answers.
pub(super) fn read_xlsb(
    mut package: Package,
    options: &ReadOptions,
) -> Result<Document, ReadError> {
    package.check_size()?;
    let bytes = Cursor::new(package.into_bytes());
    let mut book = Xlsb::new(bytes).map_err(|error| damaged(FORMAT, &error))?;
    let names = list_sheets(book.sheets_metadata());
    read_sheets(&names, options, &mut |name| {
        let mut cells = CellCollector::new(name);
        let mut reader = book.worksheet_cells_reader(name)?;
        while let Some(cell) = reader.next_cell()? {
            let (row, column) = cell.get_position();
            if !cells.add(row, column, format_value(cell.get_value(), None)) {
                break;
            }
        }
        Ok::<_, calamine::XlsbError>(cells.finish(&[]))
    })
}

/// Reads an XLS workbook.
///
/// # Errors
/// [`ReadError`], when the workbook is damaged or has no table of questions and answers.
pub(super) fn read_xls(bytes: Vec<u8>, options: &ReadOptions) -> Result<Document, ReadError> {
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| damaged(FORMAT, &error))?;
    let names = list_sheets(book.sheets_metadata());
    read_sheets(&names, options, &mut |name| {
        let mut cells = CellCollector::new(name);
        let range = book.worksheet_range(name)?;
        let (top, left) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let row = top.saturating_add(u32::try_from(row).unwrap_or(u32::MAX));
            let column = left.saturating_add(u32::try_from(column).unwrap_or(u32::MAX));
            if !cells.add(row, column, format_data(value)) {
                break;
            }
        }
        let merged = book.merge_cells_by_sheet_name(name).unwrap_or_default();
        Ok::<_, calamine::XlsError>(cells.finish(&merged))
    })
}

fn list_sheets(sheets: &[calamine::Sheet]) -> Vec<SheetName> {
    let names = sheets.iter().map(|sheet| SheetName {
        name: sheet.name.clone(),
        is_hidden: sheet.visible != SheetVisible::Visible,
    });
    names.collect()
}

/// Reads the chosen sheet, or all visible sheets with questions and answers.
///
/// # Errors
/// [`ReadError`], when no sheet can be read.
pub(super) fn read_sheets<E: core::fmt::Display>(
    names: &[SheetName],
    options: &ReadOptions,
    read: &mut dyn FnMut(&str) -> Result<Option<Sheet>, E>,
) -> Result<Document, ReadError> {
    let mut sheets = Vec::new();
    let mut document = Document {
        format: FORMAT,
        ..Document::default()
    };
    let chosen = match &options.sheet {
        Some(wanted) => Some(find_sheet(names, wanted)?),
        None => None,
    };
    let mut total = 0;
    for (number, sheet) in names.iter().enumerate() {
        if chosen.is_some_and(|chosen| chosen != number) {
            continue;
        }
        if chosen.is_none() && sheet.is_hidden {
            let name = text::excerpt(&sheet.name);
            let kind = IssueKind::HiddenSheet { name };
            document.issues.push((0, kind, String::new()));
            continue;
        }
        let limit = options.limits.document_bytes;
        let too_large = ReadError::TooLarge {
            format: FORMAT,
            limit,
        };
        match read(&sheet.name) {
            Ok(Some(sheet)) => {
                total += sheet.cells();
                if total > MAX_CELLS {
                    return Err(too_large);
                }
                sheets.push(sheet);
            }
            Ok(None) => return Err(too_large),
            Err(error) => {
                let kind = IssueKind::SheetLeftOut {
                    name: text::excerpt(&sheet.name),
                    reason: text::excerpt(&error.to_string()),
                };
                document.issues.push((0, kind, String::new()));
            }
        }
    }
    add_sheets(&mut document, sheets, options)?;
    Ok(document)
}

/// Finds a sheet by its name, or by its number from 1.
fn find_sheet(names: &[SheetName], wanted: &str) -> Result<usize, ReadError> {
    let key = text::normalize(wanted);
    let exact = names.iter().position(|sheet| sheet.name == wanted);
    let found = exact
        .or_else(|| {
            names
                .iter()
                .position(|sheet| text::normalize(&sheet.name) == key)
        })
        .or_else(|| {
            key.parse::<usize>()
                .ok()?
                .checked_sub(1)
                .filter(|n| *n < names.len())
        });
    found.ok_or_else(|| ReadError::NoSuchSheet {
        sheet: text::excerpt(wanted),
        sheets: names
            .iter()
            .take(50)
            .map(|sheet| text::excerpt(&sheet.name))
            .collect(),
    })
}

/// Adds the sheets with questions and answers. If the columns of any sheet have known names, sheets
/// without such names are left out, since they hold something else.
fn add_sheets(
    document: &mut Document,
    sheets: Vec<Sheet>,
    options: &ReadOptions,
) -> Result<(), ReadError> {
    let choice = options.columns.as_ref();
    let mut found = Vec::new();
    let mut problem: Option<(usize, ReadError)> = None;
    for sheet in sheets {
        let rows = sheet.rows.len();
        let last = sheet.rows.last().map_or(0, |row| row.position);
        document.lines = document.lines.max(last);
        let name = sheet.name.clone();
        match sheet.into_sections(choice) {
            Ok(sections) if sections.is_empty() => found.push((name, rows, None)),
            Ok(sections) => found.push((name, rows, Some(sections))),
            Err(error) => {
                if problem.as_ref().is_none_or(|(most, _)| rows > *most) {
                    problem = Some((rows, error));
                }
                found.push((name, rows, None));
            }
        }
    }
    let is_known = |sections: &Option<Vec<Section>>| {
        sections
            .iter()
            .flatten()
            .any(|section| match &section.records {
                Records::Cells(layout, _) => layout.has_names && layout.note.is_none(),
                Records::Fields(_) => false,
            })
    };
    let has_known = found.iter().any(|(_, _, sections)| is_known(sections));
    let takes =
        |sections: &Option<Vec<Section>>| sections.is_some() && (!has_known || is_known(sections));
    let taken = found
        .iter()
        .filter(|(_, _, sections)| takes(sections))
        .count();
    if taken == 0 {
        return Err(problem.map_or(
            ReadError::NothingFound {
                format: FORMAT,
                looked_for: HOW_TO,
            },
            |(_, error)| error,
        ));
    }
    for (name, rows, sections) in found {
        let is_taken = takes(&sections);
        for mut section in sections.into_iter().flatten().filter(|_| is_taken) {
            if taken > 1 && section.common.is_empty() {
                section.common.push((TOPIC.to_owned(), name.clone()));
            }
            document.sections.push(section);
        }
        if !is_taken && rows > 0 {
            let kind = IssueKind::SheetLeftOut {
                name: text::excerpt(&name),
                reason: "no columns of questions and answers".to_owned(),
            };
            document.issues.push((0, kind, String::new()));
        }
    }
    Ok(())
}

/// Collects the cells of a sheet, in the order of the file, into rows.
pub(super) struct CellCollector {
    sheet: Sheet,
    cells: usize,
}

impl CellCollector {
    pub(super) fn new(name: &str) -> Self {
        Self {
            sheet: Sheet {
                name: name.to_owned(),
                ..Sheet::default()
            },
            cells: 0,
        }
    }

    /// Adds the text of a cell, whose row and column count from 0. Returns whether the sheet may
    /// have more cells.
    pub(super) fn add(&mut self, row: u32, column: u32, text: String) -> bool {
        let column = column as usize;
        if text.is_empty() || column >= MAX_COLUMNS {
            return true;
        }
        let position = u64::from(row) + 1;
        let rows = &mut self.sheet.rows;
        if rows.last().is_none_or(|last| last.position != position) {
            rows.push(CellRow {
                position,
                cells: Vec::new(),
            });
        }
        if let Some(last) = rows.last_mut() {
            if last.cells.len() <= column {
                self.cells += column + 1 - last.cells.len();
                last.cells.resize(column + 1, String::new());
            }
            if let Some(cell) = last.cells.get_mut(column) {
                *cell = text;
            }
        }
        self.cells <= MAX_CELLS
    }

    /// Returns the sheet, with the texts of merged cells repeated in each of their rows; `None` if
    /// it has too many cells.
    pub(super) fn finish(mut self, merged: &[Dimensions]) -> Option<Sheet> {
        if self.cells > MAX_CELLS {
            return None;
        }
        let rows = &mut self.sheet.rows;
        // Damaged files may have rows in any order.
        rows.sort_by_key(|row| row.position);
        rows.dedup_by(|later, earlier| {
            let is_same = later.position == earlier.position;
            if is_same {
                merge_cells(&mut earlier.cells, core::mem::take(&mut later.cells));
            }
            is_same
        });
        for area in merged.iter().take(MAX_CELLS / 100) {
            self.sheet.fill_merged(area.start, area.end);
        }
        self.sheet.topics.sort_unstable();
        Some(self.sheet)
    }
}

fn merge_cells(into: &mut Vec<String>, cells: Vec<String>) {
    if into.len() < cells.len() {
        into.resize(cells.len(), String::new());
    }
    for (old, new) in into.iter_mut().zip(cells) {
        if old.is_empty() {
            *old = new;
        }
    }
}

impl Sheet {
    /// Repeats the text of a merged area in its first column, or notes a topic if the area is one
    /// row of several columns and the only text of its row. Rows and columns count from 0.
    fn fill_merged(&mut self, start: (u32, u32), end: (u32, u32)) {
        let first = u64::from(start.0) + 1;
        let Ok(index) = self.rows.binary_search_by_key(&first, |row| row.position) else {
            return;
        };
        let column = start.1 as usize;
        let Some(top) = self.rows.get(index) else {
            return;
        };
        let Some(text) = top.cells.get(column).cloned() else {
            return;
        };
        if start.0 == end.0 {
            let texts = top.cells.iter().filter(|cell| !text::is_blank(cell));
            if end.1 > start.1 && texts.count() == 1 {
                self.topics.push(first);
            }
            return;
        }
        let last = u64::from(end.0) + 1;
        let rows = self.rows.iter_mut().skip(index + 1);
        for row in rows.take_while(|row| row.position <= last) {
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            if let Some(cell) = row.cells.get_mut(column)
                && cell.is_empty()
            {
                cell.clone_from(&text);
            }
        }
    }
}

/// Number of decimal places of a percentage format; `None` for other formats.
fn percent_places(format: &str) -> Option<usize> {
    let digits = format.split(';').next()?.strip_suffix('%')?;
    Some(
        digits
            .split_once('.')
            .map_or(0, |(_, places)| places.len())
            .min(10),
    )
}

fn format_value(value: &DataRef<'_>, percent: Option<usize>) -> String {
    match value {
        DataRef::String(text) => clean_text(text),
        DataRef::SharedString(text) => clean_text(text),
        DataRef::Float(number) => match percent {
            Some(places) => format!("{:.places$}%", number * 100.0),
            None => format_number(*number),
        },
        DataRef::Int(number) => number.to_string(),
        DataRef::Bool(is_true) => format_bool(*is_true),
        DataRef::DateTime(date) => format_date(date),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) | DataRef::Empty => String::new(),
    }
}

fn format_data(value: &Data) -> String {
    match value {
        Data::String(text) => clean_text(text),
        Data::Float(number) => format_number(*number),
        Data::Int(number) => number.to_string(),
        Data::Bool(is_true) => format_bool(*is_true),
        Data::DateTime(date) => format_date(date),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(_) | Data::Empty => String::new(),
    }
}

fn format_bool(is_true: bool) -> String {
    if is_true { "TRUE" } else { "FALSE" }.to_owned()
}

/// Removes escaped carriage returns, with which Excel writes line breaks typed on Windows.
fn clean_text(text: &str) -> String {
    let text = text.replace("_x000D_", "");
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    }
}

/// Formats a number with at most 15 significant digits, as spreadsheets show it.
fn format_number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    rounded.to_string()
}

/// Formats a date as `2026-03-01`, a time as `14:30`, both as `2026-03-01 14:30`.
fn format_date(date: &ExcelDateTime) -> String {
    let value = date.as_f64();
    if !(0.0..3_000_000.0).contains(&value) {
        return format_number(value);
    }
    let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    let mut time = format!("{hour:02}:{minute:02}");
    if second > 0 {
        time.push_str(&format!(":{second:02}"));
    }
    if date.is_duration() {
        let minutes = (value * 24.0 * 60.0).round();
        return format!("{:.0}:{:02.0}", (minutes / 60.0).floor(), minutes % 60.0);
    }
    if value < 1.0 {
        time
    } else if value.fract() == 0.0 {
        day
    } else {
        format!("{day} {time}")
    }
}
