//! Training runs that fail, are stopped, killed or interrupted, and models worse than the last.
#![cfg(unix)]

mod common;

use std::path::{Path, PathBuf};

use common::{
    Window, control, copied, copy_folder, desk, dozen, file, fill, is_shown, open, press, real,
    rehearsed, settle, shows, shows_message, state, tell, tell_event, train, until,
};
use nearsay::train::{
    self, BatchFigures, Epoch, PoolFigures, Recipe, Report, Settings,
    report::{ComparedWith, Comparison, Difference, Findings},
};
use nearsay_app::{
    command::Command,
    state::{Check, Page, Side, Stage, State},
    worker::{AnswersEvent, Engine, Event},
};
use nearsay_project::{Effort, Models, Pending};
use tempfile::tempdir;

fn ended(state: &State) -> bool {
    !state.training.is_running()
}

fn learning(state: &State) -> bool {
    state.training.epochs.len() > 2
}

/// Window with a small project, ready to be trained by the rehearsal.
fn small(mode: &str, data: &Path) -> Window {
    let mut window = open(rehearsed(mode, data));
    fill(&mut window, 1, &dozen());
    tell(&mut window, Command::Show(Page::Train));
    window
}

/// Engine that runs a shell script of these lines; `REAL` stands for the program and `PLAY` for the
/// rehearsal.
fn scripted(data: &Path, lines: &str) -> Engine {
    let path = data.join("engine.sh");
    script(&path, lines);
    Engine {
        program: PathBuf::from("/bin/sh"),
        prefix: vec![path.into()],
        ..real(data)
    }
}

fn script(path: &Path, lines: &str) {
    let play = concat!(
        "sh '",
        env!("CARGO_MANIFEST_DIR"),
        "/examples/rehearsal.sh'"
    );
    let real = concat!("'", env!("CARGO_BIN_EXE_nearsay"), "'");
    file(path, &lines.replace("REAL", real).replace("PLAY", play));
}

fn ask(window: &mut Window, question: &str) {
    tell(window, Command::Show(Page::Ask));
    tell(window, Command::Ask(question.to_owned()));
    until(window, "answered", |state| {
        let reply = state.ask.reply.as_ref();
        !state.ask.waiting && reply.is_some_and(|reply| reply.question == question)
    });
}

#[test]
fn stop_shows_at_once_and_keeps_best_model() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    let rows: Vec<(String, String)> = (0..40)
        .flat_map(|copy| {
            desk().into_iter().map(move |(question, answer)| {
                (
                    format!("{question} Office {copy}"),
                    format!("{answer} Office {copy}"),
                )
            })
        })
        .collect();
    fill(&mut window, 1, &rows);
    tell(&mut window, Command::Show(Page::Train));
    press(&mut window, "Train");
    until(&mut window, "some rounds", |state| {
        !state.training.epochs.is_empty()
    });
    assert!(!ended(state(&window)), "it was too quick to be stopped");
    press(&mut window, "Stop and keep the best model");
    assert!(state(&window).training.stopping || ended(state(&window)));
    until(&mut window, "stopped", ended);
    let training = &state(&window).training;
    assert_eq!(training.stage, Stage::Done, "{:?}", training.error);
    assert!((training.epochs.len() as u64) < training.max_epochs);
    assert!(training.outcome.unwrap().after.asked > 0);
    let models = &state(&window).project.models;
    assert!(models.current.is_some() || !models.earlier.is_empty());
    assert!(models.pending.is_none());
}

#[test]
fn stop_shows_before_epoch_ends_and_kills_deaf_process() {
    let data = tempdir().unwrap();
    let mut window = small("deaf", data.path());
    press(&mut window, "Train");
    until(&mut window, "some rounds", learning);
    press(&mut window, "Stop and keep the best model");
    shows(&window, "Stopping…");
    shows(&window, "Stopping after this epoch");
    // A process that doesn't stop is killed.
    until(&mut window, "ended", ended);
    assert_eq!(state(&window).training.stage, Stage::Failed);
    assert!(state(&window).training.can_go_on);
    press(&mut window, "Continue");
    assert!(state(&window).training.is_running());
}

