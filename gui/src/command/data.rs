//! Taking files in, listing and choosing rows, and what is done with the chosen.

use std::{collections::BTreeSet, path::PathBuf};

use nearsay_core::faq::ColumnChoice;

use super::{Choose, project};
use crate::{
    job::{Jobs, ListWanted, ReadDone, Reading, Which},
    project::{Edit, Entry, EntryId, ImportId, RowId, merge, roles},
    state::{Column, ColumnsWanted, DataView, Level, Listing, Only, State, Step, Trouble},
    text,
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
        fail(state, trouble);
    }
}

pub(super) fn listed(state: &mut State, listing: Listing) {
    state.data.listing = listing;
}

pub(super) fn sort_by(state: &mut State, jobs: &mut Jobs, column: Column) {
    let sort = &mut state.data.sort;
    sort.down = sort.by == column && !sort.down;
    sort.by = column;
    list(state, jobs);
}

pub(super) fn open(state: &mut State, jobs: &mut Jobs, paths: Vec<PathBuf>) {
    if paths.is_empty() {
        return;
    }
    if state.project.opening {
        state.shell.open_next = Some(paths);
        return;
    }
    // Somebody's own data do not go among the sample's, nor into what may only be looked at; and the
    // window may have been opened with them.
    let nothing_is_open = state.project.revision == 0;
    if nothing_is_open || state.project.document.options.sample || state.project.look_only {
        let name = text::data::project_of(&paths);
        if project::start(state, jobs, Which::New(name)) {
            state.step = Step::Data;
            state.shell.open_next = Some(paths);
        }
        return;
    }
    read_these(state, jobs, Reading::Files(paths));
}

fn read_these(state: &mut State, jobs: &mut Jobs, reading: Reading) {
    state.step = Step::Data;
    state.data.view = DataView::Table;
    let name = match &reading {
        Reading::Files(paths) => text::data::names(paths),
        Reading::Chosen(path, ..) => text::data::names(std::slice::from_ref(path)),
        Reading::Pasted(_) => text::data::PASTED.to_owned(),
    };
    let base = state.project.document.clone();
    match jobs.read(reading, base, state.project.revision) {
        Ok(()) => {
            state.data.reading = Some(name);
            state.data.read_share = 0.0;
            state.data.trouble = None;
        }
        Err(trouble) => fail(state, trouble),
    }
}

pub(super) fn open_typed(state: &mut State, jobs: &mut Jobs) {
    if let Some(path) = typed(&state.data.typed_path) {
        drop_on(state, jobs, vec![path]);
    }
}

/// A typed path; copied ones often come with quotes or as an address.
pub(super) fn typed(typed: &str) -> Option<PathBuf> {
    let typed = typed.trim().trim_matches(['"', '\'']);
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    (!typed.is_empty()).then(|| PathBuf::from(typed))
}

pub(super) fn drop_on(state: &mut State, jobs: &mut Jobs, paths: Vec<PathBuf>) {
    match paths.as_slice() {
        [only] if text::shell::is_project(only) => {
            let dir = only.clone();
            project::open(state, jobs, dir);
        }
        [only] if only.is_dir() => super::folder::adopt(state, jobs, only.clone()),
        _ if state.step == Step::Ask && state.ask.batch.running.is_none() && paths.len() == 1 => {
            // On the Ask page a file may be questions to answer; it is offered both ways.
            state.ask.batch.dropped = paths.into_iter().next();
        }
        _ => open(state, jobs, paths),
    }
}

