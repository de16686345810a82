//! The rows of the table: which are listed, and in which order.

use crate::{
    job::{Jobs, ListWanted},
    state::{Column, Level, State},
};

pub(super) fn list(state: &mut State, jobs: &mut Jobs) {
    let document = &state.project.document;
    let wanted = ListWanted {
        revision: state.project.revision,
        entries: document.entries.clone(),
        filter: state.data.filter.clone(),
        only: state.data.only,
        sort: state.data.sort,
        apart: document.options.apart.clone(),
    };
    if let Err(trouble) = jobs.list(wanted) {
        state.say(Level::Error, trouble.what.clone());
        state.data.trouble = Some(trouble);
    }
}

pub(super) fn sort_by(state: &mut State, jobs: &mut Jobs, column: Column) {
    let sort = &mut state.data.sort;
    sort.down = sort.by == column && !sort.down;
    sort.by = column;
    list(state, jobs);
}
