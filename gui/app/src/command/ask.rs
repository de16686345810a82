//! Questions, answers, and corrections of answers.

use std::path::PathBuf;

use super::edit;
use crate::{
    state::{Correcting, Feedback, Level, Reply, Side, State, UserError},
    text,
    worker::{BatchWanted, Workers},
};
use nearsay_project::{Document, Edit, Entry, EntryId, Paraphrase, files::file_name};

/// Maximum number of entries offered as the right answer.
const MAX_OFFERED: usize = 6;

pub(super) fn set_query(state: &mut State, workers: &mut Workers, query: String) {
    state.ask.query = query;
    ask(state, workers);
}

fn ask(state: &mut State, workers: &mut Workers) {
    let ask = &mut state.ask;
    let empty = ask.query.trim().is_empty();
    ask.waiting = !empty;
    ask.copies_next = false;
    if empty {
        ask.reply = None;
        ask.feedback = None;
        ask.show_nearest = false;
        ask.correcting = None;
    }
    if let Err(error) = workers.ask(&ask.query, ask.side) {
        ask.waiting = false;
        ask.error = Some(error);
    }
}

pub(super) fn set_side(state: &mut State, workers: &mut Workers, side: Side) {
    state.ask.side = side;
    ask(state, workers);
}

pub(super) fn select_next(state: &mut State, steps: i32) {
    let last = state
        .ask
        .reply
        .as_ref()
        .map_or(0, |reply| reply.answers.len().saturating_sub(1));
    state.ask.at = state.ask.at.saturating_add_signed(steps as isize).min(last);
}

/// Copies the selected answer, or the first answer to a question that is being searched.
pub(super) fn copy_answer(state: &mut State, ctx: &egui::Context) {
    if state.ask.waiting {
        state.ask.copies_next = true;
        return;
    }
    state.ask.copies_next = false;
    let silence = state.project.document.options.abstain_below;
    let ask = &state.ask;
    let Some(reply) = &ask.reply else { return };
    // Hidden answers aren't copied.
    if ask.correcting.is_some() || !(reply.is_good(silence) || ask.show_nearest) {
        return;
    }
    if let Some(answer) = reply.answers.get(ask.at) {
        ctx.copy_text(answer.answer.clone());
        state.say(Level::Info, text::ask::COPIED);
    }
}

/// Asks the current question again after its answers may have changed.
pub(super) fn ask_again(state: &mut State, workers: &mut Workers) {
    if !state.ask.query.trim().is_empty() {
        ask(state, workers);
    }
}

pub(super) fn show_preparing(state: &mut State, side: Side, done: usize, total: usize) {
    if side == state.ask.side || state.project.models.current.is_none() {
        state.ask.preparing = Some((done, total));
    }
}

/// Answers from this revision of the project from now on.
pub(super) fn answer_with_revision(state: &mut State, workers: &mut Workers, revision: u64) {
    state.ask.preparing = None;
    state.ask.ready = Some(revision);
    state.ask.error = None;
    ask_again(state, workers);
}

pub(super) fn show_reply(state: &mut State, ctx: &egui::Context, result: Result<Reply, UserError>) {
    let ask = &mut state.ask;
    if ask.query.trim().is_empty() {
        return;
    }
    ask.waiting = false;
    match result {
        Ok(reply) => {
            if ask.reply.as_ref().map(|last| &last.question) != Some(&reply.question) {
                ask.at = 0;
                ask.feedback = None;
                ask.show_nearest = false;
                ask.correcting = None;
            }
            ask.error = None;
            ask.reply = Some(reply);
        }
        Err(error) => {
            ask.reply = None;
            ask.error = Some(error);
        }
    }
    if state.ask.copies_next {
        copy_answer(state, ctx);
    }
}

/// Makes the edit that adds a question to an entry; `None` if the entry has it.
fn add_paraphrase(state: &State, entry: EntryId, question: &str) -> Option<Edit> {
    let document = &state.project.document;
    let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut changed: Entry = (**document.entries.get(&entry)?).clone();
    let known = changed.paraphrases.iter().any(|way| way.text == question);
    if known || question.is_empty() {
        return None;
    }
    changed.paraphrases.push(Paraphrase {
        text: question,
        ..Paraphrase::default()
    });
    Some(Edit {
        what: text::ask::DID_TEACH.to_owned(),
        patches: vec![document.patch_entry(entry, Some(changed))],
        affects_model: true,
    })
}

