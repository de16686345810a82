//! Parsing raw records and passing their fields to a sink.

use super::counts::ReadLog;
use super::field_reader::FieldReader;
use super::sink::{ReadOutcome, RowSink};
use crate::columns::ColumnFinder;
use crate::content::Content;
use crate::decode::{could_be_windows_1252, decode_record};
use crate::detect::is_sep_line;
use crate::document::{CellRow, FieldRecord, add_common};
use crate::parse::labels::TextStyle;
use crate::parse::table::{self, CellParser, Layout};
use crate::parse::{Record, Rejection, TextPair, json};
use crate::source::{FileFacts, Source};
use crate::split::{Quotes, RawRecord};
use crate::{ColumnChoice, Columns};
use crate::{
    Encoding, FileFormat, Issue, IssueKind, ReadError, ReadLimits, ReadOptions, Severity, text,
};
use core::ops::ControlFlow;

/// Shortens bytes in an unknown encoding to their beginning.
fn excerpt_bytes(bytes: &[u8]) -> String {
    let head = bytes.get(..400).unwrap_or(bytes);
    text::excerpt(&String::from_utf8_lossy(head))
}

/// Format of the records, with the state of parsing them.
enum RecordFormat {
    Json,
    Table {
        table: Table,
        cells: Box<CellParser>,
    },
    Text(TextStyle),
    /// Rows of a table in a document.
    Cells(Table),
    /// Records of a document with named values.
    Fields,
}

/// Layout of a table, with the state of reading it.
struct Table {
    layout: Layout,
    /// Whether the header was read.
    passed_header: bool,
}

impl Table {
    fn new(layout: Layout) -> Self {
        Self {
            layout,
            passed_header: false,
        }
    }

    /// Whether a row isn't a record, since it is blank or the header.
    fn skip(&mut self, cells: &[&str], log: &mut ReadLog) -> bool {
        if cells.iter().all(|cell| text::is_blank(cell)) {
            log.counts.blank += 1;
            return true;
        }
        let layout = &self.layout;
        // The header may be repeated, as where pages were joined.
        if layout.has_names && table::name_columns(cells) == layout.names {
            self.passed_header = true;
            return true;
        }
        false
    }

    /// Pairs the cells of a row with the column names.
    fn build_record<'a>(&self, cells: &[&'a str]) -> Result<Record<'a>, Rejection> {
        let reject = |kind| Rejection::new(kind, text::excerpt(first_text(cells)));
        if self.layout.has_title && !self.passed_header {
            return Err(reject(IssueKind::AboveHeader));
        }
        table::build_record(&self.layout.names, cells).map_err(reject)
    }
}

/// First cell with visible text.
fn first_text<'a>(cells: &[&'a str]) -> &'a str {
    let first = cells.iter().find(|cell| !text::is_blank(cell));
    first.copied().unwrap_or_default()
}

impl RecordFormat {
    /// Returns the format of the records, and the columns chosen for it.
    fn new(content: &Content, choice: Option<ColumnChoice>) -> (Self, Option<ColumnChoice>) {
        match content {
            Content::Json | Content::Document(_) => (Self::Json, choice),
            Content::Text(style) => (Self::Text(*style), None),
            Content::Table(layout) => {
                let format = Self::Table {
                    cells: Box::new(CellParser::new(layout.delimiter)),
                    table: Table::new(layout.clone()),
                };
                (format, layout.choice.clone())
            }
        }
    }
}

/// Parser of raw records that passes their fields to a sink and collects file-wide facts.
pub(super) struct RecordReader {
    pub(super) log: ReadLog,
    finder: ColumnFinder,
    format: RecordFormat,
    /// Whether records that aren't UTF-8 are errors rather than Windows-1252.
    only_utf8: bool,
    /// Number of records read as Windows-1252.
    windows_records: u64,
    /// Number of rows cut into two cells in spite of more delimiters.
    joined: u64,
    /// Number of records that don't begin like JSON.
    not_json: u64,
    /// Excerpt of the first record that doesn't begin like JSON.
    beginning: String,
    /// Number of JSON records with invalid UTF-8.
    not_utf8: u64,
    /// Whether all JSON records with invalid UTF-8 are valid Windows-1252.
    could_be_windows: bool,
    /// Whether any record has characters outside of ASCII in valid UTF-8.
    has_utf8: bool,
}

