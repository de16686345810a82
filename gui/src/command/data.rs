//! Opening files.

use std::path::PathBuf;

use crate::{
    job::Jobs,
    state::{Ask, Data, Dataset, Level, State, Step, Training, Trouble},
    text,
};

pub(super) fn pick(state: &mut State, jobs: &mut Jobs) {
    if state.data.dialog_open || refuse_while_training(state) {
        return;
    }
    match jobs.pick_file() {
        Ok(()) => state.data.dialog_open = true,
        Err(trouble) => fail(state, trouble),
    }
}

pub(super) fn picked(state: &mut State, jobs: &mut Jobs, path: Option<PathBuf>) {
    state.data.dialog_open = false;
    if let Some(path) = path {
        open(state, jobs, path);
    } else {
        // Where the system has no dialog, that looks just like Cancel.
        state.data.path_offered = true;
        state.say(Level::Info, text::data::NOT_PICKED);
    }
}

pub(super) fn open(state: &mut State, jobs: &mut Jobs, path: PathBuf) {
    if refuse_while_training(state) {
        return;
    }
    state.step = Step::Data;
    let name = text::shell::file_name(&path);
    match jobs.read(path) {
        Ok(()) => {
            state.data.reading = Some(name);
            state.data.read_share = 0.0;
            state.data.trouble = None;
        }
        Err(trouble) => fail(state, trouble),
    }
}

pub(super) fn open_typed(state: &mut State, jobs: &mut Jobs) {
    // Copied paths often come with quotes or as an address.
    let typed = state.data.typed_path.trim().trim_matches(['"', '\'']);
    let typed = typed.strip_prefix("file://").unwrap_or(typed);
    if !typed.is_empty() {
        open(state, jobs, PathBuf::from(typed));
    }
}

pub(super) fn drop_on(state: &mut State, jobs: &mut Jobs, paths: Vec<PathBuf>) {
    let many = paths.len() > 1;
    let readable = paths.iter().position(|path| text::shell::is_readable(path));
    let Some(path) = paths.into_iter().nth(readable.unwrap_or(0)) else {
        return;
    };
    if readable.is_none() {
        if !refuse_while_training(state) {
            state.step = Step::Data;
            let (what, fix) = text::shell::drop_promise(&[path.as_path()], false);
            fail(state, Trouble::new(what, fix));
        }
        return;
    }
    open(state, jobs, path);
    if many && state.data.reading.is_some() {
        state.say(Level::Info, text::shell::ONE_FILE);
    }
}

pub(super) fn read(state: &mut State, jobs: &mut Jobs, result: Result<Dataset, Trouble>) {
    state.data.reading = None;
    match result {
        Ok(set) => {
            state.say(Level::Info, text::data::read_done(&set));
            state.data = Data {
                set: Some(set),
                ..Data::default()
            };
            state.training = Training::default();
            state.ask = Ask::default();
            jobs.stop_asking();
        }
        Err(trouble) => fail(state, trouble),
    }
}

fn fail(state: &mut State, trouble: Trouble) {
    state.say(Level::Error, trouble.what.clone());
    state.data.trouble = Some(trouble);
}

fn refuse_while_training(state: &mut State) -> bool {
    let busy = state.training.is_running();
    if busy {
        state.say(Level::Warning, text::shell::BUSY);
    }
    busy
}
