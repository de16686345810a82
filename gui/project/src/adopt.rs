//! Making a project from an exported model directory. The directory's files are copied, not changed.
//!
//! The project gets the directory's answers with their questions, and its model. A directory without
//! answers becomes a project with a model and no entries. The directory doesn't say which questions its
//! model was trained on, so the model's figures on the questions held out here stay empty; see
//! [`Model::imported`](super::Model).

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::Device;
use nearsay::{
    servable::{self, AnswerSet, Manifest, Servable, ServableError},
    train::Report,
};
use nearsay_bert::Precision;
use nearsay_store::{ErrorKind, FileKind, Store};

use super::{
    Document, Effort, Folder, Import, ImportedModel, Model, Models, Problem, ProblemKind,
    ProjectError, Shared, Tally,
    files::{file_name, project_name},
    folder, library,
    merge::{self, Incoming, Row},
};

/// File in the project that holds the fingerprint of the exported directory.
const FINGERPRINT: &str = "made-of";
const MAX_FINGERPRINT_BYTES: u64 = 1 << 10;
/// Directory of the project's first model.
const MODEL: &str = "1";

/// Texts stored in a project made from an exported directory.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Name of the project if none can be derived from the directory's name.
    pub unnamed: &'a str,
    /// Name of the import, given the name of the directory.
    pub import: fn(&str) -> String,
    /// Description of the import.
    pub described: &'a str,
    /// Problem shown for an answer without a question.
    pub no_question: &'a str,
    /// Remedy for an answer without a question.
    pub no_question_fix: &'a str,
}

/// A project made from an exported directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adopted {
    /// The project's directory.
    pub dir: PathBuf,
    /// Name of the exported directory.
    pub folder: String,
    /// Number of exported answers; 0 for a model without answers.
    pub answers: usize,
    /// The project existed already: the same directory was opened before.
    pub known: bool,
}

/// Makes a project from an exported directory, or finds the one made from it before.
///
/// `on_progress` receives the number of bytes copied and the total.
///
/// # Errors
/// If the directory isn't a model, is damaged or has a newer format, or if the project cannot be
/// written. No partial project remains.
pub fn adopt(
    store: &Arc<dyn Store>,
    data: &Path,
    from: &Path,
    labels: &Labels<'_>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<Adopted, ProjectError> {
    let to_error = |error| unusable(from, error);
    let fingerprint = servable::fingerprint(&**store, from).map_err(to_error)?;
    let mut adopted = Adopted {
        folder: file_name(from),
        ..Adopted::default()
    };
    if let Some(dir) = find_adopted(&**store, data, &fingerprint)? {
        return Ok(Adopted {
            dir,
            known: true,
            ..adopted
        });
    }
    let name = project_name(&[from.to_owned()]).unwrap_or_else(|| labels.unnamed.to_owned());
    let projects = library::projects_dir(data);
    store.create_dir_all(&projects)?;
    store.sweep(&projects)?;
    let dir = library::choose_project_dir(&**store, data, &name)?;
    let staging = store.stage_dir(&dir)?;
    let made = write_project(store, staging.path(), from, &name, labels, on_progress).and_then(
        |answers| {
            store.write_atomic(&staging.path().join(FINGERPRINT), fingerprint.as_bytes())?;
            store.rename_dir(staging.path(), &dir)?;
            Ok(answers)
        },
    );
    if made.is_err() {
        // The next sweep retries if this fails.
        if let Err(error) = store.remove(staging.path()) {
            tracing::warn!(%error, "cannot remove a partial project");
        }
    }
    adopted.answers = made?;
    adopted.dir = dir;
    Ok(adopted)
}

fn unusable(dir: &Path, source: ServableError) -> ProjectError {
    ProjectError::Model {
        dir: dir.to_owned(),
        source,
    }
}

