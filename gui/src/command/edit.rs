//! Opening an exported folder: a project is made of it beside the one that is open, then it is opened.

use std::path::PathBuf;

use super::project;
use crate::{
    job::{Jobs, Which},
    project::Adopted,
    state::{Level, State, Step, Trouble},
    text,
};

pub(super) fn adopt(state: &mut State, jobs: &mut Jobs, folder: PathBuf) {
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let name = text::shell::file_name(&folder);
    if state.shell.adopting.is_some() {
        return state.say(Level::Warning, text::folder::ONE_AT_A_TIME);
    }
    state.shell.trouble = None;
    match jobs.adopt(folder) {
        Ok(()) => {
            state.shell.adopting = Some((name, 0.0));
            // At the start there is nothing else to work with.
            state.project.opening |= state.project.revision == 0;
        }
        Err(trouble) => adopted(state, jobs, Err(trouble)),
    }
}

pub(super) fn adopting(state: &mut State, share: f32) {
    if let Some((_, done)) = &mut state.shell.adopting {
        *done = share;
    }
}

pub(super) fn adopted(state: &mut State, jobs: &mut Jobs, result: Result<Adopted, Trouble>) {
    state.shell.adopting = None;
    if state.project.revision == 0 {
        state.project.opening = false;
    }
    match result {
        Ok(adopted) if state.training.is_running() => {
            let name = text::data::project_of(&[PathBuf::from(&adopted.folder)]);
            state.shell.preferences.opened(&adopted.dir, &name);
            super::shell::keep_preferences(state, jobs);
            state.say(Level::Info, text::folder::later(&adopted));
        }
        Ok(adopted) => {
            let dir = adopted.dir.clone();
            let is_open = state.project.dir.as_ref() == Some(&dir);
            state.shell.adopted = Some(adopted);
            match is_open {
                true => told(state),
                false => drop(project::start(state, jobs, Which::At(dir))),
            }
        }
        Err(trouble) => {
            state.say(Level::Error, trouble.what.clone());
            state.shell.trouble = Some(trouble);
            // Something must be there to work with.
            if state.project.revision == 0 {
                project::open_last(state, jobs);
            }
        }
    }
}

/// Says that it is open, and shows where to go on: asking, or giving it something to answer with.
pub(super) fn told(state: &mut State) {
    let Some(adopted) = state.shell.adopted.take() else {
        return;
    };
    state.say(Level::Info, text::folder::opened(&adopted));
    state.step = match state.project.document.entries.is_empty() {
        true => Step::Data,
        false => Step::Ask,
    };
}
