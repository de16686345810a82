//! The loop over the records of a stream, shared by FAQs and test questions.

use super::counts::ReadLog;
use super::record_reader::RecordReader;
use super::sink::{ReadOutcome, RowSink};
use crate::decode::decode_record;
use crate::document::{Document, Records};
use crate::source::{Accept, FileFacts, Opened, Source};
use crate::split::Next;
use crate::{Columns, Encoding, FileFormat, IssueKind, Progress, ReadError, ReadOptions, text};
use core::cell::Cell;
use core::ops::ControlFlow;
use std::io::{self, BufRead};

/// Bytes read between two calls of the progress callback.
const PROGRESS_BYTES: u64 = 1 << 18;

/// Reads the records of a stream into a sink, up to the end or a limit.
///
/// # Errors
/// [`ReadError`], when the stream fails, `progress` stops it, or nothing in it can be read.
pub(super) fn read_records<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn RowSink,
    accept: Accept,
) -> Result<ReadOutcome, ReadError> {
    let mut outcome = read_file(reader, options, progress, sink, accept)?;
    sink.finish(&mut outcome.log);
    Ok(outcome)
}

/// Reads the records of one file into a sink that may have those of others.
///
/// # Errors
/// [`ReadError`], when the stream fails, `progress` stops it, or nothing in it can be read.
pub(super) fn read_file<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn RowSink,
    accept: Accept,
) -> Result<ReadOutcome, ReadError> {
    let bytes = Cell::new(0);
    match Source::open(reader, options, &bytes, accept)? {
        Opened::Records(source) => read_stream(*source, options, &bytes, progress, sink),
        Opened::Text(format, encoding, reader) => {
            let whole = read_whole(reader, format.format, options, &bytes, progress)?;
            let text = decode_whole(whole, format.format)?;
            match (format.read)(&text, options) {
                Ok(document) => {
                    drop(text);
                    read_document(document, encoding, options, bytes.get(), progress, sink)
                }
                Err(error) => {
                    let outcome = read_text_as_stream(&text, error, options, progress, sink)?;
                    Ok(ReadOutcome {
                        encoding,
                        ..outcome
                    })
                }
            }
        }
        Opened::Bytes(format, reader) => {
            let whole = read_whole(reader, format.format, options, &bytes, progress)?;
            let mut document = (format.read)(whole, options)?;
            if !document.files.is_empty() && accept == Accept::AnyButArchives {
                return Err(ReadError::Refused {
                    kind: "an archive inside of an archive",
                    remedy: "Unpack it, and choose the FAQ files inside.",
                });
            }
            if !document.files.is_empty() {
                let files = core::mem::take(&mut document.files);
                let files = files.iter().map(|file| (file.0.clone(), file.1.as_slice()));
                let accept = Accept::AnyButArchives;
                return read_several(files, document.issues, options, progress, sink, accept);
            }
            let encoding = Encoding::Utf8;
            read_document(document, encoding, options, bytes.get(), progress, sink)
        }
    }
}

/// Reads several files into one sink. Files that can't be read are listed as issues.
///
/// # Errors
/// [`ReadError`] of the first file, when none can be read, or when `progress` stops the reading.
pub(super) fn read_several<R: BufRead>(
    files: impl Iterator<Item = (String, R)>,
    issues: Vec<(u64, IssueKind, String)>,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn RowSink,
    accept: Accept,
) -> Result<ReadOutcome, ReadError> {
    let mut all: Option<ReadOutcome> = None;
    let mut first_error = None;
    let mut log = ReadLog::new(&options.limits);
    for (position, kind, excerpt) in issues {
        log.add(position, kind, &excerpt);
    }
    for (name, reader) in files {
        sink.set_file(Some(&name));
        let options = ReadOptions {
            file_name: Some(name.clone()),
            ..options.clone()
        };
        match read_file(reader, &options, progress, sink, accept) {
            Ok(ReadOutcome {
                log: more,
                columns,
                encoding,
                ..
            }) => {
                log.absorb(more, &name);
                let outcome = all.get_or_insert_with(|| ReadOutcome {
                    log: ReadLog::new(&options.limits),
                    columns: Columns::default(),
                    encoding,
                    format: FileFormat::Archive,
                });
                outcome.columns.extend(columns);
            }
            Err(ReadError::Stopped) => return Err(ReadError::Stopped),
            Err(error) => {
                let reason = text::excerpt(&error.to_string());
                let name = text::excerpt(&name);
                log.add(0, IssueKind::FileLeftOut { name, reason }, "");
                first_error = first_error.or(Some(error));
            }
        }
    }
    sink.set_file(None);
    match (all, first_error) {
        (Some(outcome), _) => Ok(ReadOutcome { log, ..outcome }),
        (None, Some(error)) => Err(error),
        (None, None) => Err(ReadError::Empty),
    }
}

