//! Selecting rows, and changing the selected ones.

use std::collections::BTreeSet;

use super::{Selection, edit, listing};
use crate::{
    state::{DataView, Level, Only, Page, State},
    text,
    worker::Workers,
};
use nearsay_project::{Edit, Entry, EntryId, RowId, held_out};

pub(super) fn select_row(state: &mut State, row: RowId, how: Selection) {
    let data = &mut state.data;
    match how {
        Selection::Only => data.chosen = BTreeSet::from([row]),
        Selection::Toggle => {
            if !data.chosen.remove(&row) {
                data.chosen.insert(row);
            }
        }
        Selection::Range => {
            let rows = &data.listing.rows;
            let from = data.anchor.and_then(|anchor| find_row(rows, anchor));
            if let (Some(from), Some(to)) = (from, find_row(rows, row)) {
                let (first, last) = (from.min(to), from.max(to));
                let range = rows.get(first..=last).unwrap_or_default();
                data.chosen = range.iter().copied().collect();
            } else {
                data.chosen = BTreeSet::from([row]);
            }
            // The anchor stays, so that the next range starts at the same row.
            data.at = Some(row);
            if from.is_some() {
                return;
            }
        }
    }
    data.anchor = Some(row);
    data.at = Some(row);
}

fn find_row(rows: &[RowId], row: RowId) -> Option<usize> {
    rows.iter().position(|other| *other == row)
}

pub(super) fn select_next(state: &mut State, steps: i32, how: Selection) {
    let data = &state.data;
    let rows = &data.listing.rows;
    let here = data.at.and_then(|at| find_row(rows, at));
    let next = match here {
        Some(here) => here
            .saturating_add_signed(steps as isize)
            .min(rows.len().saturating_sub(1)),
        None => 0,
    };
    if let Some(row) = rows.get(next).copied() {
        select_row(state, row, how);
        state.data.scroll_to = Some(row);
    }
}

pub(super) fn select_all(state: &mut State, all: bool) {
    state.data.chosen = if all {
        state.data.listing.rows.iter().copied().collect()
    } else {
        BTreeSet::new()
    };
}

/// Groups rows by entry; returns the indices of each entry's paraphrases.
fn group_by_entry(chosen: &BTreeSet<RowId>) -> Vec<(EntryId, Vec<usize>)> {
    let mut found: Vec<(EntryId, Vec<usize>)> = Vec::new();
    for row in chosen {
        match found.last_mut() {
            Some((entry, paraphrases)) if *entry == row.entry => {
                paraphrases.push(row.paraphrase as usize);
            }
            _ => found.push((row.entry, vec![row.paraphrase as usize])),
        }
    }
    found
}

/// Makes the edit that changes all entries with selected rows.
fn edit_selected(
    state: &State,
    what: String,
    mut change: impl FnMut(&mut Entry, &[usize]),
) -> Edit {
    let document = &state.project.document;
    let patches = group_by_entry(&state.data.chosen)
        .into_iter()
        .filter_map(|(id, paraphrases)| {
            let before = document.entries.get(&id)?;
            let mut entry = (**before).clone();
            change(&mut entry, &paraphrases);
            (entry != **before).then(|| document.patch_entry(id, Some(entry)))
        })
        .collect();
    Edit {
        what,
        patches,
        affects_model: true,
    }
}

pub(super) fn delete_rows(state: &mut State, workers: &mut Workers) {
    let count = state.data.chosen.len();
    let edit = edit_selected(state, text::data::did_delete(count), |entry, chosen| {
        let mut number = 0;
        entry.paraphrases.retain(|_| {
            number += 1;
            !chosen.contains(&(number - 1))
        });
        held_out::ensure_training_question(entry);
    });
    if edit::apply(state, workers, edit) {
        state.data.chosen.clear();
        state.say(Level::Info, text::data::deleted(count));
    }
}

pub(super) fn hold_out(state: &mut State, workers: &mut Workers, held_out: bool) {
    let what = text::data::did_hold_out(held_out).to_owned();
    let edit = edit_selected(state, what, |entry, chosen| {
        for (number, paraphrase) in entry.paraphrases.iter_mut().enumerate() {
            if chosen.contains(&number) {
                paraphrase.held_out = held_out;
            }
        }
    });
    edit::apply(state, workers, edit);
}

/// Shows a row in the table without filters.
pub(super) fn open_row(state: &mut State, workers: &mut Workers, row: RowId) {
    state.page = Page::Data;
    state.data.view = DataView::Table;
    state.data.filter.clear();
    state.data.only = Only::All;
    select_row(state, row, Selection::Only);
    state.data.scroll_to = Some(row);
    listing::list_rows(state, workers);
}
