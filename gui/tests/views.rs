//! What the window shows, by the names a screen reader would say.

mod common;

use std::{path::Path, sync::Arc};

use common::{FakeDialog, shows, small_set, tell, until, window, window_with_data};
use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use nearsay::{
    app::App,
    command::Command,
    job::{Event, TrainEvent},
    state::{Dataset, Problem, ProblemKind, Stage, Step, Trouble},
};
use tempfile::tempdir;

fn train_event(json: &str) -> TrainEvent {
    match serde_json::from_str(json) {
        Ok(event) => event,
        Err(error) => panic!("{json}: {error}"),
    }
}

/// Feeds events of a training as if its child had said them.
fn hear(harness: &mut Harness<'_, App>, at_s: f64, json: &str) {
    tell(
        harness,
        Command::Happened(Event::Training {
            at_s,
            event: train_event(json),
        }),
    );
}

#[test]
fn an_empty_window_asks_for_a_file() {
    let folder = tempdir().unwrap();
    let mut harness = window("good", &folder, FakeDialog(None));
    harness.run();
    harness.get_by_label("Choose file…");
    harness.get_by_label("Drop your FAQ file here");
    harness.get_by_label("Path of the file");
    harness.get_by_label("Data, no file yet");
}

#[test]
fn a_cancelled_dialog_offers_to_type_the_path() {
    let folder = tempdir().unwrap();
    let mut harness = window("good", &folder, FakeDialog(None));
    harness.run();
    harness.get_by_label("Choose file…").click();
    harness.step();
    until(&mut harness, "dialog closed", |app| {
        !app.state.data.dialog_open && app.state.message.is_some()
    });
    assert!(harness.state().state.data.path_offered);
    shows(&harness, "type where the file is");
}

#[test]
fn a_picked_file_is_read_and_reported() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("faq.jsonl");
    let rows: String = (0..10)
        .map(|n| format!("{{\"question\":\"What is {n}?\",\"answer\":\"It is {n}\"}}\n"))
        .collect();
    #[allow(clippy::disallowed_methods, reason = "a fixture")]
    std::fs::write(&file, format!("{rows}{{\"question\":\"Nothing?\"}}\n")).unwrap();
    let mut harness = window("good", &folder, FakeDialog(Some(file)));
    harness.run();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::O);
    harness.step();
    until(&mut harness, "file read", |app| {
        app.state.data.set.is_some()
    });
    harness.get_by_label("10 read");
    harness.get_by_label("1 left out");
    harness.get_by_label("line 11");
    harness.get_by_label("Data, 10 questions");
    harness.get_by_label("What is 3?");
    harness.get_by_label("Train with this data");
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempdir().unwrap();
    let mut harness = window("good", &folder, FakeDialog(None));
    tell(
        &mut harness,
        Command::Open(folder.path().join("gone.jsonl")),
    );
    until(&mut harness, "trouble", |app| {
        app.state.data.trouble.is_some()
    });
    shows(&harness, "I cannot open gone.jsonl");
    tell(&mut harness, Command::Open(folder.path().to_path_buf()));
    until(&mut harness, "trouble", |app| {
        app.state
            .data
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble.what.contains("is not a file"))
    });
    harness.get_by_label("Hide").click();
    harness.run();
    assert!(harness.query_by_label("Hide").is_none());
}

#[derive(Debug)]
struct Dropped(std::path::PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("read by path".to_owned())
    }
}

#[test]
fn a_drop_opens_what_can_be_read_and_names_what_cannot() {
    let folder = tempdir().unwrap();
    let mut harness = window("good", &folder, FakeDialog(None));
    harness.run();
    harness
        .input_mut()
        .dropped_files
        .push(Arc::new(Dropped(folder.path().join("cat.png"))));
    harness.run_steps(2);
    shows(&harness, "I cannot read cat.png");
    harness.input_mut().dropped_files.clear();
    harness
        .input_mut()
        .dropped_files
        .push(Arc::new(Dropped(folder.path().join("faq.jsonl"))));
    harness.step();
    harness.input_mut().dropped_files.clear();
    until(&mut harness, "read", |app| {
        app.state.data.reading.is_none() && app.state.data.trouble.is_some()
    });
    shows(&harness, "I cannot open faq.jsonl");
}

#[test]
fn too_few_rows_say_why_training_waits() {
    let folder = tempdir().unwrap();
    let mut harness = window("good", &folder, FakeDialog(None));
    let mut set = small_set(folder.path());
    set.rows.truncate(3);
    tell(
        &mut harness,
        Command::Happened(Event::Read(Box::new(Ok(set)))),
    );
    shows(&harness, "3 questions are too few to learn from");
    harness.key_press(Key::F5);
    harness.run_steps(2);
    assert_eq!(harness.state().state.training.stage, Stage::Idle);
}

#[test]
fn rounds_draw_progress_and_their_text_twin() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("mute", &folder);
    harness.get_by_label("Train with this data").click();
    harness.step();
    hear(
        &mut harness,
        1.0,
        r#"{"event":"embed","done":50,"total":100}"#,
    );
    shows(&harness, "50 of 100 texts");
    for epoch in 0..20 {
        let line = format!(
            r#"{{"event":"epoch","epoch":{epoch},"epochs":40,"loss":{},"train":{{"rp@1":0.95}},"val":{{"rp@1":0.88}},"eta_s":80}}"#,
            1.0 / f64::from(epoch + 1)
        );
        hear(&mut harness, 12.0, &line);
    }
    hear(&mut harness, 12.0, r#"{"event":"best","epoch":17}"#);
    shows(
        &harness,
        "right answer first for 88 of 100 questions kept aside and for 95 of 100",
    );
    shows(&harness, "1 to 2 minutes left");
    harness.get_by_label("Stop and keep the best");
    harness.get_by_label("Pause").click();
    harness.run_steps(2);
    harness.get_by_label("Resume");
}