/// Number of epochs that the rehearsal had printed when it paused; `None` before it pauses.
fn epochs_when_paused(state: &State) -> Option<usize> {
    let files = std::fs::read_dir(state.project.models_dir()?).ok()?;
    let mut paths = files.flatten().map(|file| file.path());
    let paused = paths.find(|path| path.extension().is_some_and(|name| name == "paused"))?;
    std::fs::read_to_string(paused).ok()?.trim().parse().ok()
}

#[test]
fn pause_stops_epochs_and_resume_continues() {
    let data = tempdir().unwrap();
    let mut window = small("spin", data.path());
    press(&mut window, "Train");
    until(&mut window, "some rounds", learning);
    press(&mut window, "Pause");
    shows(&window, "Paused. Click Resume to continue");
    // The epoch that was running when the command arrived still finishes.
    let mut rounds = None;
    until(&mut window, "paused", |state| {
        rounds = rounds.or_else(|| epochs_when_paused(state));
        rounds == Some(state.training.epochs.len())
    });
    press(&mut window, "Resume");
    until(&mut window, "more rounds", |state| {
        Some(state.training.epochs.len()) > rounds
    });
}

/// Report of a training run without an evaluation.
fn report() -> Report {
    Report {
        dir: "model".to_owned(),
        encoder: "compact".to_owned(),
        settings: Settings::of(Recipe::Quick, 1),
        train_rows: 0,
        held_out: 0,
        epochs: 0,
        kept_epoch: None,
        stopped: false,
        known_answers: None,
        new_answers: None,
        difference: None,
        compared_with: ComparedWith::default(),
        protocol: None,
        before: None,
        after: None,
        words: None,
        without_words: None,
        expansion: None,
        without_expansion: None,
        findings: Findings::default(),
        train: None,
        val: None,
        fresh_texts: 0,
        embed_s: 0.0,
        train_s: 0.0,
    }
}

/// Delivers an event of the training process.
fn deliver(window: &mut Window, event: train::Event) {
    tell_event(window, Event::Training { at_s: 20.0, event });
}

#[test]
fn transformer_training_shows_progress_before_first_epoch_and_after_last() {
    let data = tempdir().unwrap();
    let mut window = small("mute", data.path());
    press(&mut window, "Train");
    let read = |done, eta_s| train::Event::Embed {
        done,
        total: 852,
        eta_s: Some(eta_s),
    };
    deliver(&mut window, read(400, 3.0));
    assert_eq!(state(&window).training.stage, Stage::Encoding);
    deliver(&mut window, read(852, 0.0));
    assert_eq!(state(&window).training.stage, Stage::Training);
    // The time estimate of embedding is over; there is none for training yet.
    assert_eq!(state(&window).training.seconds_left(), None);
    shows(&window, "first epoch");
    shows(&window, "Prepared 852 texts");
    deliver(
        &mut window,
        train::Event::Epoch(Epoch {
            epoch: 3,
            epochs: 4,
            loss: 1.0,
            train: BatchFigures::default(),
            val: None,
            eta_s: 0.0,
        }),
    );
    shows(&window, "epoch 4 of at most 4");
    deliver(&mut window, read(400, 3.0));
    assert_eq!(state(&window).training.stage, Stage::Training);
    assert_eq!(state(&window).training.seconds_left(), Some(3.0));
    shows(&window, "preparing the texts again, 400 of 852");
    deliver(&mut window, read(852, 0.0));
    shows(&window, "epoch 4 of at most 4");
}

#[test]
fn pace_is_stored_per_effort() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    for (effort, train_s) in [
        (Effort::Quick, 1.0),
        (Effort::Balanced, 2.0),
        (Effort::Thorough, 400.0),
    ] {
        let state = &mut window.state_mut().state;
        let reading = state.shell.preferences.pace.reading;
        assert_eq!(reading.is_some(), effort == Effort::Thorough);
        state.training.stage = Stage::Training;
        state.project.models.pending = Some(Pending {
            name: "none".to_owned(),
            effort,
            edits: 0,
        });
        let report = Report {
            train_rows: 100,
            epochs: 4,
            fresh_texts: 500,
            embed_s: 5.0,
            train_s,
            ..report()
        };
        deliver(
            &mut window,
            train::Event::Finished {
                report: Box::new(report),
            },
        );
    }
    let pace = state(&window).shell.preferences.pace;
    assert_eq!(pace.quick, Some(400.0));
    assert_eq!(pace.balanced, Some(200.0));
    // Data sets this small are trained on twice.
    assert_eq!(pace.thorough, Some(2.0));
    assert_eq!(pace.reading, Some(100.0));
}

