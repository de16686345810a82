//! Consumers of records.

use super::counts::ReadLog;
use super::field_reader::FieldReader;
use crate::columns::RowFields;
use crate::{Columns, Encoding, FileFormat};

/// Consumer of the fields of each record.
pub(super) trait RowSink {
    /// Keeps a row, or logs exactly one issue that leaves it out.
    fn add(&mut self, line: u64, fields: &RowFields<'_>, reader: FieldReader, log: &mut ReadLog);
    /// Sets the name of the file that the next records come from.
    fn set_file(&mut self, _: Option<&str>) {}
    /// Number of rows kept.
    fn len(&self) -> usize;
    /// Adds counts and issues of all files at the end.
    fn finish(&mut self, log: &mut ReadLog);
}

/// Facts about a file other than its rows.
pub(super) struct ReadOutcome {
    pub(super) log: ReadLog,
    pub(super) columns: Columns,
    pub(super) encoding: Encoding,
    pub(super) format: FileFormat,
}
