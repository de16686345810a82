//! Counts and issues of a file.

use super::field_reader::FieldReader;
use crate::{Issue, IssueKind, ReadLimits, Severity};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Counts of lines, records, rows and issues of a file.
///
/// Two invariants guarantee that no data is lost without an issue: `records = rows + left_out`, and
/// for JSONL files `lines = records + blank`. The header of a table isn't a record, and a table row
/// of empty cells is blank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Bytes read.
    pub bytes: u64,
    /// Lines begun.
    pub lines: u64,
    /// Blank lines, and table rows of empty cells.
    pub blank: u64,
    /// Records: non-blank lines, list elements, table rows or questions of a text.
    pub records: u64,
    /// Rows kept.
    pub rows: u64,
    /// Records left out.
    pub left_out: u64,
    /// Issues of severity [`Severity::Changed`]. One row may have several.
    pub changed: u64,
    /// Issues of severity [`Severity::Note`].
    pub notes: u64,
    /// Records left out because they repeat an earlier row.
    pub repeated: u64,
    /// Distinct answers (see [`normalize`](crate::normalize)).
    pub answers: u64,
    /// Distinct answers with more than one row, whose questions count as paraphrases of each other.
    pub shared_answers: u64,
    /// Issues counted but not listed because of [`ReadLimits::issues`].
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

/// Issues and counts collected while reading.
pub(super) struct ReadLog {
    pub(super) issues: Vec<Issue>,
    pub(super) counts: Counts,
    /// Maximum number of issues about single lines.
    limit: usize,
    /// Texts whose HTML or escaped line breaks were converted.
    converted: u64,
    /// Texts that look decoded in a wrong encoding.
    double_encoded: u64,
}

impl ReadLog {
    pub(super) fn new(limits: &ReadLimits) -> Self {
        Self {
            issues: Vec::new(),
            counts: Counts::default(),
            limit: limits.issues,
            converted: 0,
            double_encoded: 0,
        }
    }

    /// Counts what a reader noticed in the texts of a row that was kept.
    pub(super) fn count_texts(&mut self, reader: &FieldReader) {
        self.converted += reader.converted;
        self.double_encoded += reader.double_encoded;
    }

    /// Adds issues about the texts of the whole file.
    pub(super) fn add_text_issues(&mut self) {
        if self.converted > 0 {
            let texts = self.converted;
            self.add(0, IssueKind::Converted { texts }, "");
        }
        if self.double_encoded > 0 {
            let texts = self.double_encoded;
            self.add(0, IssueKind::DoubleEncoded { texts }, "");
        }
    }

    /// Counts an issue, and lists it if the limit allows. Issues about the whole file (line 0) are
    /// always listed.
    pub(super) fn add(&mut self, line: u64, kind: IssueKind, excerpt: &str) {
        let counts = &mut self.counts;
        match kind.severity() {
            Severity::LeftOut => counts.left_out += 1,
            Severity::Changed => counts.changed += 1,
            Severity::Note => counts.notes += 1,
        }
        if matches!(kind, IssueKind::Repeated { .. }) {
            counts.repeated += 1;
        }
        if line > 0 && self.issues.len() >= self.limit {
            counts.unlisted += 1;
        } else {
            self.issues.push(Issue::new(line, kind, excerpt));
        }
    }

    /// Adds the counts and issues of one of several files.
    pub(super) fn absorb(&mut self, other: Self, file: &str) {
        let (counts, more) = (&mut self.counts, other.counts);
        counts.bytes += more.bytes;
        counts.lines += more.lines;
        counts.blank += more.blank;
        counts.records += more.records;
        counts.rows += more.rows;
        counts.left_out += more.left_out;
        counts.changed += more.changed;
        counts.notes += more.notes;
        counts.repeated += more.repeated;
        counts.unlisted += more.unlisted;
        for mut issue in other.issues {
            if issue.line > 0 && self.issues.len() >= self.limit {
                self.counts.unlisted += 1;
                continue;
            }
            issue.file = Some(file.to_owned());
            self.issues.push(issue);
        }
    }

    /// Sets the raw text of the issues from index `from` on that are about records left out.
    pub(super) fn set_raw(&mut self, from: usize, raw: &str) {
        let raw = raw.trim();
        for issue in self.issues.iter_mut().skip(from) {
            if issue.severity == Severity::LeftOut && !raw.is_empty() {
                issue.raw = Some(raw.chars().take(Issue::MAX_RAW_CHARS).collect());
            }
        }
    }
}