#[test]
fn killed_training_can_be_resumed() {
    let data = tempdir().unwrap();
    let engine = scripted(
        data.path(),
        "case \"$*\" in\n*--resume*) exec REAL \"$@\" ;;\nesac\nexec PLAY die 0.01 \"$@\"\n",
    );
    let mut window = open(engine);
    fill(&mut window, 3, &desk());
    train(&mut window);
    shows(&window, "The training process was killed");
    shows(
        &window,
        "Choose Continue to resume from the last checkpoint",
    );
    control(&window, "Copy report").click();
    window.step();
    let report = copied(&window);
    assert!(
        report.contains("about to be killed") && report.contains('9'),
        "{report}"
    );
    press(&mut window, "Continue");
    until(&mut window, "done", ended);
    assert_eq!(
        state(&window).training.stage,
        Stage::Done,
        "{:?}",
        state(&window).training.error
    );
    assert!(state(&window).project.models.current.is_some());
}

#[test]
fn training_interrupted_by_closing_window_resumes_in_next_window() {
    let data = tempdir().unwrap();
    let mut window = small("spin", data.path());
    press(&mut window, "Train");
    until(&mut window, "some rounds", learning);
    until(&mut window, "saved", |state| {
        state.project.saved == nearsay_app::state::Saved::Yes
    });
    window.state_mut().finish();
    drop(window);
    let mut window = open(real(data.path()));
    settle(&mut window);
    tell(&mut window, Command::Show(Page::Train));
    shows(&window, "Training was interrupted");
    press(&mut window, "Continue");
    until(&mut window, "done", ended);
    assert_eq!(
        state(&window).training.stage,
        Stage::Done,
        "{:?}",
        state(&window).training.error
    );
}

#[test]
fn failure_shows_cause_and_remedy() {
    let data = tempdir().unwrap();
    let mut window = small("fail", data.path());
    press(&mut window, "Train");
    until(&mut window, "failed, with its last words", |state| {
        state
            .training
            .error
            .as_ref()
            .is_some_and(|error| !error.detail.is_empty())
    });
    shows(&window, "The disk is full");
    shows(&window, "Free some space, then train again");
    shows(&window, "Training did not finish");
    let error = state(&window).training.error.clone().unwrap();
    assert!(error.detail.contains("something about the disk"));
    press(&mut window, "Copy report");
    shows_message(&window, "Report copied");
    control(&window, "Train again");
}

#[test]
fn missing_engine_shows_error() {
    let data = tempdir().unwrap();
    let mut window = open(Engine {
        program: "/no/such/program".into(),
        ..real(data.path())
    });
    fill(&mut window, 1, &dozen());
    train(&mut window);
    assert_eq!(state(&window).training.stage, Stage::Failed);
    shows(&window, "The training process could not be started");
}

#[test]
fn stop_before_first_epoch_shows_nothing_was_kept() {
    let data = tempdir().unwrap();
    let mut window = small("mute", data.path());
    press(&mut window, "Train");
    press(&mut window, "Stop and keep the best model");
    until(&mut window, "ended", ended);
    shows(&window, "Training was stopped before it had a result");
    assert!(!state(&window).training.can_go_on);
    assert!(!is_shown(&window, "Continue"));
}

#[test]
fn model_download_shows_progress() {
    let data = tempdir().unwrap();
    let mut window = small("fetch", data.path());
    press(&mut window, "Train");
    until(&mut window, "fetching", |state| {
        state.training.stage == Stage::Downloading
    });
    until(&mut window, "some rounds", learning);
    shows(&window, "Downloaded the language model");
    assert_eq!(
        state(&window).training.fetch.as_ref().unwrap().source,
        "the model hub"
    );
}

