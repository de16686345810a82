//! Questions and answers.

use crate::{
    job::{Exit, Jobs},
    state::{AskPhase, Level, Reply, State, Trouble},
    text,
};

pub(super) fn start_if_needed(state: &mut State, jobs: &mut Jobs) {
    if state.ask.phase == AskPhase::Off {
        start(state, jobs);
    }
}

pub(super) fn start(state: &mut State, jobs: &mut Jobs) {
    let Some(set) = state.data.set.as_ref().filter(|set| set.trained_before) else {
        return;
    };
    let dir = set.model_dir.clone();
    state.ask.trouble = None;
    match jobs.start_asking(&dir) {
        Ok(()) => {
            state.ask.phase = AskPhase::On;
            ask(state, jobs);
        }
        Err(trouble) => {
            state.ask.phase = AskPhase::Ended;
            state.ask.trouble = Some(trouble);
        }
    }
}

pub(super) fn query(state: &mut State, jobs: &mut Jobs, query: String) {
    state.ask.query = query;
    // Why nobody answers stays in sight until somebody does.
    if state.ask.phase != AskPhase::Ended {
        state.ask.trouble = None;
    }
    start_if_needed(state, jobs);
    ask(state, jobs);
}

fn ask(state: &mut State, jobs: &mut Jobs) {
    let empty = state.ask.query.trim().is_empty();
    if empty {
        state.ask.reply = None;
    }
    state.ask.waiting = !empty && state.ask.phase == AskPhase::On;
    jobs.ask(&state.ask.query);
}

pub(super) fn answered(state: &mut State, result: Result<Reply, Trouble>) {
    if state.ask.query.trim().is_empty() {
        return;
    }
    state.ask.waiting = false;
    match result {
        Ok(reply) => state.ask.reply = Some(reply),
        Err(trouble) => {
            state.ask.reply = None;
            state.ask.trouble = Some(trouble);
        }
    }
}

pub(super) fn ended(state: &mut State, exit: Exit) {
    state.ask.phase = AskPhase::Ended;
    state.ask.waiting = false;
    state.ask.reply = None;
    let said = state
        .ask
        .trouble
        .take()
        .unwrap_or_else(text::trouble::asking_ended);
    state.say(Level::Error, said.what.clone());
    state.ask.trouble = Some(said.with_detail(format!("{}\n{}", exit.status, exit.last_words)));
}
