//! Reading test questions.

use super::Counts;
use super::counts::ReadLog;
use super::field_reader::{FieldReader, add_excerpt};
use super::read_records::read_records;
use super::sink::RowSink;
use crate::Columns;
use crate::columns::RowFields;
use crate::source::Accept;
use crate::{Issue, Progress, ReadError, ReadOptions, text};
use core::ops::ControlFlow;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::BufRead;

/// A question with its right answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestQuestion {
    /// Line on which the question begins, counted from 1; 0 if it doesn't come from a file.
    #[serde(default)]
    pub line: u64,
    /// The question.
    pub question: String,
    /// Other ways to ask the question. The JSON key is `wordings`.
    #[serde(default, rename = "wordings", skip_serializing_if = "Vec::is_empty")]
    pub paraphrases: Vec<String>,
    /// Right answers, at least one. Any of them counts as right.
    pub answers: Vec<String>,
}

/// Test questions and issues of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questions {
    /// Questions in the order of the file, including repeated ones.
    pub rows: Vec<TestQuestion>,
    /// Issues, in the order of the file. The JSON key is `problems`.
    #[serde(rename = "problems")]
    pub issues: Vec<Issue>,
    /// Counts of lines, records and issues.
    pub counts: Counts,
    /// Columns of the questions and answers.
    pub columns: Columns,
}

/// Reads test questions: rows with a `question`, and an `answer` or several right `answers`.
///
/// Formats, options and `progress` are those of [`read`](crate::read). FAQ files are accepted
/// too.
///
/// # Errors
/// [`ReadError`], when the stream fails, `progress` stops it, or nothing in it can be read.
pub fn read_questions<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Questions, ReadError> {
    let mut sink = QuestionSink(Vec::new());
    let outcome = read_records(reader, options, progress, &mut sink, Accept::Any)?;
    Ok(Questions {
        rows: sink.0,
        issues: outcome.log.issues,
        counts: outcome.log.counts,
        columns: outcome.columns,
    })
}

/// Sink that keeps every row and allows several answers.
struct QuestionSink(Vec<TestQuestion>);

impl RowSink for QuestionSink {
    fn add(
        &mut self,
        line: u64,
        fields: &RowFields<'_>,
        mut reader: FieldReader,
        log: &mut ReadLog,
    ) {
        let texts = reader
            .read_questions(fields)
            .and_then(|questions| Ok((questions, reader.read_answers(fields)?)));
        let ((question, paraphrases), answers) = match texts {
            Ok(texts) => texts,
            Err(rejection) => {
                let rejection = add_excerpt(rejection, fields);
                return log.add(line, rejection.kind, &rejection.excerpt);
            }
        };
        log.count_texts(&reader);
        for kind in reader.issues() {
            log.add(line, kind, &question);
        }
        self.0.push(TestQuestion {
            line,
            question,
            paraphrases,
            answers,
        });
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn finish(&mut self, log: &mut ReadLog) {
        let answers = self.0.iter().flat_map(|row| &row.answers);
        let distinct: HashSet<String> = answers.map(|a| text::normalize(a)).collect();
        log.counts.answers = distinct.len() as u64;
    }
}
