//! Reading files and pasted rows into the open project.

use nearsay_faq::ColumnChoice;

use super::edit;
use crate::{
    state::{ColumnsWanted, DataView, Level, Page, State, UserError},
    text,
    worker::{ReadOutcome, ReadRequest, Workers},
};
use nearsay_project::{ImportId, merge};

/// Starts reading files or pasted rows; [`import_rows`] imports the result.
pub(super) fn start(state: &mut State, workers: &mut Workers, request: ReadRequest) {
    state.page = Page::Data;
    state.data.view = DataView::Table;
    let name = match &request {
        ReadRequest::Files(paths) => text::import::names(paths),
        ReadRequest::WithColumns(path, ..) => text::import::names(std::slice::from_ref(path)),
        ReadRequest::Pasted(_) => text::import::PASTED.to_owned(),
    };
    let base = state.project.document.clone();
    match workers.read(request, base, state.project.revision) {
        Ok(()) => {
            state.data.reading = Some(name);
            state.data.read_share = 0.0;
            state.data.error = None;
        }
        Err(error) => show_error(state, error),
    }
}

pub(super) fn import_pasted(state: &mut State, workers: &mut Workers) {
    if let Some(pasted) = state.data.paste.take()
        && !pasted.trim().is_empty()
    {
        if state.project.document.options.sample {
            state.data.paste = Some(pasted);
            state.say(Level::Warning, text::import::PASTE_INTO_OWN);
            return;
        }
        start(state, workers, ReadRequest::Pasted(pasted));
    }
}

pub(super) fn choose_columns(state: &mut State, chosen: Option<(usize, usize)>) {
    match (chosen, &mut state.data.columns) {
        (Some((question, answer)), Some(columns)) => {
            (columns.question, columns.answer) = (question, answer);
        }
        _ => state.data.columns = None,
    }
}

pub(super) fn read_with_columns(state: &mut State, workers: &mut Workers) {
    let Some(columns) = state.data.columns.take() else {
        return;
    };
    let choice = ColumnChoice {
        question: column_name(&columns.columns, columns.question),
        answer: column_name(&columns.columns, columns.answer),
    };
    let request = ReadRequest::WithColumns(columns.path, choice, columns.instead);
    start(state, workers, request);
}

fn column_name(columns: &[String], index: usize) -> String {
    columns.get(index).cloned().unwrap_or_default()
}

pub(super) fn change_columns(state: &mut State, id: ImportId) {
    let import = state.project.document.imports.get(&id);
    if let Some((import, path)) = import.and_then(|import| Some((import, import.path.clone()?))) {
        state.data.columns = Some(ColumnsWanted {
            path,
            name: import.name.clone(),
            columns: import.columns.clone(),
            question: import.chosen_columns.0,
            answer: import.chosen_columns.1,
            instead: Some(id),
        });
    }
}

pub(super) fn import_rows(state: &mut State, workers: &mut Workers, outcome: ReadOutcome) {
    state.data.reading = None;
    let (read, mut errors) = match outcome {
        ReadOutcome::Columns(columns) => {
            state.data.columns = Some(columns);
            return;
        }
        ReadOutcome::Rows(read, errors) => (*read, errors),
    };
    if !read.files.is_empty() {
        let before = state.project.counts.questions;
        let imported = if read.revision == state.project.revision {
            edit::apply_known(state, workers, read.edit, read.after)
        } else {
            // The project was edited in the meantime, so the edit is made again.
            let document = &state.project.document;
            let (files, replaced) = (read.files, read.replaced);
            let edit = merge::replace_import(document, &read.edit.what, files, replaced);
            edit::apply(state, workers, edit)
        };
        if imported {
            let added = state.project.counts.questions.saturating_sub(before);
            state.say(Level::Info, text::import::read_done(added));
            state.data.typed_path.clear();
        }
    }
    for error in &errors {
        state.say(Level::Error, error.message.clone());
    }
    state.data.error = match errors.len() {
        0 | 1 => errors.pop(),
        _ => Some(text::error::several(&errors)),
    };
}

fn show_error(state: &mut State, error: UserError) {
    state.say(Level::Error, error.message.clone());
    state.data.error = Some(error);
}
