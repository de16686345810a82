//! Reading FAQs.

use super::counts::ReadLog;
use super::duplicates::{Comparison, DuplicateFinder, merge_paraphrases};
use super::field_reader::FieldReader;
use super::read_records::{read_records, read_several};
use super::sink::{ReadOutcome, RowSink};
use super::{Counts, Row};
use crate::Columns;
use crate::columns::RowFields;
use crate::source::Accept;
use crate::{Encoding, FileFormat, Issue, IssueKind, Progress, ReadError, ReadOptions};
use core::ops::ControlFlow;
use serde::{Deserialize, Serialize};
use std::io::BufRead;

/// Rows and issues of an FAQ file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Faq {
    /// Rows, in the order of the file.
    pub rows: Vec<Row>,
    /// Issues, in the order of the file; those about the whole file come first or last. The JSON
    /// key is `problems`.
    #[serde(rename = "problems")]
    pub issues: Vec<Issue>,
    /// Counts of lines, records and issues.
    pub counts: Counts,
    /// Columns of the questions and answers.
    pub columns: Columns,
    /// Encoding of the file.
    pub encoding: Encoding,
    /// Format of the file. The JSON key is `shape`.
    #[serde(rename = "shape")]
    pub format: FileFormat,
}

/// Reads an FAQ in any supported format.
///
/// The format is detected from the first 64 kB. Rows, memory use, `progress` and errors are those
/// of [`read_jsonl`]. [`ReadOptions::columns`] selects the columns of a table by their names in the
/// first row, or by their numbers `"1"`, `"2"` and so on.
///
/// # Errors
/// [`ReadError`], when the stream fails, `progress` stops it, or nothing in it can be read.
///
/// # Example
///
/// ```
/// use core::ops::ControlFlow;
/// use nearsay_faq::{FileFormat, ReadOptions, read};
///
/// let file = "Frage;Antwort\n\"Offen; auch sonntags?\";Nein.\nWo?;\n";
/// let faq = read(file.as_bytes(), &ReadOptions::default(), &mut |_| {
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(faq.format, FileFormat::Table { delimiter: ';' });
/// assert_eq!(faq.rows[0].question, "Offen; auch sonntags?");
/// assert_eq!(
///     faq.issues[0].to_string(),
///     "line 3: the answer is empty for \"Wo?\". Fill it in, or delete the row."
/// );
/// # Ok::<(), nearsay_faq::ReadError>(())
/// ```
pub fn read<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Faq, ReadError> {
    read_faq(reader, options, progress, Accept::Any)
}

/// Reads an FAQ of JSON objects: one per line, in one list, or one after another.
///
/// An invalid row is reported as an issue and left out. Memory holds the rows, the issues (up to
/// [`ReadLimits::issues`](crate::ReadLimits::issues)) and one record. `progress` is called
/// about every 256 kB and at the end; reading stops when it returns [`ControlFlow::Break`].
///
/// # Errors
/// [`ReadError`], when the stream fails, `progress` stops it, or nothing in it can be read.
///
/// # Example
///
/// ```
/// use core::ops::ControlFlow;
/// use nearsay_faq::{ReadOptions, read_jsonl};
///
/// let file = r#"{"q": "Are you open on Sunday?", "a": "No."}
/// {"q": "Where are you?"}"#;
/// let faq = read_jsonl(file.as_bytes(), &ReadOptions::default(), &mut |_| {
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(faq.rows[0].answer, "No.");
/// assert_eq!(
///     faq.issues[0].to_string(),
///     "line 2: no answer for \"Where are you?\". Add one, or delete the row."
/// );
/// # Ok::<(), nearsay_faq::ReadError>(())
/// ```
pub fn read_jsonl<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Faq, ReadError> {
    read_faq(reader, options, progress, Accept::Json)
}

/// Reads several files as one FAQ. Rows and issues have the names of their files.
///
/// Rows that repeat one of another file are left out too. A file that can't be read becomes an
/// issue.
///
/// # Errors
/// [`ReadError`] of the first file, when none can be read, or when `progress` stops the reading.
///
/// # Example
///
/// ```
/// use core::ops::ControlFlow;
/// use nearsay_faq::{ReadOptions, read_files};
///
/// let files = [
///     ("hours.txt".to_owned(), &b"Q: Open on Sunday?\nA: No.\n"[..]),
///     ("costs.csv".to_owned(), &b"question,answer\nIs it free?,Yes.\n"[..]),
/// ];
/// let faq = read_files(files, &ReadOptions::default(), &mut |_| ControlFlow::Continue(()))?;
/// assert_eq!(faq.rows.len(), 2);
/// assert_eq!(faq.rows[1].filename.as_deref(), Some("costs.csv"));
/// # Ok::<(), nearsay_faq::ReadError>(())
/// ```
pub fn read_files<R: BufRead>(
    files: impl IntoIterator<Item = (String, R)>,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Faq, ReadError> {
    let mut sink = FaqSink::default();
    let files = files.into_iter();
    let mut outcome = read_several(files, Vec::new(), options, progress, &mut sink, Accept::Any)?;
    sink.finish(&mut outcome.log);
    Ok(sink.into_faq(outcome))
}

fn read_faq<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    accept: Accept,
) -> Result<Faq, ReadError> {
    let mut sink = FaqSink::default();
    let outcome = read_records(reader, options, progress, &mut sink, accept)?;
    Ok(sink.into_faq(outcome))
}

/// Sink that drops repeated rows.
#[derive(Default)]
struct FaqSink {
    rows: Vec<Row>,
    /// Name of the file that is being read, if there are several.
    file: Option<String>,
    duplicates: DuplicateFinder,
}

impl FaqSink {
    fn into_faq(self, outcome: ReadOutcome) -> Faq {
        let ReadOutcome {
            log,
            columns,
            encoding,
            format,
        } = outcome;
        Faq {
            rows: self.rows,
            issues: log.issues,
            counts: log.counts,
            columns,
            encoding,
            format,
        }
    }
}

impl RowSink for FaqSink {
    fn add(
        &mut self,
        line: u64,
        fields: &RowFields<'_>,
        mut reader: FieldReader,
        log: &mut ReadLog,
    ) {
        let mut row = match reader.read_row(line, fields) {
            Ok(row) => row,
            Err(rejection) => return log.add(line, rejection.kind, &rejection.excerpt),
        };
        if row.filename.is_none() {
            row.filename.clone_from(&self.file);
        }
        let comparison = self.duplicates.compare_and_add(&row, &self.rows);
        if let Some(kind) = comparison.to_issue(&self.rows) {
            log.add(line, kind, &row.question);
        }
        if let Comparison::Repeated(first) = comparison {
            if let Some(kept) = self.rows.get_mut(first) {
                merge_paraphrases(kept, row);
            }
            return;
        }
        log.count_texts(&reader);
        for kind in reader.issues() {
            log.add(line, kind, &row.question);
        }
        self.rows.push(row);
    }

    fn set_file(&mut self, name: Option<&str>) {
        self.file = name.map(str::to_owned);
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn finish(&mut self, log: &mut ReadLog) {
        log.counts.answers = self.duplicates.count_answers();
        log.counts.shared_answers = self.duplicates.count_shared_answers();
        let answers = log.counts.shared_answers;
        if answers > 0 {
            log.add(0, IssueKind::SharedAnswers { answers }, "");
        }
    }
}