/// Finds the existing project made from a directory with this fingerprint.
fn find_adopted(
    store: &dyn Store,
    data: &Path,
    fingerprint: &str,
) -> Result<Option<PathBuf>, ProjectError> {
    let projects = library::projects_dir(data);
    let entries = match store.list(&projects) {
        Ok(entries) => entries,
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let dirs = entries
        .into_iter()
        .filter(|entry| entry.kind == FileKind::Folder)
        .map(|entry| projects.join(entry.name));
    let mut same = dirs.filter(|dir| {
        store
            .read(&dir.join(FINGERPRINT), MAX_FINGERPRINT_BYTES)
            .is_ok_and(|stored| stored == fingerprint.as_bytes())
    });
    Ok(same.next())
}

/// Writes the project's directory and returns the number of answers.
fn write_project(
    store: &Arc<dyn Store>,
    dir: &Path,
    from: &Path,
    name: &str,
    labels: &Labels<'_>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<usize, ProjectError> {
    let to_error = |error| unusable(from, error);
    let model_dir = dir.join(folder::MODELS).join(MODEL);
    store.create_dir_all(&model_dir)?;
    let manifest = servable::copy(&**store, from, &model_dir, on_progress).map_err(to_error)?;
    // Opened like the window opens it, so that only usable models are adopted.
    let model = Servable::open_any(&**store, &model_dir, &Device::Cpu, Precision::F32);
    let model = model.map_err(to_error)?;
    let mut document = Document::named(name, folder::now_s());
    document.options.effort = choose_effort(&manifest);
    if !model.answers().is_empty() {
        let incoming = convert_answers(model.answers(), &file_name(from), labels);
        let edit = merge::add_files(&document, "", vec![incoming]);
        document.apply(&edit);
    }
    let models = Models {
        current: Some(Model {
            name: MODEL.to_owned(),
            imported: Some(read_figures(&manifest)),
            made_s: folder::now_s(),
            ..Model::default()
        }),
        next: 1,
        ..Models::default()
    };
    let made = Folder::create(Arc::clone(store), dir, &document, &models)?;
    made.close()?;
    Ok(model.answers().len())
}

/// Chooses the effort that trains like the model was trained.
fn choose_effort(manifest: &Manifest) -> Effort {
    let learns = manifest.report["settings"]["learns"].as_str();
    match (manifest.encoder.as_str(), learns) {
        ("minilm", Some("network")) => Effort::Thorough,
        ("minilm", _) => Effort::Balanced,
        _ => Effort::Quick,
    }
}

/// Reads the figures stored with the model. Its calibration applies only together with its answers.
fn read_figures(manifest: &Manifest) -> ImportedModel {
    let report: Option<Report> = serde_json::from_value(manifest.report.clone()).ok();
    let headline = |report: &Report| report.headline().map(|comparison| comparison.after);
    let figures = report.and_then(|report| headline(&report).or(report.after));
    let measured = figures.as_ref().map_or_else(Tally::default, Tally::of);
    ImportedModel {
        measured,
        calibrated: manifest.has_answers() && manifest.confidence.calibration.is_some(),
    }
}

/// Converts a directory's answers to rows of an import.
fn convert_answers(answers: &AnswerSet, folder: &str, labels: &Labels<'_>) -> Incoming {
    let mut problems = Vec::new();
    let rows = answers.iter().map(|known| {
        let line = u32::try_from(known.row).unwrap_or(u32::MAX);
        let mut questions = known.questions.clone();
        if questions.is_empty() {
            problems.push(Shared::new(report_unasked(line, &known.answer, labels)));
            questions.push(known.answer.clone());
        }
        Row {
            questions,
            answer: known.answer.clone(),
            source: known.source.clone(),
            line,
        }
    });
    let rows: Vec<Row> = rows.collect();
    let import = Import {
        name: (labels.import)(folder),
        described: labels.described.to_owned(),
        read: rows.iter().map(|row| row.questions.len()).sum(),
        changed: problems.len(),
        dismissed: problems.is_empty(),
        problems,
        ..Import::default()
    };
    Incoming { import, rows }
}

/// Reports an answer without questions, which becomes its own question because every row needs one.
fn report_unasked(line: u32, answer: &str, labels: &Labels<'_>) -> Problem {
    Problem {
        kind: ProblemKind::Changed,
        line: (line > 0).then_some(line),
        reason: labels.no_question.to_owned(),
        fix: labels.no_question_fix.to_owned(),
        excerpt: answer.chars().take(80).collect(),
        question: String::new(),
        answer: answer.to_owned(),
    }
}

#[cfg(test)]
mod tests;