impl RecordReader {
    pub(super) fn new(source: &Source<'_>, options: &ReadOptions) -> Self {
        let (format, choice) = RecordFormat::new(&source.content, options.columns.clone());
        let mut reader = Self::with_format(format, choice, source.encoding, options);
        if let Content::Table(Layout {
            note: Some(note), ..
        }) = &source.content
        {
            reader.log.add(0, note.clone(), "");
        }
        reader
    }

    /// Creates a reader for the sections of a document.
    pub(super) fn of_document(encoding: Encoding, options: &ReadOptions) -> Self {
        Self::with_format(RecordFormat::Fields, None, encoding, options)
    }

    fn with_format(
        format: RecordFormat,
        choice: Option<ColumnChoice>,
        encoding: Encoding,
        options: &ReadOptions,
    ) -> Self {
        let mut log = ReadLog::new(&options.limits);
        if encoding != Encoding::Utf8 {
            log.add(0, IssueKind::ReadAs { encoding }, "");
        }
        Self {
            log,
            finder: ColumnFinder::new(choice),
            format,
            only_utf8: options.encoding.is_some() || encoding != Encoding::Utf8,
            windows_records: 0,
            joined: 0,
            not_json: 0,
            beginning: String::new(),
            not_utf8: 0,
            could_be_windows: true,
            has_utf8: false,
        }
    }

    /// Logs an issue of a document; one of severity [`Severity::LeftOut`] counts as a record.
    pub(super) fn add_document_issue(&mut self, position: u64, kind: IssueKind, excerpt: &str) {
        if kind.severity() == Severity::LeftOut {
            self.log.counts.records += 1;
        }
        self.log.add(position, kind, excerpt);
    }

    /// Begins a table of a document.
    pub(super) fn start_table(&mut self, layout: Layout) {
        if let Some(note) = &layout.note {
            self.log.add(0, note.clone(), "");
        }
        self.finder.start_table(layout.choice.clone());
        self.finder.add_names(&layout.names);
        self.format = RecordFormat::Cells(Table::new(layout));
    }

    /// Begins a list of records with named values.
    pub(super) fn start_fields(&mut self, choice: Option<ColumnChoice>) {
        self.finder.start_table(choice);
        self.format = RecordFormat::Fields;
    }

    /// Reads a row of a table of a document into the sink. Breaks when the row limit is reached.
    pub(super) fn read_cells(
        &mut self,
        row: &CellRow,
        common: &[(String, String)],
        limits: &ReadLimits,
        sink: &mut dyn RowSink,
    ) -> ControlFlow<()> {
        let RecordFormat::Cells(table) = &mut self.format else {
            return ControlFlow::Break(());
        };
        let cells: Vec<&str> = row.cells.iter().map(|cell| cell.trim()).collect();
        if table.skip(&cells, &mut self.log) {
            return ControlFlow::Continue(());
        }
        let record = table.build_record(&cells).map(|mut record| {
            add_common(&mut record, common);
            record
        });
        let size = cells.iter().map(|cell| cell.len()).sum();
        let raw = || cells.join("\t");
        self.read_record(row.position, record, size, &raw, limits, sink)
    }

    /// Reads a record of a document into the sink. Breaks when the row limit is reached.
    pub(super) fn read_fields(
        &mut self,
        record: &FieldRecord,
        common: &[(String, String)],
        limits: &ReadLimits,
        sink: &mut dyn RowSink,
    ) -> ControlFlow<()> {
        let texts = record.texts();
        let size = texts.iter().map(|text| text.len()).sum();
        let raw = || texts.join("\t");
        let fields = Ok(record.to_record(common));
        self.read_record(record.position, fields, size, &raw, limits, sink)
    }

    /// Reads the named values of a record of `size` bytes into the sink.
    fn read_record(
        &mut self,
        position: u64,
        record: Result<Record<'_>, Rejection>,
        size: usize,
        raw: &dyn Fn() -> String,
        limits: &ReadLimits,
        sink: &mut dyn RowSink,
    ) -> ControlFlow<()> {
        self.log.counts.records += 1;
        if sink.len() >= limits.rows {
            let limit = limits.rows as u64;
            self.log
                .add(position, IssueKind::TooManyRows { limit }, &raw());
            return ControlFlow::Break(());
        }
        let issues = self.log.issues.len();
        let limit = limits.row_bytes as u64;
        match record {
            Ok(_) if size > limits.row_bytes => {
                self.log.add(position, IssueKind::TooLong { limit }, &raw());
            }
            Ok(record) => {
                let fields = self.finder.assign_fields(&record);
                let reader = FieldReader::cleaning();
                sink.add(position, &fields, reader, &mut self.log);
            }
            Err(rejection) => self.log.add(position, rejection.kind, &rejection.excerpt),
        }
        if self.log.issues.len() > issues {
            self.log.set_raw(issues, &raw());
        }
        ControlFlow::Continue(())
    }

