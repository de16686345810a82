//! A few pictures of the window, compared with those in `snapshots/`.
//!
//! They are drawn by Mesa's lavapipe, since every graphics card draws a little differently. So they
//! are compared only where `NEARSAY_PICTURES` is set, as CI does; `UPDATE_SNAPSHOTS=1` makes them anew.

mod common;

use common::{Window, begin, drop_on, file, open_drawn, real, settle, stand_out, tell, until};
use nearsay_app::{
    command::Command,
    state::{Appearance, Overlay, Saved, Step},
};
use tempfile::{TempDir, tempdir};

/// A drawn window, or nothing where pictures are not compared.
fn drawn() -> Option<(Window, TempDir)> {
    if std::env::var_os("NEARSAY_PICTURES").is_none() {
        eprintln!("*** pictures of the window are NOT compared: NEARSAY_PICTURES is not set ***");
        return None;
    }
    let folder = match tempdir() {
        Ok(folder) => folder,
        Err(error) => panic!("no temporary folder: {error}"),
    };
    Some((open_drawn(real(folder.path())), folder))
}

/// Nothing moves any more.
fn at_rest(window: &mut Window) {
    until(window, "all is there", |state| {
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
fn the_first_start() {
    let Some((mut window, _folder)) = drawn() else {
        return;
    };
    tell(&mut window, Command::SetAppearance(Appearance::Light));
    at_rest(&mut window);
    // The cursor in the box blinks.
    let focused = window.ctx.memory(egui::Memory::focused).unwrap();
    window
        .ctx
        .memory_mut(|memory| memory.surrender_focus(focused));
    settle(&mut window);
    window.snapshot("first-start-light");
}

#[test]
fn a_file_with_problems_in_both_looks() {
    let Some((mut window, folder)) = drawn() else {
        return;
    };
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
    tell(&mut window, Command::Show(Step::Data));
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
fn settings_over_an_export() {
    let Some((mut window, _folder)) = drawn() else {
        return;
    };
    tell(&mut window, Command::SetAppearance(Appearance::Dark));
    tell(&mut window, Command::Show(Step::Export));
    at_rest(&mut window);
    window.snapshot("export-dark");
    tell(&mut window, Command::Overlay(Overlay::Help));
    settle(&mut window);
    window.snapshot("help-dark");
}

#[test]
fn how_to_train() {
    let Some((mut window, _folder)) = drawn() else {
        return;
    };
    tell(&mut window, Command::SetAppearance(Appearance::Light));
    tell(&mut window, Command::Show(Step::Train));
    until(&mut window, "the machine was tried", |state| {
        state.shell.preferences.pace.guess.is_some()
    });
    // Two cores of a server, on every machine.
    window.state_mut().state.shell.preferences.pace.guess = Some(175.0);
    at_rest(&mut window);
    window.snapshot("train-light");
}

#[test]
fn what_stands_out() {
    let Some((mut window, _folder)) = drawn() else {
        return;
    };
    tell(&mut window, Command::Show(Step::Train));
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
