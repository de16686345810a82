//! Evaluating a trained model, and using it unless it is worse than the current one.

use std::path::PathBuf;

use nearsay::train::Report;

use super::{models, preferences};
use crate::{
    state::{Check, Level, Outcome, Side, Stage, State, UserError},
    text,
    worker::{Wanted, Workers},
};
use nearsay_project::{Effort, Model, Tally, estimate, folder};

/// Fewest texts for a meaningful embedding speed.
const MIN_SPEED_TEXTS: usize = 200;

/// Evaluates the new model on the held-out questions; [`process_results`] decides whether to use it.
pub(super) fn start(state: &mut State, workers: &mut Workers, report: Option<&Report>) {
    let Some(pending) = state.project.models.pending.clone() else {
        return fail(state, text::error::ended());
    };
    if let Some(report) = report {
        save_pace(state, workers, pending.effort, report);
    }
    state.training.stage = Stage::Evaluating;
    state.training.paused = false;
    let wanted = Wanted {
        dir: state
            .project
            .models_dir()
            .map(|dir| dir.join(&pending.name)),
        elsewhere: false,
    };
    state.training.baseline = state.training.checking.now().map(|check| check.tally());
    // The new model was trained in this project, so its held-out questions are valid.
    state.training.checking.elsewhere = false;
    if let Err(error) = workers.use_models(wanted) {
        fail(state, error);
    }
}

/// Ends the training run with an error.
pub(super) fn fail(state: &mut State, error: UserError) {
    tracing::warn!(%error, "the training failed");
    state.say(Level::Error, error.message.clone());
    let training = &mut state.training;
    training.stage = Stage::Failed;
    training.stopping = false;
    training.paused = false;
    training.error = Some(error);
}

fn save_pace(state: &mut State, workers: &Workers, effort: Effort, report: &Report) {
    let pace = &mut state.shell.preferences.pace;
    let times = estimate::fits(effort, report.train_rows);
    let pairs = times * (report.train_rows * report.epochs) as f64;
    if report.train_s > 0.05 && pairs > 0.0 {
        let of_effort = match effort {
            Effort::Quick => &mut pace.quick,
            Effort::Balanced => &mut pace.balanced,
            Effort::Thorough => &mut pace.thorough,
        };
        *of_effort = Some(pairs / report.train_s);
    }
    if effort != Effort::Quick && report.fresh_texts >= MIN_SPEED_TEXTS && report.embed_s > 0.0 {
        pace.reading = Some(report.fresh_texts as f64 / report.embed_s);
    }
    preferences::save(state, workers);
}

/// Stores the results of one side on the held-out questions. Results of a new model decide whether it is used.
pub(super) fn process_results(
    state: &mut State,
    workers: &mut Workers,
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
            if let Some(model) = current.filter(|model| model.imported.is_none()) {
                model.before = tally;
            }
        }
        Side::After => {
            let waits = state.training.stage == Stage::Evaluating;
            let pending = state.project.models.pending.as_ref();
            let wanted = pending.and_then(|pending| {
                let dir = state.project.models_dir()?;
                Some(dir.join(&pending.name))
            });
            if waits && wanted.is_some() && wanted == dir {
                choose_model(state, workers, tally);
            } else if let Some(model) = &mut state.project.models.current
                && dir.is_some_and(|dir| dir.ends_with(&model.name))
            {
                model.after = tally;
            }
        }
    }
}

/// Uses the new model unless its accuracy is lower than that of the current one.
fn choose_model(state: &mut State, workers: &mut Workers, after: Tally) {
    let Some(pending) = state.project.models.pending.take() else {
        return;
    };
    let untrained = state.training.checking.before.as_ref();
    let untrained = untrained.map(|check| check.tally()).unwrap_or_default();
    let baseline = state.training.baseline.take().unwrap_or(untrained);
    let model = Model {
        name: pending.name,
        effort: pending.effort,
        before: untrained,
        after,
        imported: None,
        made_s: folder::now_s(),
    };
    let elsewhere = state.project.elsewhere().is_some();
    let no_worse = match (baseline.accuracy(), after.accuracy()) {
        (Some(before), Some(after)) => after >= before,
        _ => true,
    };
    let models = &mut state.project.models;
    if no_worse {
        let edits_since = models.edits - pending.edits;
        let removed = models.install(model, edits_since);
        delete_models(state, workers, &removed);
    } else {
        let removed = models.add_earlier(model);
        delete_models(state, workers, &removed);
        models::use_current(state, workers);
    }
    models::save(state, workers);
    let outcome = Outcome {
        before: baseline,
        after,
        kept: no_worse,
        elsewhere,
    };
    let training = &mut state.training;
    training.stage = Stage::Done;
    training.stopping = false;
    training.outcome = Some(outcome);
    state.say(Level::Info, text::results::done(&outcome));
}

fn delete_models(state: &State, workers: &Workers, removed: &[Model]) {
    let Some(dir) = state.project.models_dir() else {
        return;
    };
    let dirs = removed.iter().map(|model| dir.join(&model.name)).collect();
    // Models that aren't deleted only take disk space.
    if let Err(error) = workers.delete_models(dirs) {
        tracing::warn!(%error, "cannot delete old models");
    }
}

/// Makes the previous model the current one.
pub(super) fn restore_previous(state: &mut State, workers: &mut Workers) {
    if state.training.is_running() || state.project.look_only {
        return;
    }
    if state.project.models.restore_previous() {
        models::save(state, workers);
        state.training.outcome = None;
        state.training.stage = Stage::Idle;
        models::use_current(state, workers);
        state.say(Level::Info, text::results::WENT_BACK);
    }
}

/// Reports that a model cannot be opened: as the failure of the training that made it, or on the Ask step.
pub(super) fn report_unusable_model(
    state: &mut State,
    workers: &mut Workers,
    side: Side,
    error: UserError,
) {
    state.ask.preparing = None;
    state.say(Level::Error, error.message.clone());
    if side == Side::After {
        state
            .training
            .checking
            .forget_after(&state.project.document.entries);
    }
    if state.training.stage == Stage::Evaluating {
        fail(state, error);
        // The previous model keeps answering.
        models::use_current(state, workers);
    } else {
        state.ask.error = Some(error);
    }
}
