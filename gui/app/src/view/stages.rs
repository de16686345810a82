//! Progress of a training run: a bar, and the stages done and to come.

use egui::{RichText, Sides, Stroke, Ui, vec2};

use super::widget;
use crate::{
    state::{Stage, Training},
    text, theme,
};

const STAGES: [Stage; 4] = [
    Stage::Reading,
    Stage::Downloading,
    Stage::Encoding,
    Stage::Training,
];

pub(super) fn show(ui: &mut Ui, training: &Training, rows: usize) {
    widget::card(ui, |ui| {
        let (share, left) = text::train::how_far(training);
        Sides::new().shrink_left().truncate().show(
            ui,
            |ui| {
                widget::title(ui, text::train::stage(training.stage));
                widget::small(ui, text::train::doing(training));
            },
            |ui| {
                if !left.is_empty() {
                    widget::small(ui, left);
                }
                ui.label(RichText::new(share).text_style(theme::emphasis()));
            },
        );
        let width = ui.available_width();
        widget::bar(
            ui,
            training.fraction().unwrap_or(0.0),
            vec2(width, 8.0),
            text::train::stage(training.stage),
        );
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for stage in STAGES {
                // The model is downloaded only once, so most runs skip this stage.
                if stage != Stage::Downloading || training.fetch.is_some() {
                    stage_mark(ui, stage, training, rows);
                }
            }
        });
    });
}

fn stage_mark(ui: &mut Ui, stage: Stage, training: &Training, rows: usize) {
    let palette = theme::palette(ui);
    let place = |of: Stage| STAGES.iter().position(|stage| *stage == of);
    let (here, now) = (place(stage), place(training.stage));
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
    let (centre, painter) = (rect.center(), ui.painter());
    let ink = if here == now {
        palette.accent
    } else {
        palette.weak
    };
    if here < now {
        let line = Stroke::new(1.6, palette.accent);
        painter.line_segment([centre + vec2(-4.0, 0.0), centre + vec2(-1.2, 3.2)], line);
        painter.line_segment([centre + vec2(-1.2, 3.2), centre + vec2(4.5, -3.5)], line);
    } else if here == now {
        painter.circle_filled(centre, 4.5, ink);
    } else {
        painter.circle_stroke(centre, 4.0, Stroke::new(1.3, ink));
    }
    ui.label(
        RichText::new(text::train::stage_note(stage, training, rows))
            .small()
            .color(ink),
    );
    ui.add_space(18.0);
}
