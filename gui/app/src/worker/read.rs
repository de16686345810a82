//! Reading files and pasted texts into rows.

use std::{
    fs::File,
    io::{BufRead, BufReader, Cursor, Read as _},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nearsay_faq as faq;
use nearsay_faq::{ColumnChoice, Columns, Faq, ReadError, ReadOptions, Severity};

use super::{Event, Outlet, thread};
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

/// So many rows that were left out are looked at again, to be mended.
const MENDED: usize = 2000;
/// What is looked at of one of them.
const LONGEST: usize = 4096;

/// Something to read.
#[derive(Debug, Clone)]
pub enum Reading {
    /// Files.
    Files(Vec<PathBuf>),
    /// A file with the columns somebody chose, in place of an import before.
    Chosen(PathBuf, ColumnChoice, Option<ImportId>),
    /// A pasted text.
    Pasted(String),
}

/// What came of it.
#[derive(Debug)]
pub enum ReadDone {
    /// Rows of every file, as an edit, and what was wrong with files that could not be read.
    Rows(Box<Taken>, Vec<UserError>),
    /// The columns of this file must be chosen.
    Columns(ColumnsWanted),
}

/// Rows that were read.
#[derive(Debug, Default)]
pub struct Taken {
    /// The files.
    pub files: Vec<Incoming>,
    /// The edit that takes them into the project.
    pub edit: Edit,
    /// The project with them.
    pub after: Document,
    /// The project's revision that it goes with.
    pub revision: u64,
    /// The import they replace.
    pub instead: Option<ImportId>,
}

/// Reads on a named thread until `stop` is set, and works out how the rows go into the project,
/// which is `base` at this revision.
pub(super) fn start(
    reading: Reading,
    (base, revision): (Document, u64),
    stop: Arc<AtomicBool>,
    outlet: Outlet,
) -> Result<(), UserError> {
    let broken = outlet.clone();
    thread::start(
        "faq-reader",
        move || {
            let instead = match &reading {
                Reading::Chosen(_, _, instead) => *instead,
                _ => None,
            };
            let mut done = read_all(reading, &stop, &outlet);
            if let ReadDone::Rows(taken, _) = &mut done {
                let what = text::import::did_import(&taken.files);
                taken.instead = instead;
                taken.edit = merge::replacing(&base, &what, taken.files.clone(), instead);
                taken.after = base;
                taken.after.apply(&taken.edit);
                taken.revision = revision;
            }
            if !stop.load(Ordering::Relaxed) {
                outlet.send(Event::Read(Box::new(done)));
            }
        },
        move || {
            let done = ReadDone::Rows(Box::default(), vec![text::error::broken()]);
            broken.send(Event::Read(Box::new(done)));
        },
    )
}

fn read_all(reading: Reading, stop: &AtomicBool, outlet: &Outlet) -> ReadDone {
    let (paths, choice) = match reading {
        Reading::Files(paths) => (paths, None),
        Reading::Chosen(path, choice, _) => (vec![path], Some(choice)),
        Reading::Pasted(pasted) => {
            let tell = |share| outlet.progress(Event::Reading(share));
            let bytes = pasted.as_bytes();
            return match rows(bytes, bytes.len() as u64, None, stop, &tell) {
                Ok(faq) => {
                    let again = Cursor::new(bytes);
                    let pasted = incoming(faq, again, text::import::PASTED.to_owned(), None);
                    rows_of(vec![pasted], Vec::new())
                }
                Err(error) => rows_of(Vec::new(), vec![plain(&error)]),
            };
        }
    };
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    let count = paths.len().max(1) as f32;
    for (place, path) in paths.iter().enumerate() {
        let name = file_name(path);
        let tell = |share: f32| outlet.progress(Event::Reading((place as f32 + share) / count));
        match file(path, &name, choice.as_ref(), stop, &tell) {
            Ok(incoming) => files.push(incoming),
            Err(Unread::Columns(columns)) => {
                return ReadDone::Columns(ColumnsWanted {
                    path: path.clone(),
                    instead: None,
                    name,
                    question: 0,
                    answer: 1.min(columns.len().saturating_sub(1)),
                    columns,
                });
            }
            Err(Unread::UserError(error)) => errors.push(error),
        }
    }
    rows_of(files, errors)
}

fn rows_of(files: Vec<Incoming>, errors: Vec<UserError>) -> ReadDone {
    let taken = Taken {
        files,
        ..Taken::default()
    };
    ReadDone::Rows(Box::new(taken), errors)
}

enum Unread {
    Columns(Vec<String>),
    UserError(UserError),
}

fn file(
    path: &Path,
    name: &str,
    choice: Option<&ColumnChoice>,
    stop: &AtomicBool,
    tell: &dyn Fn(f32),
) -> Result<Incoming, Unread> {
    let unreadable = |error: std::io::Error| {
        Unread::UserError(text::error::unreadable(name).with_detail(error.to_string()))
    };
    // Looked at before opening: opening a pipe would wait for ever.
    let about = path.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Unread::UserError(text::error::not_a_file(name)));
    }
    if !has_faq_extension(path) {
        return Err(Unread::UserError(text::error::not_a_faq(name)));
    }
    let open = || File::open(path).map(BufReader::new).map_err(unreadable);
    let faq = rows(open()?, about.len(), choice, stop, tell).map_err(|error| match error {
        ReadError::UnknownColumns { columns, .. } if columns.len() > 1 => Unread::Columns(columns),
        error => Unread::UserError(UserError {
            what: format!("{name}: {}", text::strip_full_stop(&error.to_string())),
            ..plain(&error)
        }),
    })?;
    if faq.rows.is_empty() && faq.issues.is_empty() {
        return Err(Unread::UserError(text::error::no_rows(name)));
    }
    Ok(incoming(
        faq,
        open()?,
        name.to_owned(),
        Some(path.to_owned()),
    ))
}

