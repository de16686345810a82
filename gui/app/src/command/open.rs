//! Opening projects, exported directories and files.

use std::path::PathBuf;

use super::{edit, models, preferences, reading};
use crate::{
    state::{Ask, Data, Export, Level, Overlay, Page, Project, Saved, State, Training, UserError},
    text,
    worker::{OpenedProject, ProjectSource, ReadRequest, Workers},
};
use nearsay_project::{
    Adopted, History,
    files::{file_name, is_project, project_name, typed_path},
};

pub(super) fn create_project(state: &mut State, workers: &mut Workers) {
    if start(
        state,
        workers,
        ProjectSource::New(text::shell::NEW_PROJECT.to_owned()),
    ) {
        state.page = Page::Data;
    }
}

pub(super) fn open_sample(state: &mut State, workers: &mut Workers) {
    start(state, workers, ProjectSource::Sample);
}

/// Opens a project, or makes one from an exported model.
pub(super) fn open_folder(state: &mut State, workers: &mut Workers, dir: PathBuf) {
    state.shell.overlay = Overlay::None;
    if !is_project(&dir) {
        adopt(state, workers, dir);
    } else if state.project.dir.as_ref() != Some(&dir) {
        start(state, workers, ProjectSource::Dir(dir));
    }
}

pub(super) fn copy_project(state: &mut State, workers: &mut Workers) {
    if let Some(dir) = state.project.dir.clone() {
        let (document, models) = (&state.project.document, &state.project.models);
        let source = ProjectSource::Copy(Box::new(document.clone()), Box::new(models.clone()), dir);
        start(state, workers, source);
    }
}

/// Retries a failed save; a project without a directory gets one.
pub(super) fn retry_save(state: &mut State, workers: &mut Workers) {
    let project = &state.project;
    match project.saved {
        Saved::No(_) if project.dir.is_none() && !project.opening => {
            let source = ProjectSource::Unsaved(Box::new(project.document.clone()));
            start(state, workers, source);
        }
        _ => workers.retry_save(),
    }
}

/// Opens a project, unless a training is running. Returns whether it is being opened.
fn start(state: &mut State, workers: &mut Workers, source: ProjectSource) -> bool {
    state.shell.overlay = Overlay::None;
    if state.training.is_running() {
        state.say(Level::Warning, text::shell::BUSY);
        return false;
    }
    state.shell.error = None;
    match workers.open_project(source) {
        Ok(()) => state.project.opening = true,
        Err(error) => state.shell.error = Some(error),
    }
    state.project.opening
}

pub(super) fn finish_open(
    state: &mut State,
    workers: &mut Workers,
    ctx: &egui::Context,
    result: Result<OpenedProject, UserError>,
) {
    state.project.opening = false;
    let opened = match result {
        Ok(opened) => opened,
        Err(error) => {
            state.say(Level::Error, error.message.clone());
            state.shell.error = Some(error);
            // The previous project is closed by now, and the window needs one.
            if state.project.revision == 0 || state.project.dir.is_some() {
                open_sample_after_error(state, workers);
            }
            return;
        }
    };
    let revision = state.project.revision + 1;
    let is_empty = opened.document.entries.is_empty();
    state.project = Project {
        dir: opened.dir,
        document: opened.document,
        history: History::default(),
        models: opened.models,
        revision,
        saved: Saved::Yes,
        look_only: opened.read_only,
        ..Project::default()
    };
    state.data = Data::default();
    state.training = Training {
        can_go_on: state.project.models.pending.is_some() && !state.project.look_only,
        ..Training::default()
    };
    state.ask = Ask {
        wants_focus: true,
        ..Ask::default()
    };
    state.export = Export {
        with_data: true,
        ..Export::default()
    };
    state.shell.banner_hidden = false;
    if let Some(error) = opened.error {
        state.say(Level::Warning, error.message.clone());
        state.project.saved = Saved::No(error);
    }
    if let Some(seconds) = opened.restored_s {
        state.say(Level::Info, text::shell::restored(seconds));
    }
    if opened.from_backup {
        state.say(Level::Warning, text::shell::OLDER);
    }
    if opened.read_only {
        state.say(Level::Warning, text::shell::LOOK_ONLY);
    }
    if is_empty {
        state.page = Page::Data;
    }
    announce_adopted(state);
    models::use_current(state, workers);
    edit::update_views(state, workers);
    preferences::remember_project(state, workers, ctx);
    if let Some(paths) = state.shell.open_next.take() {
        open_files(state, workers, paths);
    }
}

fn open_sample_after_error(state: &mut State, workers: &mut Workers) {
    state.project.dir = None;
    start_after_error(state, workers, ProjectSource::Sample);
}

