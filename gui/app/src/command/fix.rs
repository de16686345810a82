//! Fixing data: problems of imports, suggestions, wrong answers.

use super::edit;
use crate::{
    state::{Fix, Level, State, Suggestion, Verdict},
    text,
    worker::Workers,
};
use nearsay_project::{Edit, Entry, EntryId, ImportId, Paraphrase, Patch, RowId, Shared};

pub(super) fn dismiss_problem(
    state: &mut State,
    workers: &mut Workers,
    import: ImportId,
    problem: usize,
) {
    let edit = Edit {
        what: text::import::DID_LEAVE_OUT.to_owned(),
        patches: vec![Patch::Resolved {
            import,
            problem,
            after: true,
        }],
        affects_model: false,
    };
    edit::apply(state, workers, edit);
}

pub(super) fn dismiss_import(state: &mut State, workers: &mut Workers, id: ImportId) {
    let Some(import) = state.project.document.imports.get(&id) else {
        return;
    };
    let mut dismissed = (**import).clone();
    dismissed.dismissed = true;
    let edit = Edit {
        what: text::import::DID_PUT_AWAY.to_owned(),
        patches: vec![Patch::Import {
            id,
            before: Some(import.clone()),
            after: Some(Shared::new(dismissed)),
        }],
        affects_model: false,
    };
    edit::apply(state, workers, edit);
}

pub(super) fn merge_selected(state: &mut State, workers: &mut Workers) {
    let mut entries: Vec<EntryId> = state.data.chosen.iter().map(|row| row.entry).collect();
    entries.dedup();
    let Some((into, others)) = entries.split_first() else {
        return;
    };
    let what = text::data::DID_MERGE;
    let edit = merge_entries(state, what, *into, others);
    if edit::apply(state, workers, edit) {
        state.data.chosen.clear();
        state.say(Level::Info, text::data::MERGED);
    }
}

/// Makes the edit that moves the questions of `others` to the entry `into`.
fn merge_entries(state: &State, what: &str, into: EntryId, others: &[EntryId]) -> Edit {
    let document = &state.project.document;
    let mut edit = Edit {
        what: what.to_owned(),
        patches: Vec::new(),
        affects_model: true,
    };
    let Some(entry) = document.entries.get(&into) else {
        return edit;
    };
    let mut whole: Entry = (**entry).clone();
    for other in others {
        let Some(gone) = document.entries.get(other) else {
            continue;
        };
        for paraphrase in &gone.paraphrases {
            if whole
                .paraphrases
                .iter()
                .all(|known| known.text != paraphrase.text)
            {
                whole.paraphrases.push(paraphrase.clone());
            }
        }
        edit.patches.push(document.patch_entry(*other, None));
    }
    if !edit.patches.is_empty() {
        nearsay_project::held_out::ensure_training_question(&mut whole);
        edit.patches.push(document.patch_entry(into, Some(whole)));
    }
    edit
}

pub(super) fn apply_suggestion(
    state: &mut State,
    workers: &mut Workers,
    suggestion: Suggestion,
    how: Fix,
) {
    let (one, other) = (suggestion.one.entry, suggestion.other.entry);
    let what = text::data::did_fix(how);
    let edit = match how {
        Fix::First => merge_entries(state, what, one, &[other]),
        Fix::Second => merge_entries(state, what, other, &[one]),
        Fix::Apart => {
            let mut options = state.project.document.options.clone();
            options.apart.push((one.min(other), one.max(other)));
            state.project.document.edit_options(what, options)
        }
    };
    if edit::apply(state, workers, edit) {
        // Removed at once; the next review does the same. After a merge, other suggestions about the two
        // entries are outdated.
        state.data.review.suggestions.retain(|s| {
            let entries = [s.one.entry, s.other.entry];
            let is_outdated =
                how != Fix::Apart && entries.iter().any(|entry| [one, other].contains(entry));
            entries != [one, other] && !is_outdated
        });
        state.say(Level::Info, text::data::fixed(how));
    }
}

/// Makes the edit that changes one paraphrase.
fn edit_paraphrase(
    state: &State,
    row: RowId,
    what: &str,
    change: impl FnOnce(&mut Paraphrase),
) -> Option<Edit> {
    let document = &state.project.document;
    let mut entry = (**document.entries.get(&row.entry)?).clone();
    change(entry.paraphrases.get_mut(row.paraphrase as usize)?);
    Some(Edit {
        what: what.to_owned(),
        patches: vec![document.patch_entry(row.entry, Some(entry))],
        affects_model: true,
    })
}

pub(super) fn mark_right_too(state: &mut State, workers: &mut Workers, verdict: Verdict) {
    let Some(given) = verdict.given else { return };
    let what = text::results::DID_RIGHT_TOO;
    let edit = edit_paraphrase(state, verdict.row, what, |paraphrase| {
        if !paraphrase.also_right.contains(&given) {
            paraphrase.also_right.push(given);
        }
    });
    if edit.is_some_and(|edit| edit::apply(state, workers, edit)) {
        state.say(Level::Info, text::results::RIGHT_TOO_SAID);
    }
}

pub(super) fn train_on(state: &mut State, workers: &mut Workers, verdict: Verdict) {
    let what = text::results::DID_LEARN;
    let edit = edit_paraphrase(state, verdict.row, what, |paraphrase| {
        paraphrase.held_out = false;
    });
    if edit.is_some_and(|edit| edit::apply(state, workers, edit)) {
        state.say(Level::Info, text::results::LEARN_SAID);
    }
}
