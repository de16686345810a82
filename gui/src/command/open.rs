//! Opening projects, and every edit of the open one.

use std::path::{Path, PathBuf};

use crate::{
    job::{Jobs, OpenedProject, Wanted, Which},
    project::{Document, Edit, History, Options, journal::Record},
    state::{Ask, Data, Export, Level, Overlay, Project, Saved, State, Step, Training, Trouble},
    text,
};

/// Does an edit, keeps it, and lets everybody know. False when the project may only be looked at.
pub(super) fn edit(state: &mut State, jobs: &mut Jobs, edit: Edit) -> bool {
    if edit.patches.is_empty() || refuse(state) {
        return false;
    }
    state.project.history.did(edit.clone());
    apply(state, jobs, edit, 1);
    true
}

/// Takes in an edit whose outcome is known already, and keeps it as any other.
pub(super) fn edited(state: &mut State, jobs: &mut Jobs, edit: Edit, after: Document) -> bool {
    if refuse(state) {
        return false;
    }
    state.project.history.did(edit.clone());
    take(state, jobs, edit, after, 1);
    true
}

fn refuse(state: &mut State) -> bool {
    if state.project.look_only {
        state.say(Level::Warning, text::shell::LOOK_ONLY);
    }
    state.project.look_only
}

/// Does an edit that history gave. `step` is −1 for one taken back.
fn apply(state: &mut State, jobs: &mut Jobs, edit: Edit, step: i32) {
    let mut after = state.project.document.clone();
    after.apply(&edit);
    take(state, jobs, edit, after, step);
}

fn take(state: &mut State, jobs: &mut Jobs, edit: Edit, after: Document, step: i32) {
    let project = &mut state.project;
    project.document = after;
    project.revision += 1;
    let teaches = edit.teaches;
    if project.dir.is_some() {
        project.saved = Saved::Soon;
    }
    jobs.keep(Record::Edit(edit));
    if teaches && project.models.current.is_some() {
        project.models.edits += step;
        jobs.keep(Record::Models(project.models.clone()));
    }
    changed(state, jobs);
}

/// Lets the table and whoever answers know how the project is now.
fn changed(state: &mut State, jobs: &mut Jobs) {
    state.project.count();
    let document = &state.project.document;
    let is_there = |row: &crate::project::RowId| document.wording(*row).is_some();
    state.data.chosen.retain(|row| is_there(row));
    state.data.anchor = state.data.anchor.filter(is_there);
    super::data::list(state, jobs);
    let project = &state.project;
    let told = jobs.search_in(project.revision, project.document.entries.clone());
    if let Err(trouble) = told {
        state.ask.trouble = Some(trouble);
    }
}

pub(super) fn undo(state: &mut State, jobs: &mut Jobs) {
    if refuse(state) {
        return;
    }
    match state.project.history.undo() {
        Some(edit) => {
            state.say(Level::Info, text::shell::undone(&edit.what));
            state.ask.said = None;
            apply(state, jobs, edit, -1);
        }
        None => state.say(Level::Info, text::shell::NOTHING_TO_UNDO),
    }
}

pub(super) fn redo(state: &mut State, jobs: &mut Jobs) {
    if refuse(state) {
        return;
    }
    match state.project.history.redo() {
        Some(edit) => {
            state.say(Level::Info, text::shell::redone(&edit.what));
            apply(state, jobs, edit, 1);
        }
        None => state.say(Level::Info, text::shell::NOTHING_TO_REDO),
    }
}

/// The models have changed.
pub(super) fn keep_models(state: &mut State, jobs: &Jobs) {
    if state.project.dir.is_some() {
        state.project.saved = Saved::Soon;
    }
    jobs.keep(Record::Models(state.project.models.clone()));
}

pub(super) fn set_options(
    state: &mut State,
    jobs: &mut Jobs,
    what: &str,
    change: impl FnOnce(&mut Options),
) {
    let mut options = state.project.document.options.clone();
    change(&mut options);
    if options != state.project.document.options {
        let wanted = state.project.document.set_options(what, options);
        edit(state, jobs, wanted);
    }
}

pub(super) fn rename(state: &mut State, jobs: &mut Jobs, ctx: &egui::Context, name: &str) {
    state.shell.overlay = Overlay::None;
    let name = name.trim();
    if name.is_empty() {
        return;
    }
    set_options(state, jobs, text::shell::DID_RENAME, |options| {
        options.name = name.to_owned();
        options.sample = false;
    });
    remember(state, jobs, ctx);
}

pub(super) fn begin_new(state: &mut State, jobs: &mut Jobs) {
    if start(state, jobs, Which::New(text::shell::NEW_PROJECT.to_owned())) {
        state.step = Step::Data;
    }
}

pub(super) fn open_sample(state: &mut State, jobs: &mut Jobs) {
    start(state, jobs, Which::Sample);
}

pub(super) fn open(state: &mut State, jobs: &mut Jobs, dir: PathBuf) {
    state.shell.overlay = Overlay::None;
    if !text::shell::is_project(&dir) {
        super::folder::adopt(state, jobs, dir);
    } else if state.project.dir.as_ref() != Some(&dir) {
        start(state, jobs, Which::At(dir));
    }
}

