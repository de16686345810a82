//! Models of the open project.

use crate::{
    state::{Saved, State},
    worker::{Wanted, Workers},
};
use nearsay_project::journal::Record;

/// Saves the list of models after it has changed.
pub(super) fn save(state: &mut State, workers: &Workers) {
    if state.project.dir.is_some() {
        state.project.saved = Saved::Soon;
    }
    workers.save_record(Record::Models(state.project.models.clone()));
}

/// Answers with the project's current model.
pub(super) fn use_current(state: &mut State, workers: &mut Workers) {
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
    if let Err(error) = workers.use_models(wanted) {
        state.ask.error = Some(error);
    }
}
