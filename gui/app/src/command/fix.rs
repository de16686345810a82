//! Mending data with one press: problems of files, suggestions, mistakes.

use super::edit;
use crate::{
    state::{Fix, Level, State, Suggestion, Verdict},
    text,
    worker::Workers,
};
use nearsay_project::{Edit, Entry, EntryId, ImportId, Patch, RowId, Shared, Wording};

pub(super) fn leave_out(
    state: &mut State,
    workers: &mut Workers,
    import: ImportId,
    problem: usize,
) {
    let edit = Edit {
        what: text::import::DID_LEAVE_OUT.to_owned(),
        patches: vec![Patch::Settled {
            import,
            problem,
            after: true,
        }],
        teaches: false,
    };
    edit::apply(state, workers, edit);
}

pub(super) fn put_away(state: &mut State, workers: &mut Workers, id: ImportId) {
    let Some(import) = state.project.document.imports.get(&id) else {
        return;
    };
    let mut away = (**import).clone();
    away.put_away = true;
    let edit = Edit {
        what: text::import::DID_PUT_AWAY.to_owned(),
        patches: vec![Patch::Import {
            id,
            before: Some(import.clone()),
            after: Some(Shared::new(away)),
        }],
        teaches: false,
    };
    edit::apply(state, workers, edit);
}

pub(super) fn merge_chosen(state: &mut State, workers: &mut Workers) {
    let mut entries: Vec<EntryId> = state.data.chosen.iter().map(|row| row.entry).collect();
    entries.dedup();
    let Some((into, others)) = entries.split_first() else {
        return;
    };
    let what = text::data::DID_MERGE;
    let edit = merged(state, what, *into, others);
    if edit::apply(state, workers, edit) {
        state.data.chosen.clear();
        state.say(Level::Info, text::data::MERGED);
    }
}

/// The edit that makes the questions of `others` ways to ask for the answer of `into`.
fn merged(state: &State, what: &str, into: EntryId, others: &[EntryId]) -> Edit {
    let document = &state.project.document;
    let mut edit = Edit {
        what: what.to_owned(),
        patches: Vec::new(),
        teaches: true,
    };
    let Some(entry) = document.entries.get(&into) else {
        return edit;
    };
    let mut whole: Entry = (**entry).clone();
    for other in others {
        let Some(gone) = document.entries.get(other) else {
            continue;
        };
        for wording in &gone.wordings {
            if whole
                .wordings
                .iter()
                .all(|known| known.text != wording.text)
            {
                whole.wordings.push(wording.clone());
            }
        }
        edit.patches.push(document.put(*other, None));
    }
    if !edit.patches.is_empty() {
        nearsay_project::roles::keep_one(&mut whole);
        edit.patches.push(document.put(into, Some(whole)));
    }
    edit
}

pub(super) fn mend(state: &mut State, workers: &mut Workers, suggestion: Suggestion, how: Fix) {
    let (one, other) = (suggestion.one.entry, suggestion.other.entry);
    let what = text::data::did_fix(how);
    let edit = match how {
        Fix::First => merged(state, what, one, &[other]),
        Fix::Second => merged(state, what, other, &[one]),
        Fix::Apart => {
            let mut options = state.project.document.options.clone();
            options.apart.push((one.min(other), one.max(other)));
            state.project.document.set_options(what, options)
        }
    };
    if edit::apply(state, workers, edit) {
        // Gone at once; the next review confirms it.
        let touches = |s: &Suggestion| {
            (s.one.entry, s.other.entry) == (one, other)
                || (how != Fix::Apart
                    && [s.one.entry, s.other.entry]
                        .iter()
                        .any(|entry| [one, other].contains(entry)))
        };
        state.data.review.suggestions.retain(|s| !touches(s));
        state.say(Level::Info, text::data::fixed(how));
    }
}

/// An edit of one wording.
fn edit_wording(
    state: &State,
    row: RowId,
    what: &str,
    change: impl FnOnce(&mut Wording),
) -> Option<Edit> {
    let document = &state.project.document;
    let mut entry = (**document.entries.get(&row.entry)?).clone();
    change(entry.wordings.get_mut(row.wording as usize)?);
    Some(Edit {
        what: what.to_owned(),
        patches: vec![document.put(row.entry, Some(entry))],
        teaches: true,
    })
}

pub(super) fn right_too(state: &mut State, workers: &mut Workers, verdict: Verdict) {
    let Some(given) = verdict.given else { return };
    let what = text::results::DID_RIGHT_TOO;
    let edit = edit_wording(state, verdict.row, what, |wording| {
        if !wording.also.contains(&given) {
            wording.also.push(given);
        }
    });
    if edit.is_some_and(|edit| edit::apply(state, workers, edit)) {
        state.say(Level::Info, text::results::RIGHT_TOO_SAID);
    }
}

pub(super) fn learn(state: &mut State, workers: &mut Workers, verdict: Verdict) {
    let what = text::results::DID_LEARN;
    let edit = edit_wording(state, verdict.row, what, |wording| wording.check = false);
    if edit.is_some_and(|edit| edit::apply(state, workers, edit)) {
        state.say(Level::Info, text::results::LEARN_SAID);
    }
}
