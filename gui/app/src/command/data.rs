//! Choosing rows, and what is done with the chosen ones.

use std::collections::BTreeSet;

use super::{Choose, edit, listing};
use crate::{
    state::{DataView, Level, Only, Page, State},
    text,
    worker::Workers,
};
use nearsay_project::{Edit, Entry, EntryId, RowId, roles};

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
    state.data.chosen = if all {
        state.data.listing.rows.iter().copied().collect()
    } else {
        BTreeSet::new()
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

pub(super) fn delete(state: &mut State, workers: &mut Workers) {
    let count = state.data.chosen.len();
    let edit = edit_chosen(state, text::data::did_delete(count), |entry, wordings| {
        let mut number = 0;
        entry.wordings.retain(|_| {
            number += 1;
            !wordings.contains(&(number - 1))
        });
        roles::keep_one(entry);
    });
    if edit::apply(state, workers, edit) {
        state.data.chosen.clear();
        state.say(Level::Info, text::data::deleted(count));
    }
}

pub(super) fn keep_aside(state: &mut State, workers: &mut Workers, aside: bool) {
    let what = text::data::did_hold_out(aside).to_owned();
    let edit = edit_chosen(state, what, |entry, wordings| {
        for (number, wording) in entry.wordings.iter_mut().enumerate() {
            if wordings.contains(&number) {
                wording.check = aside;
            }
        }
    });
    edit::apply(state, workers, edit);
}

/// Shows a row in the table, whatever was filtered.
pub(super) fn open_row(state: &mut State, workers: &mut Workers, row: RowId) {
    state.page = Page::Data;
    state.data.view = DataView::Table;
    state.data.filter.clear();
    state.data.only = Only::All;
    choose(state, row, Choose::Only);
    state.data.scroll_to = Some(row);
    listing::list(state, workers);
}
