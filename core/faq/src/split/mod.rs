//! Splitting: from a decoded stream to raw records, in bounded memory.

mod block_splitter;
mod json_splitter;
mod line_splitter;
mod quotes;
mod table_splitter;

pub(crate) use block_splitter::BlockSplitter;
pub(crate) use json_splitter::JsonSplitter;
pub(crate) use line_splitter::LineSplitter;
pub(crate) use quotes::Quotes;
pub(crate) use table_splitter::TableSplitter;

use core::ops::ControlFlow;

/// The bytes of one record, before parsing: a line, a JSON element, a table record or a text block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RawRecord<'a> {
    /// Line on which the record begins, counted from 1.
    pub(crate) line: u64,
    /// The bytes, at most as many as the size limit of a row.
    pub(crate) bytes: &'a [u8],
    /// Whether the record exceeded the size limit and was cut.
    pub(crate) cut: bool,
    /// State of the quotes; always [`Quotes::Balanced`] outside of tables.
    pub(crate) quotes: Quotes,
}

/// Result of asking a splitter for the next record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    Record(RawRecord<'a>),
    End,
    /// The tick callback asked to stop, before or within a record.
    Halted,
}

/// Callback before each chunk of input, with the number of lines so far. Returning
/// [`ControlFlow::Break`] halts the splitter.
pub(crate) type Tick<'t> = dyn FnMut(u64) -> ControlFlow<()> + 't;
