//! Reading files and pasted text into rows.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nearsay_faq as faq;
use nearsay_faq::{ColumnChoice, Faq, ReadError, ReadOptions, Severity};

use super::{Event, EventSender, thread};
use crate::{
    state::{ColumnsWanted, UserError},
    text,
};
use nearsay_project::{
    Document, Edit, Import, ImportId, Problem, ProblemKind, Shared,
    files::{file_name, has_faq_extension},
    merge::{self, Incoming},
    rows,
};

/// Something to read.
#[derive(Debug, Clone)]
pub enum ReadRequest {
    Files(Vec<PathBuf>),
    /// A file with columns chosen by the user, in place of an earlier import.
    WithColumns(PathBuf, ColumnChoice, Option<ImportId>),
    Pasted(String),
}

/// Result of reading.
#[derive(Debug)]
pub enum ReadOutcome {
    /// Rows of the readable files, and errors of the others.
    Rows(Box<ReadRows>, Vec<UserError>),
    /// The user has to choose the columns of this file.
    Columns(ColumnsWanted),
}

/// Rows that were read, and the edit that adds them.
#[derive(Debug, Default)]
pub struct ReadRows {
    pub files: Vec<Incoming>,
    /// Adds the rows to the project.
    pub edit: Edit,
    /// The project after the edit.
    pub after: Document,
    /// The project's revision before the edit.
    pub revision: u64,
    /// The import that the rows replace.
    pub replaced: Option<ImportId>,
}

/// Reads on a thread until `cancel` is set, and makes the edit that adds the rows to the project `base` of
/// this revision.
pub(super) fn start(
    request: ReadRequest,
    (base, revision): (Document, u64),
    cancel: Arc<AtomicBool>,
    events: EventSender,
) -> Result<(), UserError> {
    let panic_events = events.clone();
    thread::start(
        "faq-reader",
        move || {
            let replaced = match &request {
                ReadRequest::WithColumns(_, _, replaced) => *replaced,
                _ => None,
            };
            let mut outcome = read_all(request, &cancel, &events);
            if let ReadOutcome::Rows(read, _) = &mut outcome {
                let what = text::import::did_import(&read.files);
                read.replaced = replaced;
                read.edit = merge::replace_import(&base, &what, read.files.clone(), replaced);
                read.after = base;
                read.after.apply(&read.edit);
                read.revision = revision;
            }
            if !cancel.load(Ordering::Relaxed) {
                events.send(Event::Read(Box::new(outcome)));
            }
        },
        move || {
            let outcome = ReadOutcome::Rows(Box::default(), vec![text::error::broken()]);
            panic_events.send(Event::Read(Box::new(outcome)));
        },
    )
}

fn read_all(request: ReadRequest, cancel: &AtomicBool, events: &EventSender) -> ReadOutcome {
    let (paths, choice) = match request {
        ReadRequest::Files(paths) => (paths, None),
        ReadRequest::WithColumns(path, choice, _) => (vec![path], Some(choice)),
        ReadRequest::Pasted(pasted) => return read_pasted(&pasted, cancel, events),
    };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    let count = paths.len().max(1) as f32;
    for (number, path) in paths.iter().enumerate() {
        let name = file_name(path);
        let on_progress = |fraction: f32| {
            events.send_progress(Event::Reading((number as f32 + fraction) / count));
        };
        match read_file(path, &name, choice.as_ref(), cancel, &on_progress) {
            Ok(incoming) => files.push(incoming),
            Err(FileError::UnknownColumns(columns)) => {
                return ReadOutcome::Columns(ColumnsWanted {
                    path: path.clone(),
                    instead: None,
                    name,
                    question: 0,
                    answer: 1.min(columns.len().saturating_sub(1)),
                    columns,
                });
            }
            Err(FileError::Unreadable(error)) => errors.push(error),
        }
    }
    collect_rows(files, errors)
}

fn read_pasted(pasted: &str, cancel: &AtomicBool, events: &EventSender) -> ReadOutcome {
    let bytes = pasted.as_bytes();
    let on_progress = |fraction| events.send_progress(Event::Reading(fraction));
    match read_faq(bytes, None, bytes.len() as u64, None, cancel, &on_progress) {
        Ok(faq) => {
            let incoming = convert_faq(faq, text::import::PASTED.to_owned(), None);
            collect_rows(vec![incoming], Vec::new())
        }
        Err(error) => collect_rows(Vec::new(), vec![describe_error(&error)]),
    }
}

