//! Editing entries.

use super::edit;
use crate::{
    state::{Draft, DraftOf, Level, Page, State},
    text,
    worker::Workers,
};
use nearsay_project::{Edit, Entry, ImportId, Paraphrase, Patch, RowId, held_out};

pub(super) fn edit_entry(state: &mut State, row: RowId) {
    let Some(entry) = state.project.document.entries.get(&row.entry) else {
        return;
    };
    let paraphrases = entry
        .paraphrases
        .iter()
        .map(|paraphrase| (paraphrase.text.clone(), paraphrase.held_out))
        .collect();
    state.data.draft = Some(Draft {
        of: DraftOf::Entry(row.entry),
        paraphrases,
        answer: entry.answer.clone(),
        source: entry.source.clone().unwrap_or_default(),
        wrong: None,
        wants_focus: Some(row.paraphrase as usize),
    });
}

pub(super) fn start_entry(state: &mut State, question: String) {
    let wants_focus = usize::from(!question.is_empty());
    state.page = Page::Data;
    state.data.draft = Some(Draft {
        of: DraftOf::New,
        paraphrases: vec![(question, false)],
        answer: String::new(),
        source: String::new(),
        wrong: None,
        wants_focus: Some(wants_focus),
    });
}

pub(super) fn fix_row(state: &mut State, import: ImportId, number: usize) {
    let found = state.project.document.imports.get(&import);
    let Some(problem) = found.and_then(|import| import.problems.get(number)) else {
        return;
    };
    let no_question = problem.question.is_empty();
    state.data.draft = Some(Draft {
        of: DraftOf::Problem(import, number),
        paraphrases: vec![(problem.question.clone(), false)],
        answer: problem.answer.clone(),
        source: String::new(),
        wrong: Some(text::import::wrong_with(problem)),
        wants_focus: Some(usize::from(!no_question)),
    });
}

pub(super) fn save(state: &mut State, workers: &mut Workers) {
    let Some(draft) = state
        .data
        .draft
        .as_ref()
        .filter(|draft| draft.is_complete())
    else {
        return;
    };
    let edit = make_edit(state, draft);
    let of = draft.of;
    if edit.patches.is_empty() || edit::apply(state, workers, edit) {
        state.data.draft = None;
        let said = match of {
            DraftOf::New => text::data::ADDED,
            DraftOf::Entry(_) => text::data::CHANGED,
            DraftOf::Problem(..) => text::data::FIXED,
        };
        state.say(Level::Info, said);
        if let DraftOf::New | DraftOf::Problem(..) = of {
            let id = state.project.document.next_entry.saturating_sub(1);
            state.data.scroll_to = Some(RowId {
                entry: id,
                paraphrase: 0,
            });
        }
    }
}

fn make_edit(state: &State, draft: &Draft) -> Edit {
    let document = &state.project.document;
    let (what, id, known) = match draft.of {
        DraftOf::Entry(id) => (text::data::DID_EDIT, id, document.entries.get(&id)),
        DraftOf::New => (text::data::DID_ADD, document.next_entry, None),
        DraftOf::Problem(..) => (text::data::DID_FIX, document.next_entry, None),
    };
    let (import, line) = match draft.of {
        DraftOf::Problem(import, number) => {
            let found = document.imports.get(&import);
            let problem = found.and_then(|import| import.problems.get(number));
            (
                import,
                problem.and_then(|problem| problem.line).unwrap_or(0),
            )
        }
        _ => (0, 0),
    };
    let mut entry = Entry {
        answer: draft.answer.trim().to_owned(),
        source: Some(draft.source.trim().to_owned()).filter(|source| !source.is_empty()),
        paraphrases: Vec::new(),
    };
    for (text, held_out) in &draft.paraphrases {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() || entry.paraphrases.iter().any(|known| known.text == text) {
            continue;
        }
        let same = known.and_then(|known| known.paraphrases.iter().find(|way| way.text == text));
        entry.paraphrases.push(match same {
            Some(same) => Paraphrase {
                held_out: *held_out,
                ..same.clone()
            },
            None => Paraphrase {
                text,
                held_out: *held_out,
                import,
                line,
                ..Paraphrase::default()
            },
        });
    }
    if draft.of == DraftOf::New || matches!(draft.of, DraftOf::Problem(..)) {
        held_out::assign_split(&mut entry, 0, document.options.seed);
    }
    let mut patches = Vec::new();
    if known.is_none_or(|known| **known != entry) {
        patches.push(document.patch_entry(id, Some(entry)));
    }
    if let DraftOf::Problem(import, problem) = draft.of {
        patches.push(Patch::Resolved {
            import,
            problem,
            after: true,
        });
    }
    Edit {
        what: what.to_owned(),
        patches,
        affects_model: true,
    }
}