/// Reads a text as a table, flat JSON or a text with labels, since its document format didn't fit.
///
/// # Errors
/// [`ReadError`]: `error` of the document format, unless that of the stream tells more.
fn read_text_as_stream(
    text: &str,
    error: ReadError,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn RowSink,
) -> Result<ReadOutcome, ReadError> {
    // The tags of a page would make a table of anything.
    let is_page = matches!(
        error,
        ReadError::NothingFound {
            format: FileFormat::Html,
            ..
        }
    );
    if is_page
        || !matches!(
            error,
            ReadError::NothingFound { .. } | ReadError::Damaged { .. }
        )
    {
        return Err(error);
    }
    let bytes = Cell::new(0);
    let options = ReadOptions {
        encoding: None,
        ..options.clone()
    };
    let opened = Source::open(text.as_bytes(), &options, &bytes, Accept::Streamed);
    let Ok(Opened::Records(source)) = opened else {
        return Err(error);
    };
    let is_json = source.format.is_json();
    match read_stream(*source, &options, &bytes, progress, sink) {
        // One name is that of the list around all questions.
        Err(ReadError::UnknownColumns { columns, .. }) if columns.len() < 2 => Err(error),
        Err(other) if is_json => Err(other),
        Err(_) => Err(error),
        Ok(outcome) => {
            let has_rows = outcome.log.counts.rows > 0;
            // What the reader of nested JSON leaves are titles and texts of other things.
            let is_other = is_json && has_rows && matches!(error, ReadError::NothingFound { .. });
            if is_other || (!is_json && !has_rows) {
                Err(error)
            } else {
                Ok(outcome)
            }
        }
    }
}

/// Reads a stream to its end.
///
/// # Errors
/// [`ReadError`], when the stream fails, is too large, or `progress` stops it.
fn read_whole(
    mut reader: impl BufRead,
    format: FileFormat,
    options: &ReadOptions,
    bytes: &Cell<u64>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Vec<u8>, ReadError> {
    let limit = options.limits.document_bytes;
    let mut whole = Vec::new();
    let mut reported = 0;
    loop {
        let chunk = match reader.fill_buf() {
            Ok([]) => return Ok(whole),
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if whole.len() + chunk.len() > limit {
            return Err(ReadError::TooLarge { format, limit });
        }
        whole.extend_from_slice(chunk);
        let length = chunk.len();
        reader.consume(length);
        let bytes = bytes.get();
        if bytes >= reported + PROGRESS_BYTES {
            reported = bytes;
            let now = Progress {
                bytes,
                ..Progress::default()
            };
            if progress(now).is_break() {
                return Err(ReadError::Stopped);
            }
        }
    }
}

/// Decodes a text read whole: UTF-8, or else Windows-1252.
fn decode_whole(bytes: Vec<u8>, format: FileFormat) -> Result<String, ReadError> {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    match decode_record(error.as_bytes(), false) {
        Ok((text, _)) => Ok(text.into_owned()),
        Err(at) => Err(ReadError::Damaged {
            format,
            reason: format!("byte {} is not valid UTF-8", at + 1),
        }),
    }
}

/// Passes the records of a document to a sink, up to the row limit.
///
/// # Errors
/// [`ReadError`], when nothing in the document can be read.
fn read_document(
    document: Document,
    encoding: Encoding,
    options: &ReadOptions,
    bytes: u64,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn RowSink,
) -> Result<ReadOutcome, ReadError> {
    let limits = &options.limits;
    let before = sink.len();
    let mut records = RecordReader::of_document(encoding, options);
    for (position, kind, excerpt) in document.issues {
        records.add_document_issue(position, kind, &excerpt);
    }
    for section in document.sections {
        let common = &section.common;
        let flow = match section.records {
            Records::Cells(layout, rows) => {
                records.start_table(layout);
                rows.into_iter()
                    .try_for_each(|row| records.read_cells(&row, common, limits, sink))
            }
            Records::Fields(list) => {
                let choice = options.columns.clone();
                records.start_fields(choice.filter(|_| !document.format.is_marked_text()));
                list.into_iter()
                    .try_for_each(|record| records.read_fields(&record, common, limits, sink))
            }
        };
        if flow.is_break() {
            break;
        }
    }
    let counts = &mut records.log.counts;
    counts.bytes = bytes;
    counts.lines = document.lines;
    counts.rows = (sink.len() - before) as u64;
    let _ = progress(Progress {
        bytes,
        lines: counts.lines,
        rows: counts.rows,
    });
    let facts = FileFacts {
        format: document.format,
        encoding,
        blank: document.blank,
        unassigned: document.unassigned,
        is_list_unclosed: false,
    };
    records.finish(&facts)
}

/// Passes the records of a stream to a sink, up to the end or a limit.
fn read_stream(
    mut source: Source<'_>,
    options: &ReadOptions,
    bytes: &Cell<u64>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    sink: &mut dyn RowSink,
) -> Result<ReadOutcome, ReadError> {
    let limits = &options.limits;
    let before = sink.len();
    let mut records = RecordReader::new(&source, options);
    let mut reported = 0;
    loop {
        let rows = sink.len() as u64;
        let mut stopped = false;
        let mut tick = |lines| {
            let bytes = bytes.get();
            if bytes >= reported + PROGRESS_BYTES {
                reported = bytes;
                let now = Progress { bytes, lines, rows };
                stopped = progress(now).is_break();
            }
            if stopped || bytes > limits.bytes {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
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
                records.log.counts.records += 1;
                let line = source.halted_at().max(1);
                records.log.add(line, IssueKind::TooManyBytes { limit }, "");
                break;
            }
            Next::Record(record) => {
                if records.read(&record, limits, sink).is_break() {
                    break;
                }
            }
        }
    }
    let counts = &mut records.log.counts;
    counts.bytes = bytes.get();
    counts.lines = source.lines();
    counts.rows = (sink.len() - before) as u64;
    // The final report can't stop anything, so its result is ignored.
    let _ = progress(Progress {
        bytes: counts.bytes,
        lines: counts.lines,
        rows: counts.rows,
    });
    records.finish(&source.facts())
}
