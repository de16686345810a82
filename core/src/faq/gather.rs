//! The loop over the pieces of a file, the same for FAQs and test questions.

use super::encoding::{Encoding, could_be_windows};
use super::fields::{Columns, Finder, Parts};
use super::json::{self, Fault};
use super::lines::{Next, Piece};
use super::problem::{Problem, ProblemKind, Severity};
use super::row::Cleaner;
use super::source::{Shape, Source};
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
/// in silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Bytes read.
    pub bytes: u64,
    /// Lines begun.
    pub lines: u64,
    /// Lines with nothing on them.
    pub blank: u64,
    /// What should have become a row: lines, or elements of a list.
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
) -> Result<Gathered, ReadError> {
    let limits = &options.limits;
    let bytes = Cell::new(0);
    let mut source = Source::open(reader, options, &bytes)?;
    let mut state = State {
        log: Log::new(limits),
        finder: Finder::new(options.columns.clone()),
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
                let line = source.lines().max(1);
                state.log.add(line, ProblemKind::TooManyBytes { limit }, "");
                break;
            }
            Next::Piece(piece) if piece.bytes.trim_ascii().is_empty() && !piece.cut => {
                state.log.counts.blank += 1;
            }
            Next::Piece(piece) => {
                state.log.counts.records += 1;
                if sink.rows() >= limits.rows {
                    let limit = limits.rows as u64;
                    let excerpt = beginning(piece.bytes);
                    let kind = ProblemKind::TooManyRows { limit };
                    state.log.add(piece.line, kind, &excerpt);
                    break;
                }
                state.piece(piece, limits, sink);
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

struct State {
    log: Log,
    finder: Finder,
    /// Records that are not even the beginning of JSON, and the first of them.
    not_json: u64,
    beginning: String,
    not_utf8: u64,
    could_be_windows: bool,
    /// Whether any line had characters that only UTF-8 writes that way.
    has_utf8: bool,
}

impl State {
    fn piece(&mut self, piece: Piece<'_>, limits: &ReadLimits, sink: &mut dyn Sink) {
        let line = piece.line;
        if piece.cut {
            let limit = limits.row_bytes as u64;
            let excerpt = beginning(piece.bytes);
            self.log.add(line, ProblemKind::TooLong { limit }, &excerpt);
            return;
        }
        let mut spare = String::new();
        let record = match json::parse(piece.bytes, &mut spare) {
            Ok(record) => record,
            Err(Fault { kind, excerpt }) => {
                match kind {
                    ProblemKind::NotUtf8 { .. } => {
                        self.not_utf8 += 1;
                        self.could_be_windows &= could_be_windows(piece.bytes);
                    }
                    ProblemKind::NotJson => {
                        self.not_json += 1;
                        if self.beginning.is_empty() {
                            self.beginning.clone_from(&excerpt);
                        }
                    }
                    _ => {}
                }
                self.log.add(line, kind, &excerpt);
                return;
            }
        };
        self.has_utf8 |= !piece.bytes.is_ascii();
        let cleaner = Cleaner::new(record.controls);
        let parts = self.finder.parts(&record);
        sink.take(line, &parts, cleaner, &mut self.log);
    }

    fn end(mut self, source: &Source<'_>, sink: &mut dyn Sink) -> Result<Gathered, ReadError> {
        let counts = &self.log.counts;
        if counts.records == 0 {
            return Err(ReadError::Empty);
        }
        if self.finder.records() == 0 && self.not_json > counts.records / 2 {
            let beginning = self.beginning;
            return Err(ReadError::NotJson { beginning });
        }
        // Names that nobody knows are the trouble only if most rows could be read as such.
        let readable = self.finder.records() > 0 && self.finder.records() >= counts.records / 2;
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
            Shape::Lines => {}
            Shape::List => self.log.add(0, ProblemKind::OneList, ""),
            Shape::Spread => self.log.add(0, ProblemKind::SpreadRows, ""),
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
            columns: self.finder.columns().clone(),
            encoding: source.encoding,
            shape: source.shape,
        })
    }
}
