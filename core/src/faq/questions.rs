//! Reading test questions.

use super::fields::{Columns, Parts};
use super::gather::{Counts, Log, Sink, gather};
use super::problem::Problem;
use super::row::{Cleaner, name_it};
use super::source::Accept;
use super::{Progress, ReadError, ReadOptions, text};
use core::ops::ControlFlow;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::BufRead;

/// A question whose right answers are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestQuestion {
    /// The line it was read from, counted from 1.
    #[serde(default)]
    pub line: u64,
    /// The question.
    pub question: String,
    /// Further ways to ask it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wordings: Vec<String>,
    /// The answers: any of them is right. At least one.
    pub answers: Vec<String>,
}

/// Test questions as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Questions {
    /// The questions, in the order of the file. Nothing that stands twice is left out.
    pub rows: Vec<TestQuestion>,
    /// What to tell.
    pub problems: Vec<Problem>,
    /// How much of everything.
    pub counts: Counts,
    /// Which columns the questions and answers are from.
    pub columns: Columns,
}

/// Reads test questions: rows of `question`, and `answer` or `answers`, where any is right.
///
/// In all else it does as [`read`](super::read) does; an FAQ is read as well.
///
/// # Errors
/// [`ReadError`], when the stream fails, is stopped, or nothing in it can be understood.
pub fn read_questions<R: BufRead>(
    reader: R,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Questions, ReadError> {
    let mut rows = Rows(Vec::new());
    let gathered = gather(reader, options, progress, &mut rows, Accept::Any)?;
    Ok(Questions {
        rows: rows.0,
        problems: gathered.log.problems,
        counts: gathered.log.counts,
        columns: gathered.columns,
    })
}

struct Rows(Vec<TestQuestion>);

impl Sink for Rows {
    fn take(&mut self, line: u64, parts: &Parts<'_>, mut cleaner: Cleaner, log: &mut Log) {
        let both = cleaner
            .question(parts)
            .and_then(|asked| Ok((asked, cleaner.answers(parts)?)));
        let ((question, wordings), answers) = match both {
            Ok(both) => both,
            Err(fault) => {
                let fault = name_it(fault, parts);
                return log.add(line, fault.kind, &fault.excerpt);
            }
        };
        for kind in cleaner.remarks() {
            log.add(line, kind, &question);
        }
        self.0.push(TestQuestion {
            line,
            question,
            wordings,
            answers,
        });
    }

    fn rows(&self) -> usize {
        self.0.len()
    }

    fn end(&mut self, log: &mut Log) {
        let answers = self.0.iter().flat_map(|row| &row.answers);
        let different: HashSet<String> = answers.map(|a| text::normalize(a)).collect();
        log.counts.answers = different.len() as u64;
    }
}
