//! The models of the open project.

use crate::{
    job::{Jobs, Wanted},
    project::journal::Record,
    state::{Saved, State},
};

/// Saves the list of models after it has changed.
pub(super) fn save(state: &mut State, jobs: &Jobs) {
    if state.project.dir.is_some() {
        state.project.saved = Saved::Soon;
    }
    jobs.keep(Record::Models(state.project.models.clone()));
}

/// Answers with the project's current model from now on.
pub(super) fn answer_with_current(state: &mut State, jobs: &mut Jobs) {
    let elsewhere = state.project.elsewhere().is_some();
    let wanted = Wanted {
        dir: state.project.model_dir(),
        elsewhere,
    };
    state.ask.side = Default::default();
    state.training.checking.elsewhere = elsewhere;
    if wanted.dir.is_none() || elsewhere {
        state
            .training
            .checking
            .forget_after(&state.project.document.entries);
    }
    if let Err(trouble) = jobs.use_models(wanted) {
        state.ask.trouble = Some(trouble);
    }
}
