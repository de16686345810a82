//! Questions and answers, and what somebody says about them.

use std::path::PathBuf;

use super::project;
use crate::{
    job::{AnswersEvent, BatchWanted, Jobs},
    project::{Edit, Entry, EntryId, Wording},
    state::{Ask, Check, Correcting, Level, Said, Side, Stage, State, Trouble},
    text,
};

/// So many answers are offered for the right one.
const OFFERED: usize = 6;

pub(super) fn query(state: &mut State, jobs: &mut Jobs, query: String) {
    state.ask.query = query;
    ask(state, jobs);
}

fn ask(state: &mut State, jobs: &mut Jobs) {
    let ask = &mut state.ask;
    let empty = ask.query.trim().is_empty();
    ask.waiting = !empty;
    ask.copies_next = false;
    if empty {
        ask.reply = None;
        ask.said = None;
        ask.show_nearest = false;
        ask.correcting = None;
    }
    if let Err(trouble) = jobs.ask(&ask.query, ask.side) {
        ask.waiting = false;
        ask.trouble = Some(trouble);
    }
}

pub(super) fn side(state: &mut State, jobs: &mut Jobs, side: Side) {
    state.ask.side = side;
    ask(state, jobs);
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

pub(super) fn heard(state: &mut State, jobs: &mut Jobs, ctx: &egui::Context, event: AnswersEvent) {
    match event {
        AnswersEvent::Preparing(side, done, total) => {
            if side == state.ask.side || state.project.models.current.is_none() {
                state.ask.preparing = Some((done, total));
            }
        }
        AnswersEvent::Ready(_, revision) => {
            state.ask.preparing = None;
            state.ask.ready = Some(revision);
            state.ask.trouble = None;
            // What is on the screen may have been answered from former texts.
            if !state.ask.query.trim().is_empty() {
                ask(state, jobs);
            }
        }
        AnswersEvent::Answered(result) => {
            answered(&mut state.ask, result);
            if state.ask.copies_next {
                copy(state, ctx);
            }
        }
        AnswersEvent::Checked {
            side,
            revision,
            dir,
            check,
        } => checked(state, jobs, side, revision, dir, *check),
        AnswersEvent::NoModel(side, trouble) => no_model(state, jobs, side, trouble),
        AnswersEvent::OtherBefore(name) => {
            state.say(Level::Warning, text::train::other_before(&name));
        }
        AnswersEvent::BatchAt(done, total) => state.ask.batch.done = (done, total),
        AnswersEvent::BatchDone(result) => {
            let batch = &mut state.ask.batch;
            batch.running = None;
            match result {
                Ok(path) => {
                    let said = text::ask::batch_done(&path);
                    batch.result = Some(path);
                    state.say(Level::Info, said);
                }
                Err(trouble) => {
                    let said = trouble.what.clone();
                    batch.trouble = Some(trouble);
                    state.say(Level::Error, said);
                }
            }
        }
        AnswersEvent::Exported(result) => super::export::done(state, *result),
    }
}

fn answered(ask: &mut Ask, result: Result<crate::state::Reply, Trouble>) {
    if ask.query.trim().is_empty() {
        return;
    }
    ask.waiting = false;
    match result {
        Ok(reply) => {
            if ask.reply.as_ref().map(|last| &last.question) != Some(&reply.question) {
                ask.at = 0;
                ask.said = None;
                ask.show_nearest = false;
                ask.correcting = None;
            }
            ask.trouble = None;
            ask.reply = Some(reply);
        }
        Err(trouble) => {
            ask.reply = None;
            ask.trouble = Some(trouble);
        }
    }
}

fn checked(
    state: &mut State,
    jobs: &mut Jobs,
    side: Side,
    revision: u64,
    dir: Option<PathBuf>,
    check: Check,
) {
    let tally = check.tally();
    let entries = &state.project.document.entries;
    state.training.checking.take(side, revision, check, entries);
    match side {
        Side::Before => {
            let current = state.project.models.current.as_mut();
            if let Some(model) = current.filter(|model| model.elsewhere.is_none()) {
                model.before = tally;
            }
        }
        Side::After => {
            let waits = state.training.stage == Stage::Checking;
            let pending = state.project.models.pending.as_ref();
            let wanted = pending.and_then(|pending| {
                let dir = state.project.models_dir()?;
                Some(dir.join(&pending.name))
            });
            if waits && wanted.is_some() && wanted == dir {
                super::training::checked(state, jobs, tally);
            } else if let Some(model) = &mut state.project.models.current
                && dir.is_some_and(|dir| dir.ends_with(&model.name))
            {
                model.after = tally;
            }
        }
    }
    // The chances of the answers on the screen may be others now.
    if !state.ask.query.trim().is_empty() {
        ask(state, jobs);
    }
}

fn no_model(state: &mut State, jobs: &mut Jobs, side: Side, trouble: Trouble) {
    state.ask.preparing = None;
    state.say(Level::Error, trouble.what.clone());
    if side == Side::After {
        state
            .training
            .checking
            .forget_after(&state.project.document.entries);
    }
    if state.training.stage == Stage::Checking {
        super::training::fail(state, trouble);
        // What answered until now goes on answering.
        project::use_models(state, jobs);
    } else {
        state.ask.trouble = Some(trouble);
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

pub(super) fn right(state: &mut State, jobs: &mut Jobs, entry: EntryId) {
    let Some(question) = state.ask.reply.as_ref().map(|reply| reply.question.clone()) else {
        return;
    };
    state.ask.said = Some(Said::Right(question.clone()));
    match teach(state, entry, &question) {
        Some(edit) => {
            if project::edit(state, jobs, edit) {
                state.say(Level::Info, text::ask::THANKS);
            } else {
                state.ask.said = None;
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

pub(super) fn correct_with(state: &mut State, jobs: &mut Jobs, entry: EntryId) {
    let Some(correcting) = state.ask.correcting.take() else {
        return;
    };
    match teach(state, entry, &correcting.question) {
        Some(edit) => {
            if project::edit(state, jobs, edit) {
                state.ask.said = Some(Said::Corrected(correcting.question));
                state.say(Level::Info, text::ask::CORRECTED);
            }
        }
        None => state.say(Level::Info, text::ask::KNOWN),
    }
}

pub(super) fn silence(state: &mut State, jobs: &mut Jobs, least: u8) {
    project::set_options(state, jobs, text::ask::DID_SILENCE, |options| {
        options.silence = least.min(99);
    });
}

pub(super) fn answer_file(state: &mut State, jobs: &mut Jobs, path: PathBuf) {
    state.ask.batch.dropped = None;
    let name = text::shell::file_name(&path);
    let wanted = BatchWanted {
        from: path,
        silence: state.project.document.options.silence,
    };
    match jobs.answer_file(wanted) {
        Ok(()) => {
            let batch = &mut state.ask.batch;
            batch.running = Some(name);
            batch.done = (0, 0);
            batch.result = None;
            batch.trouble = None;
        }
        Err(trouble) => state.ask.batch.trouble = Some(trouble),
    }
}
