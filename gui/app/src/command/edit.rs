//! Applying, undoing, redoing and saving edits.

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
    if edit.patches.is_empty() || refuse_read_only(state) {
        return false;
    }
    state.project.history.push(edit.clone());
    apply_step(state, workers, edit, 1);
    true
}

/// Like [`apply`], given the document after the edit.
pub(super) fn apply_known(
    state: &mut State,
    workers: &mut Workers,
    edit: Edit,
    after: Document,
) -> bool {
    if refuse_read_only(state) {
        return false;
    }
    state.project.history.push(edit.clone());
    apply_document(state, workers, edit, after, 1);
    true
}

/// Returns true and warns the user if the project is read-only.
fn refuse_read_only(state: &mut State) -> bool {
    if state.project.look_only {
        state.say(Level::Warning, text::shell::LOOK_ONLY);
    }
    state.project.look_only
}

/// Makes an edit from the history. `step` is −1 for an undone one.
fn apply_step(state: &mut State, workers: &mut Workers, edit: Edit, step: i32) {
    let mut after = state.project.document.clone();
    after.apply(&edit);
    apply_document(state, workers, edit, after, step);
}

/// Replaces the document and saves the edit. `step` is −1 for an undone edit.
fn apply_document(
    state: &mut State,
    workers: &mut Workers,
    edit: Edit,
    after: Document,
    step: i32,
) {
    let project = &mut state.project;
    project.document = after;
    project.revision += 1;
    let affects_model = edit.affects_model;
    if project.dir.is_some() {
        project.saved = Saved::Soon;
    }
    workers.save_record(Record::Edit(edit));
    if affects_model && project.models.current.is_some() {
        project.models.edits += step;
        workers.save_record(Record::Models(project.models.clone()));
    }
    update_views(state, workers);
}

/// Updates the table and the search after the project has changed.
pub(super) fn update_views(state: &mut State, workers: &mut Workers) {
    state.project.count();
    let document = &state.project.document;
    let exists = |row: &RowId| document.paraphrase(*row).is_some();
    state.data.chosen.retain(|row| exists(row));
    state.data.anchor = state.data.anchor.filter(exists);
    listing::list_rows(state, workers);
    let project = &state.project;
    if let Err(error) = workers.search_in(project.revision, project.document.entries.clone()) {
        state.ask.error = Some(error);
    }
}

pub(super) fn undo(state: &mut State, workers: &mut Workers) {
    if refuse_read_only(state) {
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
    if refuse_read_only(state) {
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
        let edit = state.project.document.edit_options(what, options);
        apply(state, workers, edit);
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
