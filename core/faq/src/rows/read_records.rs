//! The loop over the records of a stream, shared by FAQs and test questions.

use super::record_reader::RecordReader;
use super::sink::{ReadOutcome, RowSink};
use crate::source::{Accept, Source};
use crate::split::Next;
use crate::{IssueKind, Progress, ReadError, ReadOptions};
use core::cell::Cell;
use core::ops::ControlFlow;
use std::io::BufRead;

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
    let limits = &options.limits;
    let bytes = Cell::new(0);
    let mut source = Source::open(reader, options, &bytes, accept)?;
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
    counts.rows = sink.len() as u64;
    // The final report can't stop anything, so its result is ignored.
    let _ = progress(Progress {
        bytes: counts.bytes,
        lines: counts.lines,
        rows: counts.rows,
    });
    records.finish(&source, sink)
}