pub(super) fn mark_right(state: &mut State, workers: &mut Workers, entry: EntryId) {
    let Some(question) = state.ask.reply.as_ref().map(|reply| reply.question.clone()) else {
        return;
    };
    state.ask.feedback = Some(Feedback::Right(question.clone()));
    match add_paraphrase(state, entry, &question) {
        Some(edit) => {
            if edit::apply(state, workers, edit) {
                state.say(Level::Info, text::ask::THANKS);
            } else {
                state.ask.feedback = None;
            }
        }
        None => state.say(Level::Info, text::ask::KNOWN),
    }
}

/// Searches for entries with the right answer; `None` ends the search.
pub(super) fn search_correction(state: &mut State, query: Option<String>) {
    let Some(query) = query else {
        state.ask.correcting = None;
        return;
    };
    let Some(question) = state.ask.reply.as_ref().map(|reply| reply.question.clone()) else {
        return;
    };
    let is_new = state.ask.correcting.is_none();
    let found = find_offered(state, &query);
    state.ask.correcting = Some(Correcting {
        question,
        query,
        found,
        wants_focus: is_new,
    });
}

/// Finds entries that contain all words of the query. Without a query, returns the further answers.
fn find_offered(state: &State, query: &str) -> Vec<(EntryId, String, String)> {
    let document = &state.project.document;
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        let reply = state.ask.reply.as_ref();
        let answers = reply
            .map(|reply| reply.answers.as_slice())
            .unwrap_or_default();
        return answers
            .iter()
            .skip(1)
            .filter_map(|answer| describe_entry(document, answer.entry))
            .take(MAX_OFFERED)
            .collect();
    }
    document
        .entries
        .iter()
        .filter(|(_, entry)| {
            let mut text = entry.answer.to_lowercase();
            for paraphrase in &entry.paraphrases {
                text.push('\n');
                text.push_str(&paraphrase.text.to_lowercase());
            }
            words.iter().all(|word| text.contains(word))
        })
        .filter_map(|(id, _)| describe_entry(document, *id))
        .take(MAX_OFFERED)
        .collect()
}

/// An entry with its first question and its answer.
fn describe_entry(document: &Document, id: EntryId) -> Option<(EntryId, String, String)> {
    let entry = document.entries.get(&id)?;
    let question = entry.paraphrases.first()?.text.clone();
    Some((id, question, entry.answer.clone()))
}

pub(super) fn correct_with(state: &mut State, workers: &mut Workers, entry: EntryId) {
    let Some(correcting) = state.ask.correcting.take() else {
        return;
    };
    match add_paraphrase(state, entry, &correcting.question) {
        Some(edit) => {
            if edit::apply(state, workers, edit) {
                state.ask.feedback = Some(Feedback::Corrected(correcting.question));
                state.say(Level::Info, text::ask::CORRECTED);
            }
        }
        None => state.say(Level::Info, text::ask::KNOWN),
    }
}

pub(super) fn set_abstain_below(state: &mut State, workers: &mut Workers, percent: u8) {
    edit::set_options(state, workers, text::ask::DID_ABSTAIN, |options| {
        options.abstain_below = percent.min(99);
    });
}

pub(super) fn answer_file(state: &mut State, workers: &mut Workers, path: PathBuf) {
    state.ask.batch.dropped = None;
    let name = file_name(&path);
    let request = BatchWanted {
        from: path,
        silence: state.project.document.options.abstain_below,
    };
    match workers.answer_file(request) {
        Ok(()) => {
            let batch = &mut state.ask.batch;
            batch.running = Some(name);
            batch.done = (0, 0);
            batch.result = None;
            batch.error = None;
        }
        Err(error) => state.ask.batch.error = Some(error),
    }
}

pub(super) fn finish_file(state: &mut State, result: Result<PathBuf, UserError>) {
    let batch = &mut state.ask.batch;
    batch.running = None;
    match result {
        Ok(path) => {
            let said = text::ask::batch_done(&path);
            batch.result = Some(path);
            state.say(Level::Info, said);
        }
        Err(error) => {
            let said = error.message.clone();
            batch.error = Some(error);
            state.say(Level::Error, said);
        }
    }
}
