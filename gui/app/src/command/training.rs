//! Starting, following and ending a training, and what becomes of its model.

use std::path::PathBuf;

use nearsay::train::{Event, Report};

use super::{edit, models, preferences};
use crate::{
    state::{
        Check, Epoch, Fetch, Level, Outcome, Page, Progress, Side, Stage, State, Training,
        UserError,
    },
    text,
    worker::{Exit, TrainRequest, Wanted, Workers},
};
use nearsay_project::{
    Effort, Model, Pending, Tally, Tuning, estimate,
    folder::{self, CHECKING, TRAINING},
};

/// A stage's pace is not told before it ran this long.
const PACE_AFTER_S: f64 = 0.3;
/// Fewer texts than this say nothing about how fast they are read.
const ENOUGH_TEXTS: usize = 200;

pub(super) fn effort(state: &mut State, workers: &mut Workers, effort: Effort) {
    edit::set_options(state, workers, text::train::DID_EFFORT, |options| {
        options.effort = effort;
    });
}

pub(super) fn tune(state: &mut State, workers: &mut Workers, tuning: Tuning) {
    edit::set_options(state, workers, text::train::DID_TUNE, |options| {
        options.tuning = tuning;
    });
}

pub(super) fn start(state: &mut State, workers: &mut Workers, go_on: bool) {
    if state.training.is_running() {
        return;
    }
    if !state.project.counts.is_enough() || state.data.reading.is_some() {
        state.page = Page::Train;
        return;
    }
    if state.project.look_only {
        state.say(Level::Warning, text::shell::LOOK_ONLY);
        return;
    }
    let (Some(dir), Some(models_dir)) = (state.project.dir.clone(), state.project.models_dir())
    else {
        state.training.error = Some(text::error::no_place());
        state.training.stage = Stage::Failed;
        return;
    };
    state.page = Page::Train;
    let options = &state.project.document.options;
    let models = &mut state.project.models;
    let pending = match models.pending.take().filter(|_| go_on) {
        Some(pending) => pending,
        None => {
            models.next += 1;
            Pending {
                name: models.next.to_string(),
                effort: options.effort,
                edits: models.edits,
            }
        }
    };
    models.pending = Some(pending.clone());
    let request = TrainRequest {
        train: dir.join(TRAINING),
        check: Some(dir.join(CHECKING)),
        out: models_dir.join(&pending.name),
        effort: pending.effort,
        tuning: options.tuning,
        go_on,
    };
    models::save(state, workers);
    let pairs = state.project.counts.learned();
    state.training = Training {
        stage: Stage::Reading,
        pairs: pairs as u64,
        will_refit: estimate::refits_on_all(pending.effort, pairs),
        checking: state.training.checking.clone(),
        advanced_open: state.training.advanced_open,
        ..Training::default()
    };
    let entries = state.project.document.entries.clone();
    if let Err(error) = workers.prepare_training(entries, request) {
        fail(state, error);
    }
}

pub(super) fn prepared(
    state: &mut State,
    workers: &mut Workers,
    result: Result<TrainRequest, UserError>,
) {
    if state.training.stopping {
        return fail(state, text::error::stopped_early());
    }
    let request = match result {
        Ok(request) => request,
        Err(error) => return fail(state, error),
    };
    // The child of a window that died may have come to its end without it.
    if request.go_on && request.out.join("nearsay.json").is_file() {
        return finished(state, workers, None);
    }
    if let Err(error) = workers.train(&request) {
        fail(state, error);
    }
}

pub(super) fn stop(state: &mut State, workers: &mut Workers) {
    if state.training.is_running() {
        state.training.stopping = true;
        state.training.paused = false;
        workers.stop_training();
    }
}

pub(super) fn pause(state: &mut State, workers: &mut Workers, pause: bool) {
    if state.training.is_running() && !state.training.stopping {
        state.training.paused = pause;
        workers.pause_training(pause);
    }
}