pub(super) fn take_pasted(state: &mut State, jobs: &mut Jobs) {
    if let Some(pasted) = state.data.paste.take()
        && !pasted.trim().is_empty()
    {
        if state.project.document.options.sample {
            state.data.paste = Some(pasted);
            state.say(Level::Warning, text::data::PASTE_INTO_OWN);
            return;
        }
        read_these(state, jobs, Reading::Pasted(pasted));
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

pub(super) fn take_columns(state: &mut State, jobs: &mut Jobs) {
    let Some(columns) = state.data.columns.take() else {
        return;
    };
    let name = |at: usize| columns.columns.get(at).cloned().unwrap_or_default();
    let choice = ColumnChoice {
        question: name(columns.question),
        answer: name(columns.answer),
    };
    let reading = Reading::Chosen(columns.path, choice, columns.instead);
    read_these(state, jobs, reading);
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

pub(super) fn read(state: &mut State, jobs: &mut Jobs, done: ReadDone) {
    state.data.reading = None;
    let (taken, mut troubles) = match done {
        ReadDone::Columns(columns) => {
            state.data.columns = Some(columns);
            return;
        }
        ReadDone::Rows(taken, troubles) => (*taken, troubles),
    };
    if !taken.files.is_empty() {
        let before = state.project.counts.questions;
        let done = if taken.revision == state.project.revision {
            project::edited(state, jobs, taken.edit, taken.after)
        } else {
            // Somebody went on working meanwhile.
            let document = &state.project.document;
            let (files, instead) = (taken.files, taken.instead);
            let edit = merge::replacing(document, &taken.edit.what, files, instead);
            project::edit(state, jobs, edit)
        };
        if done {
            let added = state.project.counts.questions.saturating_sub(before);
            state.say(Level::Info, text::data::read_done(added));
            state.data.typed_path.clear();
        }
    }
    for trouble in &troubles {
        state.say(Level::Error, trouble.what.clone());
    }
    state.data.trouble = match troubles.len() {
        0 | 1 => troubles.pop(),
        _ => Some(text::trouble::several(&troubles)),
    };
}

fn fail(state: &mut State, trouble: Trouble) {
    state.say(Level::Error, trouble.what.clone());
    state.data.trouble = Some(trouble);
}

pub(super) fn choose(state: &mut State, row: RowId, how: Choose) {
    let data = &mut state.data;
    match how {
        Choose::Only => data.chosen = BTreeSet::from([row]),
        Choose::Toggle => {
            if !data.chosen.remove(&row) {
                data.chosen.insert(row);
            }
        }
        Choose::Range => {
            let place = |of: RowId| data.listing.rows.iter().position(|row| *row == of);
            let from = data.anchor.and_then(place);
            if let (Some(from), Some(to)) = (from, place(row)) {
                let (first, last) = (from.min(to), from.max(to));
                let range = data.listing.rows.get(first..=last).unwrap_or_default();
                data.chosen = range.iter().copied().collect();
            } else {
                data.chosen = BTreeSet::from([row]);
            }
            // A range goes on from where it began.
            data.at = Some(row);
            if from.is_some() {
                return;
            }
        }
    }
    data.anchor = Some(row);
    data.at = Some(row);
}

pub(super) fn choose_next(state: &mut State, steps: i32, how: Choose) {
    let data = &state.data;
    let rows = &data.listing.rows;
    let here = data
        .at
        .and_then(|at| rows.iter().position(|row| *row == at));
    let next = match here {
        Some(here) => here
            .saturating_add_signed(steps as isize)
            .min(rows.len().saturating_sub(1)),
        None => 0,
    };
    if let Some(row) = rows.get(next).copied() {
        choose(state, row, how);
        state.data.scroll_to = Some(row);
    }
}

pub(super) fn choose_all(state: &mut State, all: bool) {
    state.data.chosen = match all {
        true => state.data.listing.rows.iter().copied().collect(),
        false => BTreeSet::new(),
    };
}

/// Chosen rows by entry.
fn by_entry(chosen: &BTreeSet<RowId>) -> Vec<(EntryId, Vec<usize>)> {
    let mut found: Vec<(EntryId, Vec<usize>)> = Vec::new();
    for row in chosen {
        match found.last_mut() {
            Some((entry, wordings)) if *entry == row.entry => wordings.push(row.wording as usize),
            _ => found.push((row.entry, vec![row.wording as usize])),
        }
    }
    found
}

/// An edit of all entries that have chosen rows.
fn edit_chosen(state: &State, what: String, mut change: impl FnMut(&mut Entry, &[usize])) -> Edit {
    let document = &state.project.document;
    let patches = by_entry(&state.data.chosen)
        .into_iter()
        .filter_map(|(id, wordings)| {
            let before = document.entries.get(&id)?;
            let mut entry = (**before).clone();
            change(&mut entry, &wordings);
            (entry != **before).then(|| document.put(id, Some(entry)))
        })
        .collect();
    Edit {
        what,
        patches,
        teaches: true,
    }
}

pub(super) fn delete(state: &mut State, jobs: &mut Jobs) {
    let count = state.data.chosen.len();
    let edit = edit_chosen(state, text::data::did_delete(count), |entry, wordings| {
        let mut number = 0;
        entry.wordings.retain(|_| {
            number += 1;
            !wordings.contains(&(number - 1))
        });
        roles::keep_one(entry);
    });
    if project::edit(state, jobs, edit) {
        state.data.chosen.clear();
        state.say(Level::Info, text::data::deleted(count));
    }
}

pub(super) fn keep_aside(state: &mut State, jobs: &mut Jobs, aside: bool) {
    let what = text::data::did_keep_aside(aside).to_owned();
    let edit = edit_chosen(state, what, |entry, wordings| {
        for (number, wording) in entry.wordings.iter_mut().enumerate() {
            if wordings.contains(&number) {
                wording.check = aside;
            }
        }
    });
    project::edit(state, jobs, edit);
}

/// Shows a row in the table, whatever was filtered.
pub(super) fn open_row(state: &mut State, jobs: &mut Jobs, row: RowId) {
    state.step = Step::Data;
    state.data.view = DataView::Table;
    state.data.filter.clear();
    state.data.only = Only::All;
    choose(state, row, Choose::Only);
    state.data.scroll_to = Some(row);
    list(state, jobs);
}