fn collect_rows(files: Vec<Incoming>, errors: Vec<UserError>) -> ReadOutcome {
    let rows = ReadRows {
        files,
        ..ReadRows::default()
    };
    ReadOutcome::Rows(Box::new(rows), errors)
}

enum FileError {
    /// The columns of the questions and answers are unknown; these are the file's columns.
    UnknownColumns(Vec<String>),
    Unreadable(UserError),
}

fn read_file(
    path: &Path,
    name: &str,
    choice: Option<&ColumnChoice>,
    cancel: &AtomicBool,
    on_progress: &dyn Fn(f32),
) -> Result<Incoming, FileError> {
    let to_error = |error: std::io::Error| {
        FileError::Unreadable(text::error::unreadable(name).with_detail(error.to_string()))
    };
    // Checked before opening, because opening a pipe would block.
    let metadata = path.metadata().map_err(to_error)?;
    if !metadata.is_file() {
        return Err(FileError::Unreadable(text::error::not_a_file(name)));
    }
    if !has_faq_extension(path) {
        return Err(FileError::Unreadable(text::error::not_a_faq(name)));
    }
    let file = BufReader::new(File::open(path).map_err(to_error)?);
    let faq = read_faq(
        file,
        Some(name),
        metadata.len(),
        choice,
        cancel,
        on_progress,
    )
    .map_err(|error| match error {
        ReadError::UnknownColumns { columns, .. } if columns.len() > 1 => {
            FileError::UnknownColumns(columns)
        }
        error => {
            let described = describe_error(&error);
            FileError::Unreadable(UserError {
                message: format!("{name}: {}", described.message),
                ..described
            })
        }
    })?;
    if faq.rows.is_empty() && faq.issues.is_empty() {
        return Err(FileError::Unreadable(text::error::no_rows(name)));
    }
    Ok(convert_faq(faq, name.to_owned(), Some(path.to_owned())))
}

fn read_faq<R: BufRead>(
    reader: R,
    name: Option<&str>,
    length: u64,
    choice: Option<&ColumnChoice>,
    cancel: &AtomicBool,
    on_progress: &dyn Fn(f32),
) -> Result<Faq, ReadError> {
    let options = ReadOptions {
        columns: choice.cloned(),
        file_name: name.map(str::to_owned),
        ..ReadOptions::default()
    };
    faq::read(reader, &options, &mut |progress| {
        on_progress((progress.bytes as f64 / length.max(1) as f64).min(1.0) as f32);
        if cancel.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

fn describe_error(error: &ReadError) -> UserError {
    // The text of the error ends with the advice.
    let (text, advice) = (error.to_string(), error.fix());
    let message = text.strip_suffix(advice).unwrap_or(&text).trim_end();
    UserError::new(
        text::strip_full_stop(message),
        text::strip_full_stop(advice),
    )
}

fn convert_faq(faq: Faq, name: String, path: Option<PathBuf>) -> Incoming {
    let columns = &faq.columns;
    let chosen_columns = (
        find_column(&columns.all, columns.question.as_ref()).unwrap_or(0),
        find_column(&columns.all, columns.answer.as_ref()).unwrap_or(1),
    );
    let problems = faq
        .issues
        .iter()
        .map(|issue| Shared::new(convert_issue(&faq, issue)))
        .collect();
    Incoming {
        import: Import {
            described: text::import::described(&faq),
            name,
            path,
            read: usize::try_from(faq.counts.rows).unwrap_or(usize::MAX),
            changed: usize::try_from(faq.counts.changed).unwrap_or(usize::MAX),
            columns: faq.columns.all.clone(),
            chosen_columns,
            problems,
            ..Import::default()
        },
        rows: faq.rows.into_iter().map(rows::from_faq).collect(),
    }
}

fn find_column(columns: &[String], name: Option<&String>) -> Option<usize> {
    columns.iter().position(|column| Some(column) == name)
}

fn convert_issue(faq: &Faq, issue: &faq::Issue) -> Problem {
    let (mut question, answer) = faq.salvage(issue);
    if question.is_empty() && issue.severity == Severity::LeftOut {
        question.clone_from(&issue.excerpt);
    }
    Problem {
        kind: match issue.severity {
            Severity::LeftOut => ProblemKind::LeftOut,
            Severity::Changed => ProblemKind::Changed,
            Severity::Note => ProblemKind::Note,
        },
        line: u32::try_from(issue.line).ok().filter(|line| *line > 0),
        reason: text::strip_full_stop(&issue.what()),
        fix: text::strip_full_stop(issue.fix()),
        excerpt: issue.excerpt.clone(),
        question,
        answer,
    }
}
