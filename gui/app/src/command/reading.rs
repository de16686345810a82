//! Reading files and pasted rows into the open project.

use nearsay_faq::ColumnChoice;

use super::edit;
use crate::{
    state::{ColumnsWanted, DataView, Level, Page, State, UserError},
    text,
    worker::{ReadDone, Reading, Workers},
};
use nearsay_project::{ImportId, merge};

/// Starts reading files or pasted rows; [`read`] takes the result in.
pub(super) fn start(state: &mut State, workers: &mut Workers, reading: Reading) {
    state.page = Page::Data;
    state.data.view = DataView::Table;
    let name = match &reading {
        Reading::Files(paths) => text::import::names(paths),
        Reading::Chosen(path, ..) => text::import::names(std::slice::from_ref(path)),
        Reading::Pasted(_) => text::import::PASTED.to_owned(),
    };
    let base = state.project.document.clone();
    match workers.read(reading, base, state.project.revision) {
        Ok(()) => {
            state.data.reading = Some(name);
            state.data.read_share = 0.0;
            state.data.error = None;
        }
        Err(error) => fail(state, error),
    }
}

pub(super) fn take_pasted(state: &mut State, workers: &mut Workers) {
    if let Some(pasted) = state.data.paste.take()
        && !pasted.trim().is_empty()
    {
        if state.project.document.options.sample {
            state.data.paste = Some(pasted);
            state.say(Level::Warning, text::import::PASTE_INTO_OWN);
            return;
        }
        start(state, workers, Reading::Pasted(pasted));
    }
}

pub(super) fn columns(state: &mut State, chosen: Option<(usize, usize)>) {
    match (chosen, &mut state.data.columns) {
        (Some((question, answer)), Some(columns)) => {
            (columns.question, columns.answer) = (question, answer);
        }
        _ => state.data.columns = None,
    }
}

pub(super) fn take_columns(state: &mut State, workers: &mut Workers) {
    let Some(columns) = state.data.columns.take() else {
        return;
    };
    let name = |at: usize| columns.columns.get(at).cloned().unwrap_or_default();
    let choice = ColumnChoice {
        question: name(columns.question),
        answer: name(columns.answer),
    };
    let reading = Reading::Chosen(columns.path, choice, columns.instead);
    start(state, workers, reading);
}

pub(super) fn change_columns(state: &mut State, id: ImportId) {
    let import = state.project.document.imports.get(&id);
    if let Some((import, path)) = import.and_then(|import| Some((import, import.path.clone()?))) {
        state.data.columns = Some(ColumnsWanted {
            path,
            name: import.name.clone(),
            columns: import.columns.clone(),
            question: import.taken.0,
            answer: import.taken.1,
            instead: Some(id),
        });
    }
}

pub(super) fn read(state: &mut State, workers: &mut Workers, done: ReadDone) {
    state.data.reading = None;
    let (taken, mut errors) = match done {
        ReadDone::Columns(columns) => {
            state.data.columns = Some(columns);
            return;
        }
        ReadDone::Rows(taken, errors) => (*taken, errors),
    };
    if !taken.files.is_empty() {
        let before = state.project.counts.questions;
        let done = if taken.revision == state.project.revision {
            edit::apply_known(state, workers, taken.edit, taken.after)
        } else {
            // The project was edited meanwhile.
            let document = &state.project.document;
            let (files, instead) = (taken.files, taken.instead);
            let edit = merge::replacing(document, &taken.edit.what, files, instead);
            edit::apply(state, workers, edit)
        };
        if done {
            let added = state.project.counts.questions.saturating_sub(before);
            state.say(Level::Info, text::import::read_done(added));
            state.data.typed_path.clear();
        }
    }
    for error in &errors {
        state.say(Level::Error, error.what.clone());
    }
    state.data.error = match errors.len() {
        0 | 1 => errors.pop(),
        _ => Some(text::error::several(&errors)),
    };
}

fn fail(state: &mut State, error: UserError) {
    state.say(Level::Error, error.what.clone());
    state.data.error = Some(error);
}
