//! Edits of the open project: made, undone, redone, and saved.

use super::{listing, preferences};
use crate::{
    state::{Level, Overlay, Saved, State},
    text,
    worker::Workers,
};
use nearsay_project::{Document, Edit, Options, RowId, journal::Record};

/// Makes an edit, saves it and updates the table and the search. Returns false when the edit is empty or
/// the project is read-only.
pub(super) fn apply(state: &mut State, workers: &mut Workers, edit: Edit) -> bool {
    if edit.patches.is_empty() || refuse(state) {
        return false;
    }
    state.project.history.did(edit.clone());
    apply_step(state, workers, edit, 1);
    true
}

/// Like [`apply`], for an edit whose outcome is known already.
pub(super) fn apply_known(
    state: &mut State,
    workers: &mut Workers,
    edit: Edit,
    after: Document,
) -> bool {
    if refuse(state) {
        return false;
    }
    state.project.history.did(edit.clone());
    take(state, workers, edit, after, 1);
    true
}

/// Returns true and warns the user if the project is read-only.
fn refuse(state: &mut State) -> bool {
    if state.project.look_only {
        state.say(Level::Warning, text::shell::LOOK_ONLY);
    }
    state.project.look_only
}

/// Makes an edit from the history. `step` is −1 for an undone one.
fn apply_step(state: &mut State, workers: &mut Workers, edit: Edit, step: i32) {
    let mut after = state.project.document.clone();
    after.apply(&edit);
    take(state, workers, edit, after, step);
}

/// Takes in an edit with the document it leads to.
fn take(state: &mut State, workers: &mut Workers, edit: Edit, after: Document, step: i32) {
    let project = &mut state.project;
    project.document = after;
    project.revision += 1;
    let teaches = edit.teaches;
    if project.dir.is_some() {
        project.saved = Saved::Soon;
    }
    workers.keep(Record::Edit(edit));
    if teaches && project.models.current.is_some() {
        project.models.edits += step;
        workers.keep(Record::Models(project.models.clone()));
    }
    changed(state, workers);
}

/// Updates the table and the search after the project has changed.
pub(super) fn changed(state: &mut State, workers: &mut Workers) {
    state.project.count();
    let document = &state.project.document;
    let is_there = |row: &RowId| document.wording(*row).is_some();
    state.data.chosen.retain(|row| is_there(row));
    state.data.anchor = state.data.anchor.filter(is_there);
    listing::list(state, workers);
    let project = &state.project;
    if let Err(error) = workers.search_in(project.revision, project.document.entries.clone()) {
        state.ask.error = Some(error);
    }
}

pub(super) fn undo(state: &mut State, workers: &mut Workers) {
    if refuse(state) {
        return;
    }
    match state.project.history.undo() {
        Some(edit) => {
            state.say(Level::Info, text::shell::undone(&edit.what));
            state.ask.feedback = None;
            apply_step(state, workers, edit, -1);
        }
        None => state.say(Level::Info, text::shell::NOTHING_TO_UNDO),
    }
}

pub(super) fn redo(state: &mut State, workers: &mut Workers) {
    if refuse(state) {
        return;
    }
    match state.project.history.redo() {
        Some(edit) => {
            state.say(Level::Info, text::shell::redone(&edit.what));
            apply_step(state, workers, edit, 1);
        }
        None => state.say(Level::Info, text::shell::NOTHING_TO_REDO),
    }
}

/// Changes the options of the project; `what` names the edit in the undo history.
pub(super) fn set_options(
    state: &mut State,
    workers: &mut Workers,
    what: &str,
    change: impl FnOnce(&mut Options),
) {
    let mut options = state.project.document.options.clone();
    change(&mut options);
    if options != state.project.document.options {
        let wanted = state.project.document.set_options(what, options);
        apply(state, workers, wanted);
    }
}

pub(super) fn rename(state: &mut State, workers: &mut Workers, ctx: &egui::Context, name: &str) {
    state.shell.overlay = Overlay::None;
    let name = name.trim();
    if name.is_empty() {
        return;
    }
    set_options(state, workers, text::shell::DID_RENAME, |options| {
        options.name = name.to_owned();
        options.sample = false;
    });
    preferences::remember_project(state, workers, ctx);
}
