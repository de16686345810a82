//! Starting, following and ending a training.

use crate::{
    job::{Exit, Jobs, TrainEvent, TrainRequest},
    state::{
        AskPhase, Fetch, Level, Outcome, Progress, Round, Stage, State, Step, Training, Trouble,
    },
    text,
};

/// A stage's pace is not told before it ran this long.
const PACE_AFTER_S: f64 = 0.3;

pub(super) fn start(state: &mut State, jobs: &mut Jobs, go_on: bool) {
    let Some(set) = state.data.set.as_ref().filter(|set| set.is_enough()) else {
        state.step = if state.data.set.is_some() {
            Step::Train
        } else {
            Step::Data
        };
        return;
    };
    if state.training.is_running() || state.data.reading.is_some() {
        return;
    }
    state.step = Step::Train;
    state.message = None;
    let request = TrainRequest {
        file: set.path.clone(),
        out: set.model_dir.clone(),
        go_on,
    };
    state.training = Training {
        stage: Stage::Reading,
        ..Training::default()
    };
    if let Err(trouble) = jobs.train(&request) {
        fail(state, trouble);
    }
}

pub(super) fn stop(state: &mut State, jobs: &mut Jobs) {
    if state.training.is_running() {
        state.training.stopping = true;
        state.training.paused = false;
        jobs.stop_training();
    }
}

pub(super) fn pause(state: &mut State, jobs: &mut Jobs, pause: bool) {
    if state.training.is_running() && !state.training.stopping {
        state.training.paused = pause;
        jobs.pause_training(pause);
    }
}

pub(super) fn heard(state: &mut State, at_s: f64, event: TrainEvent) {
    let training = &mut state.training;
    if !training.is_running() {
        return;
    }
    let before_s = training.elapsed_s;
    training.elapsed_s = at_s;
    match event {
        TrainEvent::Model {
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
        TrainEvent::Embed { done, total } => {
            training.stage = Stage::Understanding;
            training.texts = Some(advance(training.texts, done, total, before_s, at_s));
        }
        TrainEvent::Epoch {
            epoch,
            epochs,
            loss,
            train,
            val,
            eta_s,
        } => {
            training.stage = Stage::Learning;
            training.rounds_planned = epochs;
            training.eta_s = eta_s;
            training.rounds.push(Round {
                number: epoch + 1,
                error: loss.filter(|loss| loss.is_finite()),
                train: train.and_then(|shares| shares.first),
                check: val.and_then(|shares| shares.first),
            });
        }
        TrainEvent::Best { epoch } => training.best = Some(epoch + 1),
        TrainEvent::Note { text } => {
            training.notes.push(text.clone());
            state.say(Level::Info, text);
        }
        TrainEvent::Finished { report } => finished(state, report.into()),
        TrainEvent::Failed { error, remedy } => {
            fail(state, Trouble::new(error, remedy.unwrap_or_default()));
        }
        TrainEvent::Unknown => {}
    }
}

fn finished(state: &mut State, outcome: Outcome) {
    let said = text::train::done(&outcome);
    if let Some(set) = &mut state.data.set {
        set.trained_before = true;
        if let Some(dir) = &outcome.dir {
            set.model_dir.clone_from(dir);
        }
    }
    let training = &mut state.training;
    training.stage = Stage::Done;
    training.stopping = false;
    training.paused = false;
    training.outcome = Some(outcome);
    state.say(Level::Info, said);
}

pub(super) fn ended(state: &mut State, jobs: &mut Jobs, exit: Exit) {
    let detail = format!("{}\n{}", exit.status, exit.last_words);
    let training = &mut state.training;
    if training.is_running() {
        let can_go_on = training.texts.is_some() || !training.rounds.is_empty();
        let trouble = if training.stopping {
            text::trouble::stopped_early()
        } else if exit.killed {
            text::trouble::killed(can_go_on)
        } else {
            text::trouble::ended()
        };
        training.can_go_on = can_go_on;
        fail(state, trouble.with_detail(detail));
    } else if let Some(trouble) = &mut training.trouble {
        trouble.detail = detail;
    } else if training.stage == Stage::Done {
        // The model in the folder is a new one: whoever answers must load it.
        jobs.stop_asking();
        state.ask.phase = AskPhase::Off;
        state.ask.reply = None;
        if state.step == Step::Ask {
            super::asking::start_if_needed(state, jobs);
        }
    }
}

fn fail(state: &mut State, trouble: Trouble) {
    state.say(Level::Error, trouble.what.clone());
    let training = &mut state.training;
    training.stage = Stage::Failed;
    training.stopping = false;
    training.paused = false;
    training.trouble = Some(trouble);
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
