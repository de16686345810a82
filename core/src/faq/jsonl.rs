//! Reading an FAQ of JSON, and what all FAQs have in common.

use super::fields::{Columns, Parts};
use super::gather::{Counts, Gathered, Log, Sink, gather};
use super::problem::{Problem, ProblemKind};
use super::repeats::{Repeats, Verdict, merge, told};
use super::row::{Cleaner, Row};
use super::source::{Accept, Shape};
use super::{Encoding, Progress, ReadError, ReadOptions};
use core::ops::ControlFlow;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

/// An FAQ as it was read: every row that could be used, and every problem on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faq {
    /// The rows, in the order of the file.
    pub rows: Vec<Row>,
    /// What to tell, in the order of the file; about the whole file, first or last.
    pub problems: Vec<Problem>,
    /// How much of everything.
    pub counts: Counts,
    /// Which columns the questions and answers are from.
    pub columns: Columns,
    /// The encoding of the file.
    pub encoding: Encoding,
    /// How the rows stand in the file.
    pub shape: Shape,
}

/// Reads an FAQ of JSON objects: one a line, one list of them, or one after the other.
///
/// A bad row never stops the rest: it is left out and told. Memory holds the rows, the problems
/// (up to a limit) and one record, whatever the file may be. `progress` is called every 256 kB and
/// at the end; when it returns [`ControlFlow::Break`], reading stops.
///
/// # Errors
/// [`ReadError`], when the stream fails, is stopped, or nothing in it can be understood.
///
/// # Example
///
/// ```
/// use core::ops::ControlFlow;
/// use nearsay_core::faq::{ReadOptions, read_jsonl};
///
/// let file = r#"{"q": "Are you open on Sunday?", "a": "No."}
/// {"q": "Where are you?"}"#;
/// let faq = read_jsonl(file.as_bytes(), &ReadOptions::default(), &mut |_| {
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(faq.rows[0].answer, "No.");
/// assert_eq!(
///     faq.problems[0].to_string(),
///     "line 2: no answer for \"Where are you?\". Add one, or delete the row."
/// );
/// # Ok::<(), nearsay_core::faq::ReadError>(())
/// ```
pub fn read_jsonl<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Faq, ReadError> {
    gathered(reader, options, progress, Accept::Json)
}

/// Reads an FAQ as [`read`](super::read) and [`read_jsonl`] do.
pub(super) fn gathered<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    accept: Accept,
) -> Result<Faq, ReadError> {
    let mut rows = Rows::default();
    let Gathered {
        log,
        columns,
        encoding,
        shape,
    } = gather(reader, options, progress, &mut rows, accept)?;
    Ok(Faq {
        rows: rows.rows,
        problems: log.problems,
        counts: log.counts,
        columns,
        encoding,
        shape,
    })
}

#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    repeats: Repeats,
}

impl Sink for Rows {
    fn take(&mut self, line: u64, parts: &Parts<'_>, mut cleaner: Cleaner, log: &mut Log) {
        let row = match cleaner.row(line, parts) {
            Ok(row) => row,
            Err(fault) => return log.add(line, fault.kind, &fault.excerpt),
        };
        let verdict = self.repeats.meet(&row, &self.rows);
        if let Some(kind) = told(&verdict, &self.rows) {
            log.add(line, kind, &row.question);
        }
        if let Verdict::Repeated(first) = verdict {
            if let Some(kept) = self.rows.get_mut(first) {
                merge(kept, row);
            }
            return;
        }
        for kind in cleaner.remarks() {
            log.add(line, kind, &row.question);
        }
        self.rows.push(row);
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn end(&mut self, log: &mut Log) {
        log.counts.answers = self.repeats.answers();
        log.counts.shared_answers = self.repeats.shared();
        let answers = log.counts.shared_answers;
        if answers > 0 {
            log.add(0, ProblemKind::SharedAnswers { answers }, "");
        }
    }
}
