//! Building the blocks of text documents, which all have paragraphs, lists and tables.

use crate::rich::{Block, BlockKind, Span, push_span, to_markdown};

/// Maximum number of nested tables that are told apart.
const MAX_TABLES: usize = 16;

/// Collects paragraphs and tables.
#[derive(Default)]
pub(super) struct TextBuilder {
    blocks: Vec<Block>,
    /// Spans of the paragraph that is being read.
    spans: Vec<Span>,
    tables: Vec<Table>,
    /// Number of paragraphs so far.
    paragraphs: u64,
}

#[derive(Default)]
struct Table {
    rows: Vec<(u64, Vec<String>)>,
    cells: Vec<String>,
    /// Blocks of the cell that is being read.
    blocks: Vec<Block>,
    /// All blocks of all cells, in case the table has one column.
    all: Vec<Block>,
    position: u64,
}

impl TextBuilder {
    pub(super) fn push(&mut self, span: Span) {
        push_span(&mut self.spans, span);
    }

    /// Takes the spans of the paragraph that is being read, to read another one first.
    pub(super) fn take_spans(&mut self) -> Vec<Span> {
        core::mem::take(&mut self.spans)
    }

    pub(super) fn restore_spans(&mut self, spans: Vec<Span>) {
        self.spans = spans;
    }

    /// Ends the paragraph that is being read.
    pub(super) fn end_paragraph(&mut self, kind: BlockKind) {
        self.paragraphs += 1;
        let block = Block {
            position: self.paragraphs,
            kind,
            spans: core::mem::take(&mut self.spans),
            tight: false,
        };
        if !block.is_blank() {
            self.target().push(block);
        }
    }

    fn target(&mut self) -> &mut Vec<Block> {
        match self.tables.last_mut() {
            Some(table) => &mut table.blocks,
            None => &mut self.blocks,
        }
    }

    pub(super) fn start_table(&mut self) {
        if self.tables.len() < MAX_TABLES {
            self.tables.push(Table {
                position: self.paragraphs + 1,
                ..Table::default()
            });
        }
    }

    /// Ends a cell that spans `columns`. The text of a cell that continues the one above it is that
    /// one's text.
    pub(super) fn end_cell(&mut self, columns: usize, continues_above: bool) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        let blocks = core::mem::take(&mut table.blocks);
        let mut text = to_markdown(&blocks);
        table.all.extend(blocks);
        if continues_above && text.is_empty() {
            let above = table
                .rows
                .last()
                .and_then(|row| row.1.get(table.cells.len()));
            text = above.cloned().unwrap_or_default();
        }
        table.cells.push(text);
        for _ in 1..columns.min(64) {
            table.cells.push(String::new());
        }
    }

    pub(super) fn end_row(&mut self) {
        let position = self.paragraphs;
        if let Some(table) = self.tables.last_mut() {
            let cells = core::mem::take(&mut table.cells);
            if !cells.is_empty() {
                table.rows.push((position, cells));
            }
        }
    }

    pub(super) fn end_table(&mut self) {
        let Some(mut table) = self.tables.pop() else {
            return;
        };
        table.all.append(&mut table.blocks);
        let has_columns = table.rows.iter().any(|row| row.1.len() > 1);
        // A table in a cell is text of the cell.
        if has_columns && self.tables.is_empty() {
            self.blocks.push(Block {
                position: table.position,
                kind: BlockKind::Table(table.rows),
                ..Block::default()
            });
        } else {
            self.target().append(&mut table.all);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Block> {
        self.end_paragraph(BlockKind::Paragraph);
        while !self.tables.is_empty() {
            self.end_table();
        }
        self.blocks
    }
}
