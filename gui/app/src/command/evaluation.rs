//! Using a trained model unless it is worse than the current one, by the report of its training.

use std::path::PathBuf;

use nearsay::train::{
    Report,
    report::{ComparedWith, Comparison, Difference},
};

use super::{models, preferences};
use crate::{
    state::{Check, Level, Outcome, Side, Stage, State, UserError},
    text,
    worker::{Wanted, Workers},
};
use nearsay_project::{Effort, Model, Models, Results, Tally, estimate, folder};

/// Fewest texts for a meaningful embedding speed.
const MIN_SPEED_TEXTS: usize = 200;

/// Opens the new model and its test results; [`process_results`] decides whether to use it.
pub(super) fn start(state: &mut State, workers: &mut Workers, report: Option<Box<Report>>) {
    let Some(pending) = state.project.models.pending.clone() else {
        return fail(state, text::error::ended());
    };
    if let Some(report) = &report {
        save_pace(state, workers, pending.effort, report);
    }
    state.training.report = report;
    state.training.stage = Stage::Evaluating;
    state.training.paused = false;
    let wanted = Wanted {
        dir: state
            .project
            .models_dir()
            .map(|dir| dir.join(&pending.name)),
        elsewhere: false,
    };
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

/// Stores the test results of one side. Results of a new model decide whether it is used.
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
    let pending = state.project.models.pending.as_ref();
    let wanted = pending.and_then(|pending| {
        let dir = state.project.models_dir()?;
        Some(dir.join(&pending.name))
    });
    let waits = side == Side::After && state.training.stage == Stage::Evaluating;
    if waits && wanted.is_some() && wanted == dir {
        choose_model(state, workers, tally);
    }
}

/// Uses the new model unless it is worse than the current one.
fn choose_model(state: &mut State, workers: &mut Workers, tally: Tally) {
    let Some(pending) = state.project.models.pending.take() else {
        return;
    };
    let report = state.training.report.take();
    let report = report.as_deref();
    let results = |comparison: Option<Comparison>| comparison.as_ref().map(Results::of);
    let headline = results(report.and_then(Report::headline));
    let is_current = report.is_some_and(|report| report.compared_with != ComparedWith::BaseEncoder);
    let elsewhere = state.project.elsewhere().is_some();
    // The outcomes of a model of an earlier version of the program aren't stored.
    let current = state.project.models.current.as_ref();
    let stored = current.filter(|_| !is_current && !elsewhere);
    let before = stored.map(|model| model.after);
    let before = before.or(headline.map(|results| results.before));
    let difference = report
        .and_then(|report| report.difference)
        .filter(|_| stored.is_none());
    let model = Model {
        name: pending.name,
        effort: pending.effort,
        before: before.unwrap_or_default(),
        after: headline.map_or(tally, |results| results.after),
        known_answers: results(report.and_then(|report| report.known_answers)),
        new_answers: results(report.and_then(|report| report.new_answers)),
        difference,
        seconds: report.map_or(0, |report| (report.embed_s + report.train_s).ceil() as u64),
        imported: None,
        made_s: folder::now_s(),
    };
    let outcome = Outcome {
        before: model.before,
        after: model.after,
        kept: difference != Some(Difference::Worse),
        elsewhere,
        difference,
    };
    let models = &mut state.project.models;
    if outcome.kept {
        let edits_since = models.edits - pending.edits;
        let removed = models.install(model, edits_since);
        delete_models(state, workers, &removed);
    } else {
        let removed = models.add_earlier(model);
        delete_models(state, workers, &removed);
        models::use_current(state, workers);
    }
    models::save(state, workers);
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
    restore(state, workers, Models::restore_previous);
}

/// Makes the model of an earlier training the current one.
pub(super) fn restore_model(state: &mut State, workers: &mut Workers, name: &str) {
    restore(state, workers, |models| models.restore(name));
}

fn restore(state: &mut State, workers: &mut Workers, choose: impl FnOnce(&mut Models) -> bool) {
    if state.training.is_running() || state.project.look_only {
        return;
    }
    if choose(&mut state.project.models) {
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
