//! Starting, following and stopping a training.

use nearsay::train::Event;

use super::{edit, evaluation, models};
use crate::{
    state::{Epoch, Fetch, Level, Page, Progress, Stage, State, Training, UserError},
    text,
    worker::{BUILT_IN, Exit, TrainRequest, Workers},
};
use nearsay_project::{
    Effort, Pending, Tuning, estimate,
    folder::{CHECKING, TRAINING, outcomes_of},
    held_out::ENOUGH_TO_HOLD_OUT,
};

/// Seconds until a stage has a meaningful speed.
const MIN_SPEED_S: f64 = 0.3;

pub(super) fn set_effort(state: &mut State, workers: &mut Workers, effort: Effort) {
    edit::set_options(state, workers, text::train::DID_EFFORT, |options| {
        options.effort = effort;
    });
}

pub(super) fn set_tuning(state: &mut State, workers: &mut Workers, tuning: Tuning) {
    edit::set_options(state, workers, text::train::DID_TUNE, |options| {
        options.tuning = tuning;
    });
}

pub(super) fn start(state: &mut State, workers: &mut Workers, resume: bool) {
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
    let pending = match models.pending.take().filter(|_| resume) {
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
    let compare = match &models.current {
        None => Some(BUILT_IN.into()),
        Some(model) if model.imported.is_some() => None,
        Some(model) => Some(outcomes_of(&models_dir.join(&model.name))),
    };
    let holds_out = state.project.counts.questions >= ENOUGH_TO_HOLD_OUT;
    let request = TrainRequest {
        train: dir.join(TRAINING),
        held_out: holds_out.then(|| dir.join(CHECKING)),
        compare,
        out: models_dir.join(&pending.name),
        effort: pending.effort,
        tuning: options.tuning,
        resume,
    };
    models::save(state, workers);
    let pairs = state.project.counts.training();
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
        evaluation::fail(state, error);
    }
}

/// Starts the training process once its files are written.
pub(super) fn run(
    state: &mut State,
    workers: &mut Workers,
    result: Result<TrainRequest, UserError>,
) {
    if state.training.stopping {
        return evaluation::fail(state, text::error::stopped_early());
    }
    let request = match result {
        Ok(request) => request,
        Err(error) => return evaluation::fail(state, error),
    };
    // The process may have finished after the previous window crashed.
    if request.resume && request.out.join("nearsay.json").is_file() {
        return evaluation::start(state, workers, None);
    }
    if let Err(error) = workers.train(&request) {
        evaluation::fail(state, error);
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

pub(super) fn process_event(state: &mut State, workers: &mut Workers, at_s: f64, event: Event) {
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
            training.stage = Stage::Downloading;
            let progress = update_progress(
                training.fetch.as_ref().map(|fetch| fetch.progress),
                done,
                total,
                before_s,
                at_s,
            );
            training.fetch = Some(Fetch { progress, source });
        }
        Event::Embed { done, total, eta_s } => {
            // Training starts once all texts are embedded. A trained transformer embeds the texts again
            // after the last epoch.
            let learns = done >= total || !training.epochs.is_empty();
            (training.stage, training.eta_s) = if learns {
                (Stage::Training, eta_s.filter(|_| done < total))
            } else {
                (Stage::Encoding, eta_s)
            };
            let mut texts =
                update_progress(training.texts, done as u64, total as u64, before_s, at_s);
            // Cached texts take no time, so the speed follows from the estimate of the training process.
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
            training.stage = Stage::Training;
            training.max_epochs = epochs as u64;
            training.eta_s = Some(eta_s);
            training.epoch_fraction = done as f32 / total.max(1) as f32;
        }
        Event::Epoch(epoch) => {
            training.stage = Stage::Training;
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
            training.stage = Stage::Training;
            training.refit_fraction = Some(share);
            training.eta_s = Some(eta_s);
        }
        Event::Best { epoch } => training.best = Some(epoch as u64 + 1),
        Event::Note(note) => training.notes.push(note.to_string()),
        Event::Finished { report } => evaluation::start(state, workers, Some(report)),
        Event::Failed { error, remedy } => evaluation::fail(state, UserError::new(error, remedy)),
        // Events of a later version are ignored.
        _ => {}
    }
}

pub(super) fn finish_process(state: &mut State, exit: Exit) {
    let detail = format!("{}\n{}", exit.status, exit.stderr_tail);
    let training = &mut state.training;
    match training.stage {
        // The training succeeded; its model is being evaluated or in use.
        Stage::Evaluating | Stage::Done => {}
        _ if training.is_running() => {
            let can_resume = training.texts.is_some() || !training.epochs.is_empty();
            let error = if training.stopping {
                text::error::stopped_early()
            } else if exit.killed {
                text::error::killed(can_resume)
            } else {
                text::error::ended()
            };
            training.can_go_on = can_resume;
            evaluation::fail(state, error.with_detail(detail));
        }
        _ => {
            if let Some(error) = &mut training.error {
                error.detail = detail;
            }
        }
    }
}

/// Adds a count to the progress of a stage and updates its speed.
fn update_progress(
    last: Option<Progress>,
    done: u64,
    total: u64,
    before_s: f64,
    at_s: f64,
) -> Progress {
    let since_s = last.map_or(before_s, |last| last.since_s);
    let took = at_s - since_s;
    let per_second = if took > MIN_SPEED_S {
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
