//! Reads an FAQ file.

use std::{
    fs::File,
    io::BufReader,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use nearsay_core::faq::{self, Faq, ReadOptions, Severity};

use super::{Event, Outlet, model_dir, thread};
use crate::{
    state::{Dataset, Problem, ProblemKind, Row, Trouble},
    text,
};

/// What a model's folder holds when it is whole.
const MODEL_MARK: &str = "nearsay.json";

/// Reads `path` on a named thread until `stop` is set.
pub(super) fn start(
    path: PathBuf,
    data_dir: PathBuf,
    stop: Arc<AtomicBool>,
    outlet: Outlet,
) -> Result<(), Trouble> {
    let broken = outlet.clone();
    thread::start(
        "faq-reader",
        move || {
            let tell = |share| outlet.progress(Event::Reading(share));
            let result = read(&path, &data_dir, &stop, tell);
            if !stop.load(Ordering::Relaxed) {
                outlet.send(Event::Read(Box::new(result)));
            }
        },
        move || broken.send(Event::Read(Box::new(Err(text::trouble::broken())))),
    )
}

fn read(
    path: &Path,
    data_dir: &Path,
    stop: &AtomicBool,
    tell: impl Fn(f32),
) -> Result<Dataset, Trouble> {
    let name = text::shell::file_name(path);
    let unreadable =
        |error: std::io::Error| text::trouble::unreadable(&name).with_detail(error.to_string());
    // The same file by another way is the same project.
    let path = path.canonicalize().map_err(unreadable)?;
    // Looked at before opening: opening a pipe would wait for ever.
    let about = path.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(text::trouble::not_a_file(&name));
    }
    let file = File::open(&path).map_err(unreadable)?;
    let mut progress = |progress: faq::Progress| {
        tell((progress.bytes as f64 / about.len().max(1) as f64).min(1.0) as f32);
        if stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let read = faq::read_jsonl(BufReader::new(file), &ReadOptions::default(), &mut progress)
        .map_err(|error| {
            Trouble::new(
                text::data::plain(&error.to_string()),
                text::data::plain(error.fix()),
            )
        })?;
    if read.rows.is_empty() && read.problems.is_empty() {
        return Err(text::trouble::no_rows(&name));
    }
    let model_dir = model_dir(data_dir, &path);
    Ok(Dataset {
        trained_before: model_dir.join(MODEL_MARK).is_file(),
        model_dir,
        path,
        name,
        ..dataset(read)
    })
}

fn dataset(read: Faq) -> Dataset {
    let described = text::data::described(&read);
    let problems = read.problems.iter().map(problem).collect();
    let counts = read.counts;
    let mut rows = Vec::with_capacity(read.rows.len());
    for row in read.rows {
        let line = usize::try_from(row.line).unwrap_or(usize::MAX);
        let source = row.source.or(row.filename);
        let as_row = |question, further| Row {
            question,
            further,
            answer: row.answer.clone(),
            line,
            source: source.clone(),
        };
        rows.push(as_row(row.question, false));
        rows.extend(
            row.wordings
                .into_iter()
                .map(|wording| as_row(wording, true)),
        );
    }
    let small = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Dataset {
        described,
        problems,
        has_source: rows.iter().any(|row| row.source.is_some()),
        rows,
        read: small(counts.rows),
        changed: small(counts.changed),
        left_out: small(counts.left_out),
        answers: small(counts.answers),
        ..Dataset::default()
    }
}

fn problem(problem: &faq::Problem) -> Problem {
    Problem {
        kind: match problem.severity {
            Severity::LeftOut => ProblemKind::LeftOut,
            Severity::Changed => ProblemKind::Changed,
            Severity::Note => ProblemKind::Note,
        },
        line: usize::try_from(problem.line).ok().filter(|line| *line > 0),
        reason: problem.what(),
        fix: text::data::plain(problem.fix()),
        excerpt: problem.excerpt.clone(),
    }
}
