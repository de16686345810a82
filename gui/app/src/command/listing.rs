//! Listing and sorting the rows of the table.

use crate::{
    state::{Column, Level, State},
    worker::{ListRequest, Workers},
};

pub(super) fn list_rows(state: &mut State, workers: &mut Workers) {
    let document = &state.project.document;
    let request = ListRequest {
        revision: state.project.revision,
        entries: document.entries.clone(),
        filter: state.data.filter.clone(),
        only: state.data.only,
        sort: state.data.sort,
        apart: document.options.apart.clone(),
    };
    if let Err(error) = workers.list_rows(request) {
        state.say(Level::Error, error.message.clone());
        state.data.error = Some(error);
    }
}

pub(super) fn sort_by(state: &mut State, workers: &mut Workers, column: Column) {
    let sort = &mut state.data.sort;
    sort.down = sort.by == column && !sort.down;
    sort.by = column;
    list_rows(state, workers);
}