/// Opens the most recent project, or the sample, after an error.
fn open_last(state: &mut State, workers: &mut Workers) {
    let recents = &state.shell.preferences.recents;
    let last = recents.iter().find(|recent| !recent.gone);
    let source = last.map_or(ProjectSource::Sample, |last| {
        ProjectSource::Dir(last.dir.clone())
    });
    start_after_error(state, workers, source);
}

/// Opens a project and keeps the current error on screen.
fn start_after_error(state: &mut State, workers: &mut Workers, source: ProjectSource) {
    let error = state.shell.error.take();
    start(state, workers, source);
    state.shell.error = error;
}

pub(super) fn finish_save(state: &mut State, workers: &Workers, error: Option<UserError>) {
    match error {
        None if workers.is_all_saved() => state.project.saved = Saved::Yes,
        // Later edits are still being saved; their own event follows.
        None => {}
        Some(error) => {
            state.say(Level::Error, error.message.clone());
            state.project.saved = Saved::No(error);
        }
    }
}

/// Reads files into the open project, or into a new one when the open one is the sample or read-only.
pub(super) fn open_files(state: &mut State, workers: &mut Workers, paths: Vec<PathBuf>) {
    if paths.is_empty() {
        return;
    }
    if state.project.opening {
        state.shell.open_next = Some(paths);
        return;
    }
    // The window may have been opened with these files, before any project is open.
    let nothing_is_open = state.project.revision == 0;
    if nothing_is_open || state.project.document.options.sample || state.project.look_only {
        let name = new_name(&paths);
        if start(state, workers, ProjectSource::New(name)) {
            state.page = Page::Data;
            state.shell.open_next = Some(paths);
        }
        return;
    }
    reading::start(state, workers, ReadRequest::Files(paths));
}

pub(super) fn open_typed(state: &mut State, workers: &mut Workers) {
    if let Some(path) = typed_path(&state.data.typed_path) {
        drop_on(state, workers, vec![path]);
    }
}

pub(super) fn drop_on(state: &mut State, workers: &mut Workers, paths: Vec<PathBuf>) {
    match paths.as_slice() {
        [only] if is_project(only) => {
            open_folder(state, workers, only.clone());
        }
        [only] if only.is_dir() => adopt(state, workers, only.clone()),
        _ if state.page == Page::Ask && state.ask.batch.running.is_none() && paths.len() == 1 => {
            // On the Ask step a file may hold questions to answer, so the user is asked.
            state.ask.batch.dropped = paths.into_iter().next();
        }
        _ => open_files(state, workers, paths),
    }
}

/// The name of a new project that starts with these files.
fn new_name(paths: &[PathBuf]) -> String {
    project_name(paths).unwrap_or_else(|| text::shell::NEW_PROJECT.to_owned())
}

/// Starts making a project from an exported directory.
fn adopt(state: &mut State, workers: &mut Workers, folder: PathBuf) {
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let name = file_name(&folder);
    if state.shell.adopting.is_some() {
        return state.say(Level::Warning, text::folder::ONE_AT_A_TIME);
    }
    state.shell.error = None;
    match workers.adopt(folder) {
        Ok(()) => {
            state.shell.adopting = Some((name, 0.0));
            // At the start no other project is open.
            state.project.opening |= state.project.revision == 0;
        }
        Err(error) => finish_adopt(state, workers, Err(error)),
    }
}

pub(super) fn show_adopt_progress(state: &mut State, fraction: f32) {
    if let Some((_, done)) = &mut state.shell.adopting {
        *done = fraction;
    }
}

pub(super) fn finish_adopt(
    state: &mut State,
    workers: &mut Workers,
    result: Result<Adopted, UserError>,
) {
    state.shell.adopting = None;
    if state.project.revision == 0 {
        state.project.opening = false;
    }
    match result {
        Ok(adopted) if state.training.is_running() => {
            let name = new_name(&[PathBuf::from(&adopted.folder)]);
            state.shell.preferences.add_recent(&adopted.dir, &name);
            preferences::save(state, workers);
            state.say(Level::Info, text::folder::later(&adopted));
        }
        Ok(adopted) => {
            let dir = adopted.dir.clone();
            let is_open = state.project.dir.as_ref() == Some(&dir);
            state.shell.adopted = Some(adopted);
            if is_open {
                announce_adopted(state);
            } else {
                start(state, workers, ProjectSource::Dir(dir));
            }
        }
        Err(error) => {
            state.say(Level::Error, error.message.clone());
            state.shell.error = Some(error);
            // The window needs a project.
            if state.project.revision == 0 {
                open_last(state, workers);
            }
        }
    }
}

/// Reports that the project made from an exported directory is open, and shows the next step.
fn announce_adopted(state: &mut State) {
    let Some(adopted) = state.shell.adopted.take() else {
        return;
    };
    state.say(Level::Info, text::folder::opened(&adopted));
    state.page = if state.project.document.entries.is_empty() {
        Page::Data
    } else {
        Page::Ask
    };
}
