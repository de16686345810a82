//! Files dropped on the window.

use std::path::{Path, PathBuf};

use egui::{Align2, Color32, Id, LayerId, Order, Stroke, StrokeKind, TextStyle, Ui, vec2};

use super::Commands;
use crate::{
    command::Command,
    state::{DropPlan, State},
    text, theme,
};
use nearsay_project::files::OpenKind;

pub(super) fn show(ui: &Ui, state: &State, commands: &mut Commands) {
    let dropped: Vec<PathBuf> = ui.input(|input| {
        input
            .raw
            .dropped_files
            .iter()
            .map(|file| file.path().to_path_buf())
            .collect()
    });
    if !dropped.is_empty() {
        commands.push(Command::Drop(dropped));
    }
    let hovered: Option<Vec<PathBuf>> = ui.input(|input| {
        let files = &input.raw.hovered_files;
        (!files.is_empty()).then(|| files.iter().filter_map(|file| file.path.clone()).collect())
    });
    if let Some(hovered) = hovered {
        let paths: Vec<&Path> = hovered.iter().map(PathBuf::as_path).collect();
        let plan = DropPlan::of(OpenKind::of(&paths), paths.len(), state);
        promise(ui, &text::shell::drop_promise(&paths, plan, &state.project));
    }
}

/// Covers the window with the effect of dropping the files.
fn promise(ui: &Ui, (headline, below): &(String, String)) {
    let palette = theme::palette(ui);
    let painter = ui
        .ctx()
        .layer_painter(LayerId::new(Order::Foreground, Id::unique("drop")));
    let screen = ui.ctx().content_rect();
    let ground = palette.ground;
    painter.rect_filled(
        screen,
        0.0,
        Color32::from_rgba_unmultiplied(ground.r(), ground.g(), ground.b(), 252),
    );
    let frame = screen.shrink(24.0);
    painter.rect_filled(
        frame,
        theme::CARD_RADIUS,
        palette.accent_ground.gamma_multiply(0.6),
    );
    painter.rect_stroke(
        frame,
        theme::CARD_RADIUS,
        Stroke::new(2.0, palette.accent),
        StrokeKind::Inside,
    );
    let font = |style: TextStyle| style.resolve(ui.style());
    let centre = screen.center();
    painter.text(
        centre - vec2(0.0, 14.0),
        Align2::CENTER_CENTER,
        headline,
        font(TextStyle::Heading),
        palette.ink,
    );
    painter.text(
        centre + vec2(0.0, 16.0),
        Align2::CENTER_CENTER,
        below,
        font(TextStyle::Body),
        palette.weak,
    );
}