pub(super) fn heard(state: &mut State, workers: &mut Workers, at_s: f64, event: Event) {
    let training = &mut state.training;
    if !training.is_running() {
        return;
    }
    let before_s = training.elapsed_s;
    training.elapsed_s = at_s;
    match event {
        Event::Model {
            done,
            total,
            source,
        } => {
            training.stage = Stage::Fetching;
            let progress = advance(
                training.fetch.as_ref().map(|fetch| fetch.progress),
                done,
                total,
                before_s,
                at_s,
            );
            training.fetch = Some(Fetch { progress, source });
        }
        Event::Embed { done, total, eta_s } => {
            // Learning follows when all texts are embedded, though its first epoch may take long. A trained
            // transformer embeds the texts once more after the last epoch.
            let learns = done >= total || !training.epochs.is_empty();
            (training.stage, training.eta_s) = if learns {
                (Stage::Learning, eta_s.filter(|_| done < total))
            } else {
                (Stage::Understanding, eta_s)
            };
            let mut texts = advance(training.texts, done as u64, total as u64, before_s, at_s);
            // Cached texts took no time, so the child's own estimate gives the pace of the others.
            let left = total.saturating_sub(done) as f64;
            texts.per_second = match eta_s {
                Some(eta_s) if eta_s > 0.0 => left / eta_s,
                _ => 0.0,
            };
            training.texts = Some(texts);
        }
        Event::Batch {
            epoch: _,
            epochs,
            done,
            total,
            eta_s,
        } => {
            training.stage = Stage::Learning;
            training.max_epochs = epochs as u64;
            training.eta_s = Some(eta_s);
            training.epoch_fraction = done as f32 / total.max(1) as f32;
        }
        Event::Epoch(epoch) => {
            training.stage = Stage::Learning;
            training.max_epochs = epoch.epochs as u64;
            training.eta_s = Some(epoch.eta_s);
            training.epoch_fraction = 0.0;
            training.epochs.push(Epoch {
                number: epoch.epoch as u64 + 1,
                error: Some(f64::from(epoch.loss)).filter(|loss| loss.is_finite()),
                train: Some(f64::from(epoch.train.rp_1)),
                check: epoch.val.map(|val| f64::from(val.rp_1)),
            });
        }
        Event::Refit { share, eta_s } => {
            training.stage = Stage::Learning;
            training.refit_fraction = Some(share);
            training.eta_s = Some(eta_s);
        }
        Event::Best { epoch } => training.best = Some(epoch as u64 + 1),
        Event::Note(note) => training.notes.push(note.to_string()),
        Event::Finished { report } => finished(state, workers, Some(&report)),
        Event::Failed { error, remedy } => fail(state, UserError::new(error, remedy)),
        // Events of a later version have nothing to show here.
        _ => {}
    }
}

/// The model is written. Before it answers, it must show that it is no worse than what does now.
fn finished(state: &mut State, workers: &mut Workers, report: Option<&Report>) {
    let Some(pending) = state.project.models.pending.clone() else {
        return fail(state, text::error::ended());
    };
    if let Some(report) = report {
        remember_pace(state, workers, pending.effort, report);
    }
    state.training.stage = Stage::Checking;
    state.training.paused = false;
    let wanted = Wanted {
        dir: state
            .project
            .models_dir()
            .map(|dir| dir.join(&pending.name)),
        elsewhere: false,
    };
    state.training.baseline = state.training.checking.now().map(|check| check.tally());
    // This one learned here.
    state.training.checking.elsewhere = false;
    if let Err(error) = workers.use_models(wanted) {
        fail(state, error);
    }
}

fn remember_pace(state: &mut State, workers: &Workers, effort: Effort, report: &Report) {
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
    if effort != Effort::Quick && report.fresh_texts >= ENOUGH_TEXTS && report.embed_s > 0.0 {
        pace.reading = Some(report.fresh_texts as f64 / report.embed_s);
    }
    preferences::save(state, workers);
}