    /// Reads a record into the sink. Breaks when the row limit is reached.
    pub(super) fn read(
        &mut self,
        raw: &RawRecord<'_>,
        limits: &ReadLimits,
        sink: &mut dyn RowSink,
    ) -> ControlFlow<()> {
        if raw.bytes.trim_ascii().is_empty() && !raw.cut {
            self.log.counts.blank += 1;
            return ControlFlow::Continue(());
        }
        if self.skip_non_record(raw) {
            return ControlFlow::Continue(());
        }
        self.log.counts.records += 1;
        let issues = self.log.issues.len();
        if sink.len() >= limits.rows {
            let limit = limits.rows as u64;
            let excerpt = excerpt_bytes(raw.bytes);
            self.log
                .add(raw.line, IssueKind::TooManyRows { limit }, &excerpt);
            return ControlFlow::Break(());
        }
        let result = if raw.cut {
            let limit = limits.row_bytes as u64;
            let kind = IssueKind::TooLong { limit };
            Err(Rejection::new(kind, excerpt_bytes(raw.bytes)))
        } else if raw.quotes == Quotes::Unclosed {
            let excerpt = match decode_record(raw.bytes, self.only_utf8) {
                Ok((text, _)) => text::excerpt(&text),
                Err(_) => excerpt_bytes(raw.bytes),
            };
            Err(Rejection::new(
                IssueKind::NotClosed { missing: '"' },
                excerpt,
            ))
        } else if let RecordFormat::Json = self.format {
            self.read_json(raw, sink)
        } else {
            self.read_text(raw, sink)
        };
        if let Err(rejection) = result {
            self.log.add(raw.line, rejection.kind, &rejection.excerpt);
        }
        if self.log.issues.len() > issues {
            self.set_raw(raw, issues);
        }
        ControlFlow::Continue(())
    }

    /// Adds the text of a record to its issues, which begin at index `from`.
    fn set_raw(&mut self, raw: &RawRecord<'_>, from: usize) {
        match decode_record(raw.bytes, self.only_utf8) {
            Ok((text, _)) => self.log.set_raw(from, &text),
            Err(_) => {
                let head = raw.bytes.get(..Issue::MAX_RAW_CHARS).unwrap_or(raw.bytes);
                self.log.set_raw(from, &String::from_utf8_lossy(head));
            }
        }
    }

    /// Skips a piece of a table that isn't a record: a `sep=` line, the header, or empty cells.
    /// Returns whether it was skipped.
    fn skip_non_record(&mut self, raw: &RawRecord<'_>) -> bool {
        let RecordFormat::Table { table, cells } = &mut self.format else {
            return false;
        };
        if raw.cut || raw.quotes == Quotes::Unclosed {
            return false;
        }
        if is_sep_line(raw.bytes, raw.line) {
            return true;
        }
        let Ok((text, _)) = decode_record(raw.bytes, self.only_utf8) else {
            return false;
        };
        table.skip(&cells.parse(&text), &mut self.log)
    }

    /// Reads a table record or a text block.
    fn read_text(&mut self, raw: &RawRecord<'_>, sink: &mut dyn RowSink) -> Result<(), Rejection> {
        let (text, is_windows) = decode_record(raw.bytes, self.only_utf8)
            .map_err(|at| json::reject_non_utf8(raw.bytes, at))?;
        if is_windows {
            self.windows_records += 1;
        } else {
            self.has_utf8 |= !text.is_ascii();
        }
        let pair;
        let mut excerpt = "";
        let record = match &mut self.format {
            RecordFormat::Json | RecordFormat::Cells(_) | RecordFormat::Fields => return Ok(()),
            RecordFormat::Text(style) => {
                pair = TextPair::parse(&text, *style)?;
                pair.to_record()
            }
            RecordFormat::Table { table, cells } => {
                let layout = &table.layout;
                let mut cells = cells.parse(&text);
                if layout.joins_cells
                    && cells.len() > layout.names.len()
                    && let Some(pair) = table::cut_in_two(&text, layout.delimiter)
                {
                    cells = pair.to_vec();
                    self.joined += 1;
                }
                excerpt = first_text(&cells);
                table.build_record(&cells)?
            }
        };
        let fields = self.finder.assign_fields(&record);
        let rows = sink.len();
        sink.add(raw.line, &fields, FieldReader::cleaning(), &mut self.log);
        if raw.quotes == Quotes::Unescaped && sink.len() > rows {
            self.log.add(raw.line, IssueKind::UnescapedQuotes, excerpt);
        }
        Ok(())
    }

