//! An app in a window that nobody sees, with a rehearsed engine.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    future::ready,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use egui::vec2;
use egui_kittest::{Harness, kittest::Queryable as _};
use nearsay::{
    app::App,
    command::Command,
    job::{Engine, Event, FileDialog, Picking},
    state::{Dataset, Row},
    theme,
};
use tempfile::TempDir;

/// A dialog in which somebody picks this, or cancels.
pub struct FakeDialog(pub Option<PathBuf>);

impl FileDialog for FakeDialog {
    fn pick(&mut self) -> Picking {
        Box::pin(ready(self.0.clone()))
    }
}

/// A window of the usual size; the engine plays `mode` of the rehearsal.
pub fn window(mode: &str, folder: &TempDir, dialog: FakeDialog) -> Harness<'static, App> {
    window_with(mode, folder, dialog, |_| {})
}

fn window_with(
    mode: &str,
    folder: &TempDir,
    dialog: FakeDialog,
    change: impl FnOnce(&mut Engine),
) -> Harness<'static, App> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rehearsal.sh");
    let mut engine = Engine {
        program: PathBuf::from("/bin/sh"),
        prefix: vec![script.into(), mode.into(), "0.01".into()],
        data_dir: folder.path().to_path_buf(),
        patience: Duration::from_millis(400),
    };
    change(&mut engine);
    let app = App::new(&egui::Context::default(), engine, Box::new(dialog), None);
    Harness::builder()
        .with_size(vec2(1180.0, 780.0))
        .with_context_setup(theme::install)
        .build_ui_state(
            |ui, app: &mut App| {
                let ctx = ui.ctx().clone();
                app.logic(&ctx);
                app.ui(ui);
            },
            app,
        )
}

/// Does something as if a view or a job had asked for it, and draws.
pub fn tell(harness: &mut Harness<'_, App>, command: Command) {
    let ctx = harness.ctx.clone();
    harness.state_mut().apply(&ctx, command);
    harness.run_steps(2);
}

/// Draws until something is so.
pub fn until(harness: &mut Harness<'_, App>, what: &str, so: impl Fn(&App) -> bool) {
    let since = Instant::now();
    while !so(harness.state()) {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
        harness.step();
    }
    harness.run_steps(2);
}

/// A small FAQ, as if it had been read.
pub fn small_set(folder: &Path) -> Dataset {
    let rows: Vec<Row> = (1..=12)
        .map(|line| Row {
            question: format!("What about number {line}?"),
            further: false,
            answer: format!("Number {line} is fine."),
            line,
            source: None,
        })
        .collect();
    Dataset {
        path: folder.join("small.jsonl"),
        name: "small.jsonl".to_owned(),
        answers: rows.len(),
        read: rows.len(),
        rows,
        model_dir: folder.join("model"),
        ..Dataset::default()
    }
}

/// A window in which that FAQ is open.
pub fn window_with_data(mode: &str, folder: &TempDir) -> Harness<'static, App> {
    window_with_engine(mode, folder, |_| {})
}

/// The same, with an engine of another kind.
pub fn window_with_engine(
    mode: &str,
    folder: &TempDir,
    change: impl FnOnce(&mut Engine),
) -> Harness<'static, App> {
    let mut harness = window_with(mode, folder, FakeDialog(None), change);
    let set = small_set(folder.path());
    tell(
        &mut harness,
        Command::Happened(Event::Read(Box::new(Ok(set)))),
    );
    harness
}

/// The window says this, in one place or several.
pub fn shows(harness: &Harness<'_, App>, what: &str) {
    assert!(
        harness.query_all_by_label_contains(what).next().is_some(),
        "not shown: {what}"
    );
}