#[test]
fn a_finished_training_tells_before_and_after() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("mute", &folder);
    tell(&mut harness, Command::Train);
    hear(
        &mut harness,
        9.0,
        r#"{"event":"finished","report":{"before":{"recall@1":0.738},"after":{"recall@1":0.907},"held_out":122,"dir":"m"}}"#,
    );
    harness.get_by_label("74");
    harness.get_by_label("91");
    shows(&harness, "of 100 now, give or take 5");
    shows(
        &harness,
        "17 more of 100 questions find their answer at once",
    );
    harness.get_by_label("Train, 74 → 91 of 100");
    harness.get_by_label("Ask it something");
}

#[test]
fn a_gain_within_the_margin_is_called_chance() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("mute", &folder);
    tell(&mut harness, Command::Train);
    hear(
        &mut harness,
        9.0,
        r#"{"event":"finished","report":{"before":{"recall@1":0.4127},"after":{"recall@1":0.4762},"held_out":63}}"#,
    );
    // Seven, as the numbers shown beside it: 41 and 48.
    shows(&harness, "7 more of 100 questions");
    shows(&harness, "may be chance");
}

#[test]
fn a_training_that_did_not_help_says_so() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("mute", &folder);
    tell(&mut harness, Command::Train);
    hear(
        &mut harness,
        9.0,
        r#"{"event":"finished","report":{"before":{"recall@1":0.8},"after":{"recall@1":0.7},"held_out":122}}"#,
    );
    shows(&harness, "Training did not help");
}

#[test]
fn keys_choose_steps() {
    let folder = tempdir().unwrap();
    let mut harness = window_with_data("good", &folder);
    for (key, step) in [
        (Key::Num2, Step::Train),
        (Key::Num3, Step::Ask),
        (Key::Num1, Step::Data),
    ] {
        harness.key_press_modifiers(Modifiers::COMMAND, key);
        harness.run_steps(2);
        assert_eq!(harness.state().state.step, step);
    }
}

/// Whatever can be clicked, typed into or dragged has a name, in every step and state.
fn nothing_is_unnamed(harness: &mut Harness<'_, App>, where_: &str) {
    for step in Step::ALL {
        tell(harness, Command::Show(step));
        let unnamed = harness.unnamed_widgets();
        assert!(unnamed.is_empty(), "{where_}, {step:?}: {unnamed:#?}");
        let acts = [
            Role::Button,
            Role::TextInput,
            Role::RadioButton,
            Role::DisclosureTriangle,
            Role::ProgressIndicator,
        ];
        for node in harness.root().children_recursive() {
            let node = node.accesskit_node();
            let named = node.label().is_some_and(|name| !name.trim().is_empty());
            assert!(
                named || !acts.contains(&node.role()),
                "{where_}, {step:?}: {:?} has no name",
                node.role()
            );
        }
    }
}

#[test]
fn every_control_has_a_name() {
    let folder = tempdir().unwrap();
    let mut harness = window("mute", &folder, FakeDialog(None));
    nothing_is_unnamed(&mut harness, "empty");
    tell(&mut harness, Command::Happened(Event::Picked(None)));
    let mut set = small_set(folder.path());
    set.problems = (0..9)
        .map(|line| Problem {
            kind: [
                ProblemKind::LeftOut,
                ProblemKind::Changed,
                ProblemKind::Note,
            ][line % 3],
            line: (line > 0).then_some(line),
            reason: "no answer".to_owned(),
            fix: "Write one".to_owned(),
            excerpt: "What…".to_owned(),
        })
        .collect();
    tell(
        &mut harness,
        Command::Happened(Event::Read(Box::new(Ok(Dataset {
            trained_before: true,
            ..set
        })))),
    );
    nothing_is_unnamed(&mut harness, "data");
    tell(&mut harness, Command::Train);
    hear(
        &mut harness,
        1.0,
        r#"{"event":"model","done":5,"total":10,"source":"the hub"}"#,
    );
    nothing_is_unnamed(&mut harness, "fetching");
    hear(
        &mut harness,
        1.0,
        r#"{"event":"epoch","epoch":1,"epochs":40,"loss":1.5,"train":{"rp@1":0.9},"val":null,"eta_s":3}"#,
    );
    nothing_is_unnamed(&mut harness, "learning");
    hear(
        &mut harness,
        1.0,
        r#"{"event":"failed","error":"It broke","remedy":"Mend it"}"#,
    );
    let trouble = Trouble::new("What", "Fix").with_detail("Detail");
    harness.state_mut().state.training.trouble = Some(trouble.clone());
    harness.state_mut().state.data.trouble = Some(trouble);
    nothing_is_unnamed(&mut harness, "failed");
}

#[test]
fn large_files_stay_quick() {
    let folder = tempdir().unwrap();
    let mut harness = window("good", &folder, FakeDialog(None));
    let mut set = small_set(folder.path());
    let row = set.rows[0].clone();
    set.rows = (1..=100_000)
        .map(|line| nearsay::state::Row {
            line,
            ..row.clone()
        })
        .collect();
    tell(
        &mut harness,
        Command::Happened(Event::Read(Box::new(Ok(set)))),
    );
    let since = std::time::Instant::now();
    harness.run_steps(20);
    let each = since.elapsed() / 20;
    assert!(each.as_millis() < 100, "{each:?} a frame");
}
