//! The loop over the pieces of a file, the same for FAQs and test questions.

use super::blocks::Pair;
use super::encoding::{Encoding, could_be_windows, text_of};
use super::fields::{ColumnChoice, Columns, Finder, Parts};
use super::json::{self, Fault};
use super::labels::Style;
use super::layout::{Kind, is_announcement};
use super::lines::{Next, Piece};
use super::problem::{Problem, ProblemKind, Severity};
use super::quotes::Quotes;
use super::row::Cleaner;
use super::source::{Accept, Shape, Source};
use super::table::{self, Cells, Layout};
use super::{Progress, ReadError, ReadLimits, ReadOptions, text};
use core::cell::Cell;
use core::fmt;
use core::ops::ControlFlow;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

/// Bytes between two reports of progress.
const REPORT: u64 = 1 << 18;

/// What became of a file, in numbers.
///
/// `records = rows + left_out`, and in a file of lines `lines = records + blank`: nothing is lost
/// in silence. In a table the row of names is no record, and a row of empty cells is blank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Bytes read.
    pub bytes: u64,
    /// Lines begun.
    pub lines: u64,
    /// Lines with nothing on them, or only empty cells.
    pub blank: u64,
    /// What should have become a row: lines, elements of a list, records of a table, questions of a
    /// text.
    pub records: u64,
    /// Rows kept.
    pub rows: u64,
    /// Records left out.
    pub left_out: u64,
    /// Rows that were read, but not to the letter. One row may be changed in several ways.
    pub changed: u64,
    /// Remarks.
    pub notes: u64,
    /// Of those left out, rows that repeat another.
    pub repeated: u64,
    /// Different answers (see [`normalize`](super::normalize)).
    pub answers: u64,
    /// Answers that more than one row gives: their questions are wordings of one another.
    pub shared_answers: u64,
    /// Problems that are counted, but not listed because they are too many.
    pub unlisted: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} read, {} changed, {} left out",
            self.rows, self.changed, self.left_out
        )
    }
}

/// Problems and counts while they grow.
pub(super) struct Log {
    pub(super) problems: Vec<Problem>,
    pub(super) counts: Counts,
    limit: usize,
}

impl Log {
    fn new(limits: &ReadLimits) -> Self {
        Self {
            problems: Vec::new(),
            counts: Counts::default(),
            limit: limits.problems,
        }
    }

    pub(super) fn add(&mut self, line: u64, kind: ProblemKind, excerpt: &str) {
        let counts = &mut self.counts;
        match kind.severity() {
            Severity::LeftOut => counts.left_out += 1,
            Severity::Changed => counts.changed += 1,
            Severity::Note => counts.notes += 1,
        }
        if matches!(kind, ProblemKind::Repeated { .. }) {
            counts.repeated += 1;
        }
        // What is told about the whole file is never too much.
        if line > 0 && self.problems.len() >= self.limit {
            counts.unlisted += 1;
        } else {
            self.problems.push(Problem::new(line, kind, excerpt));
        }
    }
}