#[test]
fn closing_keeps_best_model_of_running_training() {
    let data = tempdir().unwrap();
    let mut window = small("spin", data.path());
    press(&mut window, "Train");
    until(&mut window, "some rounds", learning);
    // Before another frame, in which training might finish.
    let ctx = window.ctx.clone();
    window.state_mut().apply(&ctx, Command::Close);
    assert!(state(&window).shell.closing && state(&window).training.stopping);
    shows_message(&window, "Saving the best model before closing");
    until(&mut window, "stopped", ended);
    let models = state(&window).project.models_dir().unwrap();
    assert!(models.join("1/nearsay.json").is_file());
}

#[test]
fn opening_another_project_is_refused_during_training() {
    let data = tempdir().unwrap();
    let mut window = small("spin", data.path());
    press(&mut window, "Train");
    until(&mut window, "some rounds", learning);
    let dir = state(&window).project.dir.clone();
    tell(&mut window, Command::NewProject);
    tell(&mut window, Command::OpenSample);
    shows_message(&window, "Training is running");
    assert_eq!(state(&window).project.dir, dir);
    assert!(state(&window).training.is_running());
}

#[test]
fn unreadable_new_model_keeps_old_model_answering() {
    let data = tempdir().unwrap();
    let mut window = open(scripted(data.path(), "exec REAL \"$@\"\n"));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let current = state(&window).project.models.current.clone().unwrap();
    let asked = state(&window).training.checking.now().unwrap().tally();
    script(
        &data.path().join("engine.sh"),
        "exec PLAY spin 0.01 \"$@\"\n",
    );
    tell(&mut window, Command::StartTraining);
    until(&mut window, "some rounds", learning);
    press(&mut window, "Stop and keep the best model");
    until(&mut window, "ended", ended);
    assert_eq!(state(&window).training.stage, Stage::Failed);
    assert!(state(&window).training.error.is_some());
    assert_eq!(state(&window).project.models.current, Some(current));
    ask(&mut window, "How do I order a card?");
    until(&mut window, "answered by the old model", |state| {
        state
            .ask
            .reply
            .as_ref()
            .is_some_and(|reply| reply.side == Side::After)
    });
    until(&mut window, "its own figures again", |state| {
        state.training.checking.now().map(Check::tally) == Some(asked)
    });
}

/// A report of a model that answers this fraction of 60 questions right, instead of `before`.
fn measured(before: f32, after: f32, difference: Difference) -> Report {
    let figures = |recall_1| PoolFigures {
        questions: 60,
        pool: 20,
        recall_1,
        recall_5: recall_1,
        ..PoolFigures::default()
    };
    Report {
        known_answers: Some(Comparison {
            before: figures(before),
            after: figures(after),
            difference: Some(difference),
        }),
        difference: Some(difference),
        compared_with: ComparedWith::Previous,
        ..report()
    }
}

/// Finishes a training run with this report. The window has the evaluation of the current model for the new one's.
fn finished(window: &mut Window, name: &str, report: Report) {
    let check = state(window)
        .training
        .checking
        .now()
        .cloned()
        .unwrap_or_default();
    let dir = state(window).project.models_dir();
    let revision = state(window).project.revision;
    let state = &mut window.state_mut().state;
    state.training.stage = Stage::Training;
    state.project.models.next += 1;
    state.project.models.pending = Some(Pending {
        name: name.to_owned(),
        effort: Effort::Quick,
        edits: 0,
    });
    let finished = Event::Training {
        at_s: 1.0,
        event: train::Event::Finished {
            report: Box::new(report),
        },
    };
    let checked = Event::Answers(AnswersEvent::Checked {
        side: Side::After,
        revision,
        dir: dir.map(|dir| dir.join(name)),
        check: Box::new(check),
    });
    let ctx = window.ctx.clone();
    // Both in one frame, before the worker's own evaluation arrives.
    for event in [finished, checked] {
        window.state_mut().apply_event(&ctx, event);
    }
    window.run_steps(4);
}