fn rows<R: BufRead>(
    reader: R,
    length: u64,
    choice: Option<&ColumnChoice>,
    stop: &AtomicBool,
    tell: &dyn Fn(f32),
) -> Result<Faq, ReadError> {
    let options = ReadOptions {
        columns: choice.cloned(),
        ..ReadOptions::default()
    };
    faq::read(reader, &options, &mut |progress| {
        tell((progress.bytes as f64 / length.max(1) as f64).min(1.0) as f32);
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

fn plain(error: &ReadError) -> UserError {
    UserError::new(
        text::strip_full_stop(&error.to_string()),
        text::strip_full_stop(error.fix()),
    )
}

fn incoming(faq: Faq, again: impl BufRead, name: String, path: Option<PathBuf>) -> Incoming {
    let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let raw = raw_lines(&faq, again);
    let place = |name: &Option<String>| {
        let name = name.as_ref()?;
        faq.columns.all.iter().position(|column| column == name)
    };
    let taken = (
        place(&faq.columns.question).unwrap_or(0),
        place(&faq.columns.answer).unwrap_or(1),
    );
    let problems = faq
        .issues
        .iter()
        .map(|problem| Shared::new(self::problem(problem, &raw, &faq.columns)))
        .collect();
    Incoming {
        import: Import {
            described: text::import::described(&faq),
            name,
            path,
            read: small(faq.counts.rows),
            changed: small(faq.counts.changed),
            columns: faq.columns.all.clone(),
            taken,
            problems,
            ..Import::default()
        },
        rows: faq.rows.into_iter().map(rows::from_faq).collect(),
    }
}

/// The lines of rows that were left out, as far as they can be shown.
fn raw_lines(faq: &Faq, mut again: impl BufRead) -> Vec<(u64, String)> {
    let mut wanted: Vec<u64> = faq
        .issues
        .iter()
        .filter(|problem| problem.severity == Severity::LeftOut && problem.line > 0)
        .map(|problem| problem.line)
        .take(MENDED)
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = Vec::with_capacity(wanted.len());
    let mut line = 0_u64;
    let mut bytes = Vec::new();
    for number in wanted {
        while line < number {
            bytes.clear();
            // A line without an end must not fill the memory.
            match (&mut again).take(64 << 20).read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => return found,
                Ok(_) => line += 1,
            }
        }
        bytes.truncate(LONGEST);
        found.push((number, String::from_utf8_lossy(&bytes).trim().to_owned()));
    }
    found
}

fn problem(problem: &faq::Issue, raw: &[(u64, String)], columns: &Columns) -> Problem {
    let line = u32::try_from(problem.line).ok().filter(|line| *line > 0);
    let is_out = problem.severity == Severity::LeftOut;
    let raw = raw
        .binary_search_by_key(&problem.line, |(line, _)| *line)
        .ok()
        .and_then(|at| raw.get(at))
        .filter(|_| is_out);
    let (question, answer) = raw.map_or_else(Default::default, |(_, raw)| salvage(raw, columns));
    Problem {
        kind: match problem.severity {
            Severity::LeftOut => ProblemKind::LeftOut,
            Severity::Changed => ProblemKind::Changed,
            Severity::Note => ProblemKind::Note,
        },
        line,
        reason: text::strip_full_stop(&problem.what()),
        fix: text::strip_full_stop(problem.fix()),
        excerpt: problem.excerpt.clone(),
        question: match question.is_empty() && is_out {
            true => problem.excerpt.clone(),
            false => question,
        },
        answer,
    }
}

/// What looks like a question and an answer in a broken row.
fn salvage(raw: &str, columns: &Columns) -> (String, String) {
    let raw = raw.trim().trim_end_matches(',');
    if raw.starts_with('{') {
        let of = |names: &[&str]| names.iter().find_map(|name| json_field(raw, name));
        return (
            of(faq::QUESTION_NAMES).unwrap_or_default(),
            of(faq::ANSWER_NAMES).unwrap_or_default(),
        );
    }
    let Some(delimiter) = ['\t', ';', ','].into_iter().find(|c| raw.contains(*c)) else {
        return (raw.trim_matches('"').to_owned(), String::new());
    };
    let clean = |part: &str| {
        let part = part.trim().trim_matches('"');
        part.replace("\"\"", "\"").trim().to_owned()
    };
    // With as many cells as the table has columns each is what its column says.
    let cells: Vec<String> = raw.split(delimiter).map(clean).collect();
    let column = |name: &Option<String>| {
        let name = name.as_ref()?;
        columns.all.iter().position(|column| column == name)
    };
    if let (Some(question), Some(answer)) = (column(&columns.question), column(&columns.answer))
        && cells.len() == columns.all.len()
    {
        let of = |at: usize| cells.get(at).cloned().unwrap_or_default();
        return (of(question), of(answer));
    }
    let mut parts = raw.splitn(2, delimiter).map(clean);
    (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    )
}

/// The text after `"name":`, up to a quote that ends it or the end of the line.
fn json_field(raw: &str, name: &str) -> Option<String> {
    let from = raw.find(&format!("\"{name}\""))? + name.len() + 2;
    let rest = raw
        .get(from..)?
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    let rest = rest.strip_prefix(['"', '\''])?;
    let mut found = String::new();
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => found.push('\n'),
                Some('t') => found.push('\t'),
                Some(other) => found.push(other),
                None => {}
            },
            '"' => {
                let after: String = chars.clone().take_while(|c| *c != '"').collect();
                let after = after.trim();
                if after.is_empty() || after.starts_with([',', '}']) {
                    break;
                }
                found.push('"');
            }
            c => found.push(c),
        }
    }
    let found = found.trim_end_matches(['}', ' ']).trim().to_owned();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_rows_give_what_can_be_saved() {
        let none = Columns::default();
        let salvage = |raw| super::salvage(raw, &none);
        assert_eq!(
            salvage(r#"{"question": "Is the "big" room free?", "answer": "On \"some\" days"#),
            (
                "Is the \"big\" room free?".into(),
                "On \"some\" days".into()
            )
        );
        assert_eq!(
            salvage(r#"{"q": "Where?"}"#),
            ("Where?".to_owned(), String::new())
        );
        assert_eq!(
            salvage("\"Open, on \"\"Sunday\"\"?\";Yes"),
            ("Open, on \"Sunday\"?".into(), "Yes".into())
        );
        assert_eq!(salvage("just words").0, "just words");
        let columns = Columns {
            question: Some("Frage".to_owned()),
            answer: Some("Antwort".to_owned()),
            all: ["Thema", "Frage", "Antwort"].map(str::to_owned).to_vec(),
        };
        assert_eq!(
            super::salvage("Haus;Gibt es WLAN?;\"Ja, kostenlos", &columns),
            ("Gibt es WLAN?".to_owned(), "Ja, kostenlos".to_owned())
        );
    }
}
