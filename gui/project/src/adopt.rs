//! An exported folder becomes a project: what is needed is copied, the folder stays as it is.
//!
//! The project has the folder's answers with their wordings, and its model, which answers at once. A
//! folder without its data becomes a project with the model and no entries yet.
//!
//! # What is kept aside, and what that is worth
//!
//! The folder does not say which wordings its model learned from. So they get their roles as those of any
//! file do, for the trainings to come, but no figure of the folder's own model is made of them:
//! [`Model::elsewhere`](super::Model) says so, and has what the folder itself tells of how it was measured
//! where it was made. The first training here is compared with the encoder as it came.

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
    Document, Effort, Elsewhere, Folder, Import, Model, Models, Problem, ProblemKind, ProjectError,
    Shared, Tally,
    files::{file_name, project_name},
    folder,
    merge::{self, Incoming, Row},
    shelf,
};

/// In a project that was made of a folder: the folder's fingerprint.
const MADE_OF: &str = "made-of";
/// Its model is the first.
const MODEL: &str = "1";

/// Words that are stored in a project made from an exported folder.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    /// Name of the project when the folder's name has nothing to show.
    pub unnamed: &'a str,
    /// Name of the import, from that of the folder.
    pub import: fn(&str) -> String,
    /// Description of the import.
    pub described: &'a str,
    /// Remark at an answer without a question.
    pub no_question: &'a str,
    /// What to do about such an answer.
    pub no_question_fix: &'a str,
}

/// A project that was made of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adopted {
    /// Where the project is.
    pub dir: PathBuf,
    /// The folder's name.
    pub folder: String,
    /// How many answers it came with; 0 when it is a model alone.
    pub answers: usize,
    /// The folder was opened before, and this is the project made of it then.
    pub known: bool,
}

/// Makes a project of an exported folder, or finds the one that was made of it before.
///
/// `on_progress` gets the bytes copied and their number.
///
/// # Errors
/// When the folder is none, is damaged or of a newer format, or the project cannot be written; nothing is
/// left of it then.
pub fn adopt(
    store: &Arc<dyn Store>,
    data: &Path,
    from: &Path,
    labels: &Labels<'_>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<Adopted, ProjectError> {
    let refused = |error| unusable(from, error);
    let fingerprint = servable::fingerprint(&**store, from).map_err(refused)?;
    let mut adopted = Adopted {
        folder: file_name(from),
        ..Adopted::default()
    };
    if let Some(dir) = made_of(&**store, data, &fingerprint)? {
        return Ok(Adopted {
            dir,
            known: true,
            ..adopted
        });
    }
    let name = project_name(&[from.to_owned()]).unwrap_or_else(|| labels.unnamed.to_owned());
    let projects = shelf::projects(data);
    store.create_dir_all(&projects)?;
    store.sweep(&projects)?;
    let dir = shelf::new_dir(&**store, data, &name)?;
    let staging = store.stage_dir(&dir)?;
    let made = fill(store, staging.path(), from, &name, labels, on_progress).and_then(|answers| {
        store.write_atomic(&staging.path().join(MADE_OF), fingerprint.as_bytes())?;
        store.rename_dir(staging.path(), &dir)?;
        Ok(answers)
    });
    if made.is_err() {
        // Should that fail, the next sweep does it.
        store.remove(staging.path()).ok();
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

/// The project that was made of the folder with this fingerprint, if it is still there.
fn made_of(
    store: &dyn Store,
    data: &Path,
    fingerprint: &str,
) -> Result<Option<PathBuf>, ProjectError> {
    let projects = shelf::projects(data);
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
        let kept = store.read(&dir.join(MADE_OF), 1 << 10);
        kept.is_ok_and(|kept| kept == fingerprint.as_bytes())
    });
    Ok(same.next())
}

/// Fills a project's folder, and says how many answers it has.
fn fill(
    store: &Arc<dyn Store>,
    dir: &Path,
    from: &Path,
    name: &str,
    labels: &Labels<'_>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<usize, ProjectError> {
    let refused = |error| unusable(from, error);
    let model_dir = dir.join(folder::MODELS).join(MODEL);
    store.create_dir_all(&model_dir)?;
    let manifest = servable::copy(&**store, from, &model_dir, on_progress).map_err(refused)?;
    // As it will be opened to answer.
    let model = Servable::open_any(&**store, &model_dir, &Device::Cpu, Precision::F32);
    let model = model.map_err(refused)?;
    let mut document = Document::named(name, folder::now_s());
    document.options.effort = effort(&manifest);
    if !model.answers().is_empty() {
        let incoming = incoming(model.answers(), &file_name(from), labels);
        let edit = merge::edit(&document, "", vec![incoming]);
        document.apply(&edit);
    }
    let models = Models {
        current: Some(Model {
            name: MODEL.to_owned(),
            elsewhere: Some(told(&manifest)),
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

/// How its model was trained, so that training it again is more of the same.
fn effort(manifest: &Manifest) -> Effort {
    let learns = manifest.report["settings"]["learns"].as_str();
    match (manifest.encoder.as_str(), learns) {
        ("minilm", Some("network")) => Effort::Thorough,
        ("minilm", _) => Effort::Balanced,
        _ => Effort::Quick,
    }
}

/// What a folder tells of its model. How sure its answers are holds for its own answers alone.
fn told(manifest: &Manifest) -> Elsewhere {
    let report: Option<Report> = serde_json::from_value(manifest.report.clone()).ok();
    let figures = report.and_then(|report| report.after);
    let measured = figures.map_or_else(Tally::default, |figures| {
        let of = |share: f32| (share * figures.questions as f32).round() as u32;
        Tally {
            asked: u32::try_from(figures.questions).unwrap_or(u32::MAX),
            first: of(figures.recall_1),
            top5: of(figures.recall_5),
        }
    });
    Elsewhere {
        measured,
        calibrated: manifest.has_answers() && manifest.confidence.calibration.is_some(),
    }
}

/// A folder's answers as those of a file.
fn incoming(answers: &AnswerSet, folder: &str, labels: &Labels<'_>) -> Incoming {
    let mut problems = Vec::new();
    let rows = answers.iter().map(|known| {
        let line = u32::try_from(known.row).unwrap_or(u32::MAX);
        let mut questions = known.questions.clone();
        if questions.is_empty() {
            problems.push(Shared::new(unasked(line, &known.answer, labels)));
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
        put_away: problems.is_empty(),
        problems,
        ..Import::default()
    };
    Incoming { import, rows }
}

/// An answer that nobody has asked for yet stands as its own question, since every row has one.
fn unasked(line: u32, answer: &str, labels: &Labels<'_>) -> Problem {
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