#[test]
fn worse_model_is_rejected_but_offered() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let models = state(&window).project.models_dir().unwrap();
    copy_folder(&models.join("1"), &models.join("2")).unwrap();
    let good = state(&window).training.checking.now().unwrap().clone();
    finished(&mut window, "2", measured(0.8, 0.0, Difference::Worse));
    let current = |window: &Window| state(window).project.models.current.clone().unwrap().name;
    assert_eq!(current(&window), "1");
    assert!(!state(&window).training.outcome.unwrap().kept);
    shows(
        &window,
        "Training didn’t help (right answer first: 0 of 100 questions, instead of",
    );
    shows(&window, "The previous model is kept");
    assert!(!is_shown(&window, "Try it in Ask"));
    // The figures are again those of the current model.
    until(&mut window, "checked again", |state| {
        state.training.checking.now().map(Check::tally) == Some(good.tally())
    });
    press(&mut window, "Use the new model anyway");
    assert_eq!(current(&window), "2");
    settle(&mut window);
    ask(&mut window, "How do I order a card?");
    assert_eq!(state(&window).ask.reply.as_ref().unwrap().side, Side::After);
}

#[test]
fn first_model_worse_than_base_encoder_is_rejected() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    let before = state(&window).training.checking.now().unwrap().clone();
    assert!(before.tally().first > 0);
    train(&mut window);
    settle(&mut window);
    window.state_mut().state.project.models = Models::default();
    finished(&mut window, "1", measured(0.8, 0.0, Difference::Worse));
    assert!(state(&window).project.models.current.is_none());
    shows(
        &window,
        "Training didn’t help (right answer first: 0 of 100 questions, instead of",
    );
    until(&mut window, "the figures of what answers", |state| {
        state.training.checking.now().map(Check::tally) == Some(before.tally())
    });
    ask(&mut window, "How do I order a card?");
    assert_eq!(
        state(&window).ask.reply.as_ref().unwrap().side,
        Side::Before
    );
}

#[test]
fn equally_good_model_replaces_last() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let models = state(&window).project.models_dir().unwrap();
    copy_folder(&models.join("1"), &models.join("2")).unwrap();
    finished(
        &mut window,
        "2",
        measured(0.8, 0.7, Difference::NotMeasurable),
    );
    assert_eq!(
        state(&window).project.models.current.as_ref().unwrap().name,
        "2"
    );
    shows(&window, "No measurable difference");
    press(&mut window, "Use the previous model");
    assert_eq!(
        state(&window).project.models.current.as_ref().unwrap().name,
        "1"
    );
}

#[test]
fn old_models_are_deleted_from_disk() {
    let data = tempdir().unwrap();
    let mut window = open(real(data.path()));
    fill(&mut window, 3, &desk());
    train(&mut window);
    settle(&mut window);
    let models = state(&window).project.models_dir().unwrap();
    assert!(models.join("1.outcomes.jsonl").is_file());
    for name in ["2", "3", "4", "5"] {
        copy_folder(&models.join("1"), &models.join(name)).unwrap();
        finished(&mut window, name, measured(0.7, 0.8, Difference::Better));
    }
    until(&mut window, "the first is gone", |_| {
        !models.join("1").exists() && !models.join("1.outcomes.jsonl").exists()
    });
    let left: Vec<String> = state(&window)
        .project
        .models
        .earlier
        .iter()
        .map(|model| model.name.clone())
        .collect();
    assert_eq!(left, ["4", "3", "2"]);
    for name in ["2", "3", "4", "5"] {
        assert!(models.join(name).join("nearsay.json").is_file());
    }
    // The figures of all trainings are listed; the models that are left can be used again.
    tell(&mut window, Command::Show(Page::Train));
    assert_eq!(state(&window).project.models.history().len(), 5);
    shows(&window, "Trainings");
    let oldest = state(&window).project.models.earlier[2].made_s;
    let date = nearsay_app::text::results::date(oldest);
    tell(&mut window, Command::RestoreModel("2".to_owned()));
    let current = state(&window).project.models.current.as_ref();
    assert_eq!(current.unwrap().name, "2", "trained at {date}");
}
