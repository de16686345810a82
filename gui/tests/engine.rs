//! The jobs for real: children are started, heard, stopped, killed and asked.
#![cfg(unix)]

mod common;

use std::time::{Duration, Instant};

use common::{shows, tell, until, window_with_data, window_with_engine};
use egui::{Key, OutputCommand};
use egui_kittest::{Harness, kittest::Queryable as _};
use nearsay::{
    app::App,
    command::Command,
    state::{AskPhase, Stage, Step},
};
use tempfile::tempdir;

fn ended(app: &App) -> bool {
    !app.state.training.is_running()
}

#[test]
fn a_training_runs_to_its_end() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("fetch", &folder);
    tell(&mut harness, Command::Train);
    assert!(harness.state().state.training.is_running());
    until(&mut harness, "training done", ended);
    let training = &harness.state().state.training;
    assert_eq!(training.stage, Stage::Done);
    assert_eq!(training.rounds.len(), 40);
    assert_eq!(training.best, Some(28));
    assert!(training.fetch.is_some() && training.texts.is_some());
    assert_eq!(training.outcome.as_ref().unwrap().held_out, 122);
    assert!(folder.path().join("model/nearsay.json").is_file());
}

#[test]
fn stop_is_seen_at_once_and_keeps_the_best() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("spin", &folder);
    tell(&mut harness, Command::Train);
    until(&mut harness, "some rounds", |app| {
        app.state.training.rounds.len() > 2
    });
    harness.get_by_label("Stop and keep the best").click();
    harness.run_steps(2);
    if !ended(harness.state()) {
        shows(&harness, "Stopping…");
    }
    until(&mut harness, "stopped", ended);
    let training = &harness.state().state.training;
    assert_eq!(training.stage, Stage::Done);
    assert!(training.rounds.len() < 4000);
}

#[test]
fn pause_waits_and_resume_goes_on() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("spin", &folder);
    tell(&mut harness, Command::Train);
    until(&mut harness, "some rounds", |app| {
        app.state.training.rounds.len() > 2
    });
    tell(&mut harness, Command::Pause(true));
    // The round that was under way when the word came is still finished.
    let settle = Instant::now();
    until(&mut harness, "settled", |_| {
        settle.elapsed() > Duration::from_millis(500)
    });
    let rounds = harness.state().state.training.rounds.len();
    let wait = Instant::now();
    until(&mut harness, "waited", |_| {
        wait.elapsed() > Duration::from_millis(300)
    });
    assert_eq!(harness.state().state.training.rounds.len(), rounds);
    tell(&mut harness, Command::Pause(false));
    until(&mut harness, "more rounds", |app| {
        app.state.training.rounds.len() > rounds
    });
    tell(&mut harness, Command::Stop);
    until(&mut harness, "stopped", ended);
}

#[test]
fn who_does_not_stop_is_ended() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("deaf", &folder);
    tell(&mut harness, Command::Train);
    until(&mut harness, "some rounds", |app| {
        app.state.training.rounds.len() > 2
    });
    let since = Instant::now();
    tell(&mut harness, Command::Stop);
    until(&mut harness, "ended", ended);
    assert!(since.elapsed() < Duration::from_secs(5));
    assert_eq!(harness.state().state.training.stage, Stage::Failed);
    harness.get_by_label("Go on");
}

#[test]
fn a_killed_training_can_go_on() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("die", &folder);
    tell(&mut harness, Command::Train);
    until(&mut harness, "died", ended);
    shows(&harness, "The training was ended from outside");
    harness.get_by_label("Copy report").click();
    harness.step();
    let copied = copied(&harness);
    assert!(
        copied.contains("about to be killed") && copied.contains('9'),
        "{copied}"
    );
    harness.get_by_label("Go on").click();
    harness.run_steps(2);
    until(&mut harness, "done", ended);
    assert_eq!(harness.state().state.training.stage, Stage::Done);
}

#[test]
fn a_failure_tells_cause_and_remedy() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("fail", &folder);
    tell(&mut harness, Command::Train);
    until(&mut harness, "failed", |app| {
        app.state
            .training
            .trouble
            .as_ref()
            .is_some_and(|trouble| !trouble.detail.is_empty())
    });
    shows(&harness, "The disk is full");
    harness.get_by_label("Free some space, then train again");
    let trouble = harness.state().state.training.trouble.clone().unwrap();
    assert!(trouble.detail.contains("something about the disk"));
}

