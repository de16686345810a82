//! The rows of the table: which are listed, and in which order.

use crate::{
    state::{Column, Level, State},
    worker::{ListWanted, Workers},
};

pub(super) fn list(state: &mut State, workers: &mut Workers) {
    let document = &state.project.document;
    let wanted = ListWanted {
        revision: state.project.revision,
        entries: document.entries.clone(),
        filter: state.data.filter.clone(),
        only: state.data.only,
        sort: state.data.sort,
        apart: document.options.apart.clone(),
    };
    if let Err(error) = workers.list(wanted) {
        state.say(Level::Error, error.message.clone());
        state.data.error = Some(error);
    }
}

pub(super) fn sort_by(state: &mut State, workers: &mut Workers, column: Column) {
    let sort = &mut state.data.sort;
    sort.down = sort.by == column && !sort.down;
    sort.by = column;
    list(state, workers);
}