/// What makes rows of the fields of a record.
pub(super) trait Sink {
    /// Keeps a row, or adds exactly one problem that leaves it out.
    fn take(&mut self, line: u64, parts: &Parts<'_>, cleaner: Cleaner, log: &mut Log);
    /// Rows kept.
    fn rows(&self) -> usize;
    /// The last word on the whole file.
    fn end(&mut self, log: &mut Log);
}

/// What is known about a file besides its rows.
pub(super) struct Gathered {
    pub(super) log: Log,
    pub(super) columns: Columns,
    pub(super) encoding: Encoding,
    pub(super) shape: Shape,
}

/// Reads a stream to its end, or to a limit.
pub(super) fn gather<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn Sink,
    accept: Accept,
) -> Result<Gathered, ReadError> {
    let limits = &options.limits;
    let bytes = Cell::new(0);
    let mut source = Source::open(reader, options, &bytes, accept)?;
    let (form, choice) = Form::new(&source.kind, options.columns.clone());
    let mut state = State {
        log: Log::new(limits),
        finder: Finder::new(choice),
        form,
        only_utf8: options.encoding.is_some() || source.encoding != Encoding::Utf8,
        windows: 0,
        not_json: 0,
        beginning: String::new(),
        not_utf8: 0,
        could_be_windows: true,
        has_utf8: false,
    };
    if source.encoding != Encoding::Utf8 {
        let encoding = source.encoding;
        state.log.add(0, ProblemKind::ReadAs { encoding }, "");
    }
    if let Kind::Table(Layout {
        note: Some(note), ..
    }) = &source.kind
    {
        state.log.add(0, note.clone(), "");
    }
    let mut reported = 0;
    loop {
        let rows = sink.rows() as u64;
        let mut stopped = false;
        let mut tick = |lines| {
            let bytes = bytes.get();
            if bytes >= reported + REPORT {
                reported = bytes;
                let now = Progress { bytes, lines, rows };
                stopped = progress(now).is_break();
            }
            match stopped || bytes > limits.bytes {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let next = source.next(&mut tick)?;
        if stopped {
            return Err(ReadError::Stopped);
        }
        match next {
            Next::End => break,
            Next::Halted => {
                let limit = limits.bytes;
                state.log.counts.records += 1;
                let line = source.halted_at().max(1);
                state.log.add(line, ProblemKind::TooManyBytes { limit }, "");
                break;
            }
            Next::Piece(piece) => {
                if state.piece(&piece, limits, sink).is_break() {
                    break;
                }
            }
        }
    }
    state.log.counts.bytes = bytes.get();
    state.log.counts.lines = source.lines();
    state.log.counts.rows = sink.rows() as u64;
    // Only to show the end; there is nothing left to stop.
    let counts = &state.log.counts;
    let _ = progress(Progress {
        bytes: counts.bytes,
        lines: counts.lines,
        rows: counts.rows,
    });
    state.end(&source, sink)
}

/// The beginning of bytes that may be anything.
fn beginning(bytes: &[u8]) -> String {
    let head = bytes.get(..400).unwrap_or(bytes);
    text::excerpt(&String::from_utf8_lossy(head))
}

/// What records are made of.
enum Form {
    Json,
    Table {
        layout: Layout,
        cells: Box<Cells>,
        /// Whether the row of names was met.
        named: bool,
    },
    Text(Style),
}

impl Form {
    /// The form of a kind of file, and the columns that are chosen in it.
    fn new(kind: &Kind, choice: Option<ColumnChoice>) -> (Self, Option<ColumnChoice>) {
        match kind {
            Kind::Json => (Self::Json, choice),
            Kind::Text(style) => (Self::Text(*style), None),
            Kind::Table(layout) => {
                let form = Self::Table {
                    cells: Box::new(Cells::new(layout.delimiter)),
                    layout: layout.clone(),
                    named: false,
                };
                (form, layout.choice.clone())
            }
        }
    }
}

struct State {
    log: Log,
    finder: Finder,
    form: Form,
    /// Whether bytes that are no UTF-8 are nothing else either.
    only_utf8: bool,
    /// Records that were read as Windows text.
    windows: u64,
    /// Records that are not even the beginning of JSON, and the first of them.
    not_json: u64,
    beginning: String,
    not_utf8: u64,
    could_be_windows: bool,
    /// Whether any line had characters that only UTF-8 writes that way.
    has_utf8: bool,
}

impl State {
    /// Takes the next piece. Breaks when the limit of rows is reached.
    fn piece(
        &mut self,
        piece: &Piece<'_>,
        limits: &ReadLimits,
        sink: &mut dyn Sink,
    ) -> ControlFlow<()> {
        if piece.bytes.trim_ascii().is_empty() && !piece.cut {
            self.log.counts.blank += 1;
            return ControlFlow::Continue(());
        }
        if self.is_beside(piece) {
            return ControlFlow::Continue(());
        }
        self.log.counts.records += 1;
        if sink.rows() >= limits.rows {
            let limit = limits.rows as u64;
            let excerpt = beginning(piece.bytes);
            let kind = ProblemKind::TooManyRows { limit };
            self.log.add(piece.line, kind, &excerpt);
            return ControlFlow::Break(());
        }
        let fault = match (piece.cut, piece.quotes) {
            (true, _) => {
                let limit = limits.row_bytes as u64;
                Fault::new(ProblemKind::TooLong { limit }, beginning(piece.bytes))
            }
            (_, Quotes::Open) => {
                let excerpt = match text_of(piece.bytes, self.only_utf8) {
                    Ok((text, _)) => text::excerpt(&text),
                    Err(_) => beginning(piece.bytes),
                };
                Fault::new(ProblemKind::NotClosed { missing: '"' }, excerpt)
            }
            _ => match self.record(piece, sink) {
                Ok(()) => return ControlFlow::Continue(()),
                Err(fault) => fault,
            },
        };
        self.log.add(piece.line, fault.kind, &fault.excerpt);
        ControlFlow::Continue(())
    }

    /// Whether a piece of a table is no record: the names, or only empty cells.
    fn is_beside(&mut self, piece: &Piece<'_>) -> bool {
        let Form::Table {
            layout,
            cells,
            named,
        } = &mut self.form
        else {
            return false;
        };
        if piece.cut || piece.quotes == Quotes::Open {
            return false;
        }
        if is_announcement(piece.bytes, piece.line) {
            return true;
        }
        let Ok((text, _)) = text_of(piece.bytes, self.only_utf8) else {
            return false;
        };
        let cells = cells.read(&text);
        if cells.iter().all(|cell| text::is_blank(cell)) {
            self.log.counts.blank += 1;
            return true;
        }
        if layout.has_names && !*named && table::names(&cells) == layout.names {
            *named = true;
            return true;
        }
        false
    }

    fn record(&mut self, piece: &Piece<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        if let Form::Json = self.form {
            return self.json(piece, sink);
        }
        let (text, is_windows) =
            text_of(piece.bytes, self.only_utf8).map_err(|at| json::not_utf8(piece.bytes, at))?;
        match is_windows {
            true => self.windows += 1,
            false => self.has_utf8 |= !text.is_ascii(),
        }
        let pair;
        let mut told = "";
        let record = match &mut self.form {
            Form::Json => return Ok(()),
            Form::Text(style) => {
                pair = Pair::of(&text, *style)?;
                pair.record()
            }
            Form::Table {
                layout,
                cells,
                named,
            } => {
                let cells = cells.read(&text);
                let seen = cells.iter().find(|cell| !text::is_blank(cell));
                told = seen.copied().unwrap_or_default();
                if layout.has_title && !*named {
                    return Err(Fault::new(ProblemKind::AboveNames, text::excerpt(told)));
                }
                table::record(&layout.names, &cells)
                    .map_err(|kind| Fault::new(kind, text::excerpt(told)))?
            }
        };
        let parts = self.finder.parts(&record);
        let rows = sink.rows();
        sink.take(piece.line, &parts, Cleaner::default(), &mut self.log);
        if piece.quotes == Quotes::Loose && sink.rows() > rows {
            self.log.add(piece.line, ProblemKind::LooseQuotes, told);
        }
        Ok(())
    }

    fn json(&mut self, piece: &Piece<'_>, sink: &mut dyn Sink) -> Result<(), Fault> {
        let mut spare = String::new();
        let record = match json::parse(piece.bytes, &mut spare) {
            Ok(record) => record,
            Err(fault) => {
                match fault.kind {
                    ProblemKind::NotUtf8 { .. } => {
                        self.not_utf8 += 1;
                        self.could_be_windows &= could_be_windows(piece.bytes);
                    }
                    ProblemKind::NotJson => {
                        self.not_json += 1;
                        if self.beginning.is_empty() {
                            self.beginning.clone_from(&fault.excerpt);
                        }
                    }
                    _ => {}
                }
                return Err(fault);
            }
        };
        self.has_utf8 |= !piece.bytes.is_ascii();
        let cleaner = Cleaner::new(record.controls);
        let parts = self.finder.parts(&record);
        sink.take(piece.line, &parts, cleaner, &mut self.log);
        Ok(())
    }

    fn end(mut self, source: &Source<'_>, sink: &mut dyn Sink) -> Result<Gathered, ReadError> {
        let counts = &self.log.counts;
        if counts.records == 0 {
            return Err(match self.form {
                Form::Table { named: true, .. } => ReadError::NoRows,
                _ => ReadError::Empty,
            });
        }
        if self.finder.records() == 0 && self.not_json > counts.records / 2 {
            let beginning = self.beginning;
            return Err(ReadError::NotJson { beginning });
        }
        // Names that nobody knows are the trouble only if most rows could be read as such.
        let is_json = matches!(self.form, Form::Json);
        let readable =
            is_json && self.finder.records() > 0 && self.finder.records() >= counts.records / 2;
        if let Some(missing) = self.finder.missing().filter(|_| readable) {
            let columns = self.finder.columns().all.clone();
            return Err(match missing.chosen {
                Some(column) => ReadError::NoSuchColumn { column, columns },
                None => ReadError::UnknownColumns {
                    missing: missing.field,
                    columns,
                },
            });
        }
        match source.shape {
            Shape::List => self.log.add(0, ProblemKind::OneList, ""),
            Shape::Spread => self.log.add(0, ProblemKind::SpreadRows, ""),
            _ => {}
        }
        let (blank, outside) = source.beside();
        self.log.counts.blank += blank;
        if outside > 0 {
            let kind = ProblemKind::LinesOutside { lines: outside };
            self.log.add(0, kind, "");
        }
        let mut encoding = source.encoding;
        if self.windows > 0 {
            let kind = match self.has_utf8 {
                true => ProblemKind::MixedEncodings { rows: self.windows },
                false => {
                    encoding = Encoding::Windows1252;
                    ProblemKind::ReadAs { encoding }
                }
            };
            self.log.add(0, kind, "");
        }
        if source.is_open() {
            let line = self.log.counts.lines;
            self.log.add(line, ProblemKind::ListNotClosed, "");
        }
        if self.not_utf8 > 0 && self.could_be_windows && !self.has_utf8 {
            let lines = self.not_utf8;
            self.log.add(0, ProblemKind::LooksLikeWindows { lines }, "");
        }
        sink.end(&mut self.log);
        Ok(Gathered {
            log: self.log,
            columns: match &self.form {
                Form::Json => self.finder.columns().clone(),
                Form::Table { layout, .. } => table::columns(&layout.names, self.finder.columns()),
                Form::Text(_) => Columns::default(),
            },
            encoding,
            shape: source.shape,
        })
    }
}
