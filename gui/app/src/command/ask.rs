//! Questions and answers, and what somebody says about them.

use std::path::PathBuf;

use super::edit;
use crate::{
    state::{Correcting, Feedback, Level, Reply, Side, State, UserError},
    text,
    worker::{BatchWanted, Workers},
};
use nearsay_project::{Edit, Entry, EntryId, Wording, files::file_name};

/// So many answers are offered for the right one.
const OFFERED: usize = 6;

pub(super) fn query(state: &mut State, workers: &mut Workers, query: String) {
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

pub(super) fn side(state: &mut State, workers: &mut Workers, side: Side) {
    state.ask.side = side;
    ask(state, workers);
}

pub(super) fn next(state: &mut State, steps: i32) {
    let last = state
        .ask
        .reply
        .as_ref()
        .map_or(0, |reply| reply.answers.len().saturating_sub(1));
    state.ask.at = state.ask.at.saturating_add_signed(steps as isize).min(last);
}

/// Copies the answer the keyboard is on; while a question is on its way, the one that comes.
pub(super) fn copy(state: &mut State, ctx: &egui::Context) {
    if state.ask.waiting {
        state.ask.copies_next = true;
        return;
    }
    state.ask.copies_next = false;
    let silence = state.project.document.options.silence;
    let ask = &state.ask;
    let Some(reply) = &ask.reply else { return };
    // What is not shown is not copied.
    if ask.correcting.is_some() || !(reply.is_good(silence) || ask.show_nearest) {
        return;
    }
    if let Some(answer) = reply.answers.get(ask.at) {
        ctx.copy_text(answer.answer.clone());
        state.say(Level::Info, text::ask::COPIED);
    }
}

/// Asks the question in the box again, since its answers may have changed.
pub(super) fn ask_again(state: &mut State, workers: &mut Workers) {
    if !state.ask.query.trim().is_empty() {
        ask(state, workers);
    }
}

pub(super) fn preparing(state: &mut State, side: Side, done: usize, total: usize) {
    if side == state.ask.side || state.project.models.current.is_none() {
        state.ask.preparing = Some((done, total));
    }
}

pub(super) fn ready(state: &mut State, workers: &mut Workers, revision: u64) {
    state.ask.preparing = None;
    state.ask.ready = Some(revision);
    state.ask.error = None;
    ask_again(state, workers);
}

pub(super) fn answered(state: &mut State, ctx: &egui::Context, result: Result<Reply, UserError>) {
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
        copy(state, ctx);
    }
}

/// The edit that makes a question a known way to ask for an entry's answer.
fn teach(state: &State, entry: EntryId, question: &str) -> Option<Edit> {
    let document = &state.project.document;
    let question = question.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut taught: Entry = (**document.entries.get(&entry)?).clone();
    let known = taught.wordings.iter().any(|way| way.text == question);
    if known || question.is_empty() {
        return None;
    }
    taught.wordings.push(Wording {
        text: question,
        ..Wording::default()
    });
    Some(Edit {
        what: text::ask::DID_TEACH.to_owned(),
        patches: vec![document.put(entry, Some(taught))],
        teaches: true,
    })
}

pub(super) fn right(state: &mut State, workers: &mut Workers, entry: EntryId) {
    let Some(question) = state.ask.reply.as_ref().map(|reply| reply.question.clone()) else {
        return;
    };
    state.ask.feedback = Some(Feedback::Right(question.clone()));
    match teach(state, entry, &question) {
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

pub(super) fn correct(state: &mut State, query: Option<String>) {
    let Some(query) = query else {
        state.ask.correcting = None;
        return;
    };
    let Some(question) = state.ask.reply.as_ref().map(|reply| reply.question.clone()) else {
        return;
    };
    let is_new = state.ask.correcting.is_none();
    let found = offered(state, &query);
    state.ask.correcting = Some(Correcting {
        question,
        query,
        found,
        wants_focus: is_new,
    });
}

/// Entries with all the words of the query; without one, the other answers that were found.
fn offered(state: &State, query: &str) -> Vec<(EntryId, String, String)> {
    let document = &state.project.document;
    let told = |id: &EntryId| {
        let entry = document.entries.get(id)?;
        let question = entry.wordings.first()?.text.clone();
        Some((*id, question, entry.answer.clone()))
    };
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        let reply = state.ask.reply.as_ref();
        let answers = reply
            .map(|reply| reply.answers.as_slice())
            .unwrap_or_default();
        return answers
            .iter()
            .skip(1)
            .filter_map(|answer| told(&answer.entry))
            .take(OFFERED)
            .collect();
    }
    document
        .entries
        .iter()
        .filter(|(_, entry)| {
            let mut whole = entry.answer.to_lowercase();
            for wording in &entry.wordings {
                whole.push('\n');
                whole.push_str(&wording.text.to_lowercase());
            }
            words.iter().all(|word| whole.contains(word))
        })
        .filter_map(|(id, _)| told(id))
        .take(OFFERED)
        .collect()
}

pub(super) fn correct_with(state: &mut State, workers: &mut Workers, entry: EntryId) {
    let Some(correcting) = state.ask.correcting.take() else {
        return;
    };
    match teach(state, entry, &correcting.question) {
        Some(edit) => {
            if edit::apply(state, workers, edit) {
                state.ask.feedback = Some(Feedback::Corrected(correcting.question));
                state.say(Level::Info, text::ask::CORRECTED);
            }
        }
        None => state.say(Level::Info, text::ask::KNOWN),
    }
}

pub(super) fn silence(state: &mut State, workers: &mut Workers, least: u8) {
    edit::set_options(state, workers, text::ask::DID_ABSTAIN, |options| {
        options.silence = least.min(99);
    });
}

pub(super) fn answer_file(state: &mut State, workers: &mut Workers, path: PathBuf) {
    state.ask.batch.dropped = None;
    let name = file_name(&path);
    let wanted = BatchWanted {
        from: path,
        silence: state.project.document.options.silence,
    };
    match workers.answer_file(wanted) {
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

pub(super) fn file_answered(state: &mut State, result: Result<PathBuf, UserError>) {
    let batch = &mut state.ask.batch;
    batch.running = None;
    match result {
        Ok(path) => {
            let said = text::ask::batch_done(&path);
            batch.result = Some(path);
            state.say(Level::Info, said);
        }
        Err(error) => {
            let said = error.what.clone();
            batch.error = Some(error);
            state.say(Level::Error, said);
        }
    }
}