    fn read_json(&mut self, raw: &RawRecord<'_>, sink: &mut dyn RowSink) -> Result<(), Rejection> {
        let mut scratch = String::new();
        let record = match json::parse_row(raw.bytes, &mut scratch) {
            Ok(record) => record,
            Err(rejection) => {
                match rejection.kind {
                    IssueKind::NotUtf8 { .. } => {
                        self.not_utf8 += 1;
                        self.could_be_windows &= could_be_windows_1252(raw.bytes);
                    }
                    IssueKind::NotJson => {
                        self.not_json += 1;
                        if self.beginning.is_empty() {
                            self.beginning.clone_from(&rejection.excerpt);
                        }
                    }
                    _ => {}
                }
                return Err(rejection);
            }
        };
        self.has_utf8 |= !raw.bytes.is_ascii();
        let reader = FieldReader::new(record.controls);
        let fields = self.finder.assign_fields(&record);
        sink.add(raw.line, &fields, reader, &mut self.log);
        Ok(())
    }

    /// Adds issues about the whole file.
    ///
    /// # Errors
    /// [`ReadError`], when nothing in the file can be read.
    pub(super) fn finish(mut self, facts: &FileFacts) -> Result<ReadOutcome, ReadError> {
        self.check_readable()?;
        match facts.format {
            FileFormat::JsonList => self.log.add(0, IssueKind::OneList, ""),
            FileFormat::JsonObjects => self.log.add(0, IssueKind::SpreadRows, ""),
            _ => {}
        }
        self.log.counts.blank += facts.blank;
        if facts.unassigned > 0 {
            let lines = facts.unassigned;
            let kind = IssueKind::UnassignedLines { lines };
            self.log.add(0, kind, "");
        }
        let mut encoding = facts.encoding;
        if self.windows_records > 0 {
            let kind = if self.has_utf8 {
                let rows = self.windows_records;
                IssueKind::MixedEncodings { rows }
            } else {
                encoding = Encoding::Windows1252;
                IssueKind::ReadAs { encoding }
            };
            self.log.add(0, kind, "");
        }
        if facts.is_list_unclosed {
            let line = self.log.counts.lines;
            self.log.add(line, IssueKind::ListNotClosed, "");
        }
        if self.not_utf8 > 0 && self.could_be_windows && !self.has_utf8 {
            let lines = self.not_utf8;
            self.log.add(0, IssueKind::LooksLikeWindows { lines }, "");
        }
        self.log.add_text_issues();
        Ok(ReadOutcome {
            log: self.log,
            columns: match &self.format {
                RecordFormat::Json | RecordFormat::Cells(_) | RecordFormat::Fields => {
                    self.finder.columns().clone()
                }
                RecordFormat::Table { table, .. } => {
                    table::list_columns(&table.layout.names, self.finder.columns())
                }
                RecordFormat::Text(_) => Columns::default(),
            },
            encoding,
            format: facts.format,
        })
    }

    /// Fails if the file has no records, isn't JSON, or has no question or answer column.
    fn check_readable(&self) -> Result<(), ReadError> {
        let records = self.log.counts.records;
        if records == 0 {
            return Err(match self.format {
                RecordFormat::Table {
                    table:
                        Table {
                            passed_header: true,
                            ..
                        },
                    ..
                }
                | RecordFormat::Cells(Table {
                    passed_header: true,
                    ..
                }) => ReadError::NoRows,
                _ => ReadError::Empty,
            });
        }
        let parsed = self.finder.records();
        if parsed == 0 && self.not_json > records / 2 {
            let beginning = self.beginning.clone();
            return Err(ReadError::NotJson { beginning });
        }
        // If most records couldn't be parsed, their mistakes matter more than column names.
        let has_own_names = matches!(self.format, RecordFormat::Json | RecordFormat::Fields);
        if !has_own_names || parsed == 0 || parsed < records / 2 {
            return Ok(());
        }
        let Some(missing) = self.finder.missing() else {
            return Ok(());
        };
        let columns = self.finder.columns().all.clone();
        Err(match missing.chosen {
            Some(column) => ReadError::NoSuchColumn { column, columns },
            None => ReadError::UnknownColumns {
                missing: missing.field,
                columns,
            },
        })
    }
}