/// The held-out questions were asked of one side.
pub(super) fn checked(
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
                decide(state, workers, tally);
            } else if let Some(model) = &mut state.project.models.current
                && dir.is_some_and(|dir| dir.ends_with(&model.name))
            {
                model.after = tally;
            }
        }
    }
}

/// Keeps the new model if it is no worse than the one that answers now.
fn decide(state: &mut State, workers: &mut Workers, after: Tally) {
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
        elsewhere: None,
        made_s: folder::now_s(),
    };
    let elsewhere = state.project.elsewhere().is_some();
    let no_worse = match (baseline.share(), after.share()) {
        (Some(before), Some(after)) => after >= before,
        _ => true,
    };
    let models = &mut state.project.models;
    if no_worse {
        let since = models.edits - pending.edits;
        let gone = models.take(model, since);
        forget(state, workers, gone);
    } else {
        models.earlier.insert(0, model);
        let gone = models
            .earlier
            .split_off(nearsay_project::models::KEPT.min(models.earlier.len()));
        forget(state, workers, gone);
        models::answer_with_current(state, workers);
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

fn forget(state: &State, workers: &Workers, gone: Vec<Model>) {
    let Some(dir) = state.project.models_dir() else {
        return;
    };
    let dirs = gone.iter().map(|model| dir.join(&model.name)).collect();
    // What stays behind only takes room.
    workers.forget_models(dirs).ok();
}

/// The model before answers again.
pub(super) fn go_back(state: &mut State, workers: &mut Workers) {
    if state.training.is_running() || state.project.look_only {
        return;
    }
    if state.project.models.go_back() {
        models::save(state, workers);
        state.training.outcome = None;
        state.training.stage = Stage::Idle;
        models::answer_with_current(state, workers);
        state.say(Level::Info, text::results::WENT_BACK);
    }
}

pub(super) fn ended(state: &mut State, exit: Exit) {
    let detail = format!("{}\n{}", exit.status, exit.last_words);
    let training = &mut state.training;
    match training.stage {
        // It is done, and its model is being checked.
        Stage::Checking | Stage::Done => {}
        _ if training.is_running() => {
            let can_go_on = training.texts.is_some() || !training.epochs.is_empty();
            let error = if training.stopping {
                text::error::stopped_early()
            } else if exit.killed {
                text::error::killed(can_go_on)
            } else {
                text::error::ended()
            };
            training.can_go_on = can_go_on;
            fail(state, error.with_detail(detail));
        }
        _ => {
            if let Some(error) = &mut training.error {
                error.detail = detail;
            }
        }
    }
}

pub(super) fn fail(state: &mut State, error: UserError) {
    state.say(Level::Error, error.what.clone());
    let training = &mut state.training;
    training.stage = Stage::Failed;
    training.stopping = false;
    training.paused = false;
    training.error = Some(error);
}

/// A model cannot answer: the training it came from has failed, or the trouble is shown on the Ask step.
pub(super) fn no_model(state: &mut State, workers: &mut Workers, side: Side, error: UserError) {
    state.ask.preparing = None;
    state.say(Level::Error, error.what.clone());
    if side == Side::After {
        state
            .training
            .checking
            .forget_after(&state.project.document.entries);
    }
    if state.training.stage == Stage::Checking {
        fail(state, error);
        // The previous model keeps answering.
        models::answer_with_current(state, workers);
    } else {
        state.ask.error = Some(error);
    }
}

fn advance(last: Option<Progress>, done: u64, total: u64, before_s: f64, at_s: f64) -> Progress {
    let since_s = last.map_or(before_s, |last| last.since_s);
    let took = at_s - since_s;
    let per_second = if took > PACE_AFTER_S {
        done as f64 / took
    } else {
        0.0
    };
    Progress {
        done,
        total,
        per_second,
        since_s,
    }
}
