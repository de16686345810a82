//! Tables in documents: from rows of cells to a section with a layout.

use super::{CellRow, Records, Section};
use crate::detect::detect_columns;
use crate::parse::table::{Layout, name_columns};
use crate::{ColumnChoice, ReadError, text};

/// Number of rows in which the header is looked for.
const HEAD_ROWS: usize = 80;

/// Name of the field for the topic that a document gives to several records. It yields to a topic
/// column of the table.
pub(super) const TOPIC: &str = "section";

/// Maximum number of columns taken from a table.
pub(super) const MAX_COLUMNS: usize = 256;

/// Maximum number of cells of a document.
pub(super) const MAX_CELLS: usize = 10_000_000;

/// Rows of one sheet or table.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) rows: Vec<CellRow>,
    /// Positions of rows that only name the topic of the rows below: one text across all columns.
    pub(super) topics: Vec<u64>,
}

impl Sheet {
    /// Number of cells.
    pub(super) fn cells(&self) -> usize {
        self.rows.iter().map(|row| row.cells.len()).sum()
    }

    /// Finds the columns, and divides the rows into sections by topic; no sections if the rows
    /// aren't a table of questions and answers.
    ///
    /// # Errors
    /// [`ReadError`], when the rows are a table whose columns can't be determined.
    pub(super) fn into_sections(
        mut self,
        choice: Option<&ColumnChoice>,
    ) -> Result<Vec<Section>, ReadError> {
        let width = self.rows.iter().map(|row| row.cells.len()).max();
        let width = width.unwrap_or(0).min(MAX_COLUMNS);
        let mut head: Vec<Vec<String>> = Vec::new();
        for row in self.rows.iter_mut().take(HEAD_ROWS) {
            // Rows of equal width are what a table is recognized by.
            row.cells.resize(width, String::new());
            if !self.topics.contains(&row.position) {
                head.push(row.cells.clone());
            }
        }
        let Some(mut layout) = detect_columns(&head, choice)? else {
            return Ok(Vec::new());
        };
        // A title that spans all columns isn't among the rows in which the header was found.
        let first = self.rows.iter().find(|row| !is_blank(row));
        layout.has_title |= layout.has_names && first.is_some_and(|row| !is_header(row, &layout));
        // The rows below a topic have the same columns, and neither a title nor a header.
        let below_topic = Layout {
            has_title: false,
            note: None,
            ..layout.clone()
        };
        let mut passed_header = !layout.has_names;
        let mut sections = Vec::new();
        let (mut common, mut rows, mut layout) = (Vec::new(), Vec::new(), layout);
        for row in self.rows {
            if passed_header && self.topics.binary_search(&row.position).is_ok() {
                let topic = row.cells.into_iter().find(|cell| !text::is_blank(cell));
                let next = vec![(TOPIC.to_owned(), topic.unwrap_or_default())];
                sections.push(Section {
                    common: core::mem::replace(&mut common, next),
                    records: Records::Cells(
                        core::mem::replace(&mut layout, below_topic.clone()),
                        core::mem::take(&mut rows),
                    ),
                });
                continue;
            }
            if !passed_header {
                passed_header = is_header(&row, &layout);
            }
            rows.push(row);
        }
        sections.push(Section {
            common,
            records: Records::Cells(layout, rows),
        });
        Ok(sections)
    }
}

fn is_blank(row: &CellRow) -> bool {
    row.cells.iter().all(|cell| text::is_blank(cell))
}

fn is_header(row: &CellRow, layout: &Layout) -> bool {
    let cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
    name_columns(&cells) == layout.names
}