pub(super) fn copy(state: &mut State, jobs: &mut Jobs) {
    if let Some(dir) = state.project.dir.clone() {
        let (document, models) = (&state.project.document, &state.project.models);
        let which = Which::Copy(Box::new(document.clone()), Box::new(models.clone()), dir);
        start(state, jobs, which);
    }
}

/// Tries again to write; what has no folder yet gets one.
pub(super) fn keep_again(state: &mut State, jobs: &mut Jobs) {
    let project = &state.project;
    match project.saved {
        Saved::No(_) if project.dir.is_none() && !project.opening => {
            let which = Which::Unkept(Box::new(project.document.clone()));
            start(state, jobs, which);
        }
        _ => jobs.keep_again(),
    }
}

/// Opens a project unless a training runs.
pub(super) fn start(state: &mut State, jobs: &mut Jobs, which: Which) -> bool {
    state.shell.overlay = Overlay::None;
    if state.training.is_running() {
        state.say(Level::Warning, text::shell::BUSY);
        return false;
    }
    state.shell.trouble = None;
    match jobs.open(which) {
        Ok(()) => state.project.opening = true,
        Err(trouble) => state.shell.trouble = Some(trouble),
    }
    state.project.opening
}

pub(super) fn opened(
    state: &mut State,
    jobs: &mut Jobs,
    ctx: &egui::Context,
    result: Result<OpenedProject, Trouble>,
) {
    state.project.opening = false;
    let opened = match result {
        Ok(opened) => opened,
        Err(trouble) => {
            state.say(Level::Error, trouble.what.clone());
            state.shell.trouble = Some(trouble);
            // Something must be there to work with, and whatever was open is closed by now.
            if state.project.revision == 0 || state.project.dir.is_some() {
                open_sample_after_trouble(state, jobs);
            }
            return;
        }
    };
    let revision = state.project.revision + 1;
    let fresh = opened.document.entries.is_empty();
    state.project = Project {
        dir: opened.dir,
        document: opened.document,
        history: History::default(),
        models: opened.models,
        revision,
        saved: Saved::Yes,
        look_only: opened.look_only,
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
    if let Some(trouble) = opened.trouble {
        state.say(Level::Warning, trouble.what.clone());
        state.project.saved = Saved::No(trouble);
    }
    if let Some(seconds) = opened.restored_s {
        state.say(Level::Info, text::shell::restored(seconds));
    }
    if opened.older {
        state.say(Level::Warning, text::shell::OLDER);
    }
    if opened.look_only {
        state.say(Level::Warning, text::shell::LOOK_ONLY);
    }
    if fresh {
        state.step = Step::Data;
    }
    super::folder::told(state);
    use_models(state, jobs);
    changed(state, jobs);
    remember(state, jobs, ctx);
    if let Some(paths) = state.shell.open_next.take() {
        super::data::open(state, jobs, paths);
    }
}

fn open_sample_after_trouble(state: &mut State, jobs: &mut Jobs) {
    state.project.dir = None;
    start_after_trouble(state, jobs, Which::Sample);
}

/// Opens the project that was open last, or the sample, because what was wanted could not be.
pub(super) fn open_last(state: &mut State, jobs: &mut Jobs) {
    let recents = &state.shell.preferences.recents;
    let last = recents.iter().find(|recent| !recent.gone);
    let which = last.map_or(Which::Sample, |last| Which::At(last.dir.clone()));
    start_after_trouble(state, jobs, which);
}

/// Opens something, and the trouble goes on being shown.
fn start_after_trouble(state: &mut State, jobs: &mut Jobs, which: Which) {
    let trouble = state.shell.trouble.take();
    start(state, jobs, which);
    state.shell.trouble = trouble;
}

/// Lets the project's current model answer.
pub(super) fn use_models(state: &mut State, jobs: &mut Jobs) {
    let elsewhere = state.project.elsewhere().is_some();
    let wanted = Wanted {
        dir: state.project.model_dir(),
        elsewhere,
    };
    state.ask.side = Default::default();
    state.training.checking.elsewhere = elsewhere;
    if wanted.dir.is_none() || elsewhere {
        state
            .training
            .checking
            .forget_after(&state.project.document.entries);
    }
    if let Err(trouble) = jobs.use_models(wanted) {
        state.ask.trouble = Some(trouble);
    }
}

/// Puts the project on top of the recent ones, and its name in the title.
fn remember(state: &mut State, jobs: &Jobs, ctx: &egui::Context) {
    let name = state.project.name().to_owned();
    ctx.send_viewport_cmd(egui::ViewportCommand::Title(text::shell::title(&name)));
    if let Some(dir) = state.project.dir.clone() {
        state.shell.preferences.opened(Path::new(&dir), &name);
        super::shell::keep_preferences(state, jobs);
    }
}

pub(super) fn kept(state: &mut State, jobs: &Jobs, trouble: Option<Trouble>) {
    match trouble {
        None if jobs.has_kept_all() => state.project.saved = Saved::Yes,
        // What was done meanwhile is told when it is kept too.
        None => {}
        Some(trouble) => {
            state.say(Level::Error, trouble.what.clone());
            state.project.saved = Saved::No(trouble);
        }
    }
}