#[test]
fn an_engine_that_is_not_there_is_told() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_engine("good", &folder, |engine| {
        engine.program = "/no/such/program".into()
    });
    tell(&mut harness, Command::Train);
    assert_eq!(harness.state().state.training.stage, Stage::Failed);
    shows(
        &harness,
        "I could not start the part of Nearsay that does the work",
    );
}

#[test]
fn stopping_before_the_first_round_is_told() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("mute", &folder);
    tell(&mut harness, Command::Train);
    tell(&mut harness, Command::Stop);
    until(&mut harness, "ended", ended);
    shows(&harness, "Stopped before there was anything to keep");
    assert!(!harness.state().state.training.can_go_on);
}

fn copied(harness: &Harness<'_, App>) -> String {
    let commands = &harness.output().platform_output.commands;
    let texts = commands.iter().filter_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn asking(folder: &tempfile::TempDir) -> Harness<'static, App> {
    let mut harness = window_with_data("good", folder);
    if let Some(set) = &mut harness.state_mut().state.data.set {
        set.trained_before = true;
    }
    tell(&mut harness, Command::Show(Step::Ask));
    assert_eq!(harness.state().state.ask.phase, AskPhase::On);
    harness
}

#[test]
fn typing_finds_answers_and_enter_copies_the_first() {
    let folder = tempdir().unwrap();
    let mut harness = asking(&folder);
    assert!(harness.get_by_label("Ask a question").is_focused());
    harness
        .get_by_label("Ask a question")
        .type_text("lost my card");
    harness.run_steps(2);
    until(&mut harness, "answered", |app| {
        app.state.ask.reply.is_some()
    });
    assert_eq!(
        harness.state().state.ask.reply.as_ref().unwrap().question,
        "lost my card"
    );
    harness.get_by_label("Sure");
    harness.get_by_label("match 93 of 100");
    harness.get_by_label("Copy answer 2");
    harness.key_down(Key::Enter);
    harness.step();
    assert!(
        copied(&harness).starts_with("Tell us at once"),
        "{}",
        copied(&harness)
    );
    harness.run_steps(2);
    harness.get_by_label("Answer copied");
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().state.ask.query.is_empty());
    assert!(harness.get_by_label("Ask a question").is_focused());
}

#[test]
fn the_newest_question_wins() {
    let folder = tempdir().unwrap();
    let mut harness = asking(&folder);
    for query in ["fail", "odd", "odd on\ne"] {
        tell(&mut harness, Command::Query(query.to_owned()));
    }
    until(&mut harness, "answered", |app| {
        app.state.ask.reply.is_some()
    });
    let reply = harness.state().state.ask.reply.clone().unwrap();
    assert_eq!(reply.question, "odd on e");
    assert!(harness.state().state.ask.trouble.is_none());
    shows(&harness, "I have no good answer");
    harness.get_by_label("Unsure");
}

#[test]
fn examples_come_from_the_data_and_can_be_clicked() {
    let folder = tempdir().unwrap();
    let mut harness = asking(&folder);
    let examples: Vec<String> = harness
        .state()
        .state
        .data
        .set
        .as_ref()
        .unwrap()
        .examples()
        .iter()
        .map(|&question| question.to_owned())
        .collect();
    assert_eq!(examples.len(), 3);
    harness.get_by_label(&examples[1]).click();
    harness.run_steps(2);
    assert_eq!(harness.state().state.ask.query, examples[1]);
    until(&mut harness, "answered", |app| {
        app.state.ask.reply.is_some()
    });
}

#[test]
fn who_stops_answering_is_started_again() {
    let folder = tempdir().unwrap();
    let mut harness = asking(&folder);
    tell(&mut harness, Command::Query("die".to_owned()));
    until(&mut harness, "ended", |app| {
        app.state.ask.phase == AskPhase::Ended
    });
    shows(&harness, "The model stopped answering");
    tell(&mut harness, Command::Query("good".to_owned()));
    harness.get_by_label("Try again").click();
    harness.run_steps(2);
    until(&mut harness, "answered", |app| {
        app.state.ask.reply.is_some()
    });
}

#[test]
fn closing_lets_a_training_keep_its_best_first() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("spin", &folder);
    tell(&mut harness, Command::Train);
    until(&mut harness, "some rounds", |app| {
        app.state.training.rounds.len() > 2
    });
    tell(&mut harness, Command::Close);
    assert!(harness.state().state.closing && harness.state().state.training.stopping);
    until(&mut harness, "stopped", ended);
    assert!(folder.path().join("model/nearsay.json").is_file());
}
