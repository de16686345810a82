//! Steps, overlays, file dialogs and closing the window.

use std::path::{Path, PathBuf};

use super::{ask, open, training};
use crate::{
    state::{DataView, Level, Overlay, Page, Picked, State},
    text,
    worker::Workers,
};

pub(super) fn show_page(state: &mut State, page: Page) {
    if state.page == page {
        // Clicking the current page returns to its first view.
        state.training.mistakes = None;
        state.data.view = DataView::Table;
    }
    state.page = page;
    state.shell.overlay = Overlay::None;
    if page == Page::Ask {
        state.ask.wants_focus = true;
    }
}

pub(super) fn show_overlay(state: &mut State, overlay: Overlay) {
    let same = std::mem::discriminant(&state.shell.overlay) == std::mem::discriminant(&overlay);
    if overlay == Overlay::Messages {
        state.shell.unread = 0;
    }
    state.shell.overlay_is_new |= !same;
    state.shell.overlay = overlay;
}

pub(super) fn show_folder(ctx: &egui::Context, dir: &Path) {
    ctx.open_url(egui::OpenUrl::new_tab(format!("file://{}", dir.display())));
}

pub(super) fn pick_files(state: &mut State, workers: &mut Workers, what: Picked) {
    if state.shell.dialog_open {
        return;
    }
    match workers.pick_files(what) {
        Ok(()) => state.shell.dialog_open = true,
        Err(error) => state.shell.error = Some(error),
    }
}

pub(super) fn use_picked(
    state: &mut State,
    workers: &mut Workers,
    what: Picked,
    paths: Vec<PathBuf>,
) {
    state.shell.dialog_open = false;
    let Some(first) = paths.first().cloned() else {
        // A system without a file dialog returns the same result as Cancel.
        state.shell.no_dialog = true;
        state.say(Level::Info, text::import::NOT_PICKED);
        return;
    };
    match what {
        Picked::Faqs => open::open_files(state, workers, paths),
        Picked::Questions => ask::answer_file(state, workers, first),
        Picked::Folder => {
            state.export.typed_path = first.join(text::export::FOLDER).display().to_string();
            state.export.replaces = None;
        }
        Picked::Project => open::open_folder(state, workers, first),
    }
}

/// Stops a running training before the window closes. A second request closes the window at once.
pub(super) fn close_window(state: &mut State, workers: &mut Workers, ctx: &egui::Context) {
    if !workers.is_training() || state.shell.closing {
        return;
    }
    state.shell.closing = true;
    ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
    training::stop(state, workers);
    state.say(Level::Info, text::shell::CLOSING);
}
