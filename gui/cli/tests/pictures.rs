//! Pictures of the window, compared with those in `snapshots/`.
//!
//! Graphics cards render slightly differently, so the reference pictures come from Mesa's software
//! renderer, lavapipe, and these tests run only with `--include-ignored`. `UPDATE_SNAPSHOTS=1`
//! updates the pictures.

mod common;

use common::{Window, begin, drop_on, file, open_drawn, real, settle, stand_out, tell, until};
use nearsay_app::{
    command::Command,
    state::{Appearance, Overlay, Page, Saved},
};
use tempfile::{TempDir, tempdir};

/// A rendered window and its data directory.
fn drawn() -> (Window, TempDir) {
    let folder = match tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("no temporary directory: {error}"),
    };
    (open_drawn(real(folder.path())), folder)
}

/// Draws until nothing changes any more.
fn at_rest(window: &mut Window) {
    until(window, "everything is up to date", |state| {
        let now = state.project.revision;
        state.project.saved == Saved::Yes
            && state.data.listing.revision == now
            && state.data.review.revision == now
            && state.ask.ready == Some(now)
            && state.training.checking.revision == now
    });
    settle(window);
}

#[test]
#[ignore = "needs lavapipe"]
fn first_start() {
    let (mut window, _folder) = drawn();
    tell(&mut window, Command::SetAppearance(Appearance::Light));
    at_rest(&mut window);
    // Without focus, no cursor blinks.
    let focused = window.ctx.memory(egui::Memory::focused).unwrap();
    window
        .ctx
        .memory_mut(|memory| memory.surrender_focus(focused));
    settle(&mut window);
    window.snapshot("first-start-light");
}

#[test]
#[ignore = "needs lavapipe"]
fn data_step_with_row_issues_light_and_dark() {
    let (mut window, folder) = drawn();
    let path = folder.path().join("opening-hours.csv");
    let rows: String = (1..=14)
        .map(|n| format!("Is room {n} open?,\"Room {n} is open from {n} o'clock\",Rooms\n"))
        .collect();
    file(
        &path,
        &format!("question,answer,topic\n{rows}When is the garden open?,,Garden\n"),
    );
    begin(&mut window, 1);
    tell(&mut window, Command::Rename("Opening hours".to_owned()));
    tell(&mut window, Command::Show(Page::Data));
    drop_on(&mut window, &path);
    until(&mut window, "the file is read", |state| {
        state.project.counts.answers == 14
    });
    for (appearance, name) in [
        (Appearance::Light, "data-light"),
        (Appearance::Dark, "data-dark"),
    ] {
        tell(&mut window, Command::SetAppearance(appearance));
        at_rest(&mut window);
        window.snapshot(name);
    }
}

#[test]
#[ignore = "needs lavapipe"]
fn export_step_and_help_dark() {
    let (mut window, _folder) = drawn();
    tell(&mut window, Command::SetAppearance(Appearance::Dark));
    tell(&mut window, Command::Show(Page::Export));
    at_rest(&mut window);
    window.snapshot("export-dark");
    tell(&mut window, Command::Overlay(Overlay::Help));
    settle(&mut window);
    window.snapshot("help-dark");
}

#[test]
#[ignore = "needs lavapipe"]
fn train_step_light() {
    let (mut window, _folder) = drawn();
    tell(&mut window, Command::SetAppearance(Appearance::Light));
    tell(&mut window, Command::Show(Page::Train));
    until(&mut window, "the machine was tried", |state| {
        state.shell.preferences.pace.guess.is_some()
    });
    // The same pace on every machine.
    window.state_mut().state.shell.preferences.pace.guess = Some(175.0);
    at_rest(&mut window);
    window.snapshot("train-light");
}

#[test]
#[ignore = "needs lavapipe"]
fn train_step_with_findings_light_and_dark() {
    let (mut window, _folder) = drawn();
    tell(&mut window, Command::Show(Page::Train));
    until(&mut window, "the machine was tried", |state| {
        state.shell.preferences.pace.guess.is_some()
    });
    window.state_mut().state.shell.preferences.pace.guess = Some(175.0);
    at_rest(&mut window);
    stand_out(&mut window);
    for (appearance, name) in [
        (Appearance::Light, "train-findings-light"),
        (Appearance::Dark, "train-findings-dark"),
    ] {
        tell(&mut window, Command::SetAppearance(appearance));
        settle(&mut window);
        window.snapshot(name);
    }
}
