//! Preferences of the user, saved after each change.

use crate::{
    state::{Appearance, State},
    text,
    worker::Workers,
};
use nearsay_project::Preferences;

pub(super) fn set_appearance(
    state: &mut State,
    workers: &Workers,
    ctx: &egui::Context,
    appearance: Appearance,
) {
    state.shell.preferences.appearance = appearance;
    ctx.set_theme(crate::theme::preference(appearance));
    save(state, workers);
}

pub(super) fn set_text_size(state: &mut State, workers: &Workers, ctx: &egui::Context, size: u16) {
    state.shell.preferences.text_size = size;
    ctx.set_zoom_factor(f32::from(size) / 100.0);
    save(state, workers);
}

pub(super) fn change_text_size(
    state: &mut State,
    workers: &Workers,
    ctx: &egui::Context,
    steps: i8,
) {
    let now = state.shell.preferences.text_size;
    let sizes = Preferences::SIZES;
    let place = sizes.iter().position(|size| *size >= now).unwrap_or(2);
    let next = match steps {
        0 => Some(&100),
        steps => sizes.get(place.saturating_add_signed(isize::from(steps))),
    };
    if let Some(size) = next {
        set_text_size(state, workers, ctx, *size);
    }
}

/// Saves the preferences. Losing them doesn't justify interrupting the user, so errors are only logged.
pub(super) fn save(state: &mut State, workers: &Workers) {
    if let Err(error) = workers.save_preferences(state.shell.preferences.clone()) {
        tracing::warn!(%error, "cannot save the preferences");
    }
}

/// Puts the project first among the recent ones, and its name in the window title.
pub(super) fn remember_project(state: &mut State, workers: &Workers, ctx: &egui::Context) {
    let name = state.project.name().to_owned();
    ctx.send_viewport_cmd(egui::ViewportCommand::Title(text::shell::title(&name)));
    if let Some(dir) = state.project.dir.clone() {
        state.shell.preferences.add_recent(&dir, &name);
        save(state, workers);
    }
}
