//! The report card of a file: what was read, and what was wrong with the rest.

use egui::{RichText, ScrollArea, Sides, Ui};

use super::{
    Commands,
    widget::{self, Tone},
};
use crate::{
    command::Command,
    state::{Dataset, Problem, ProblemKind},
    text, theme,
};

/// So many problems are shown before somebody asks for all.
const FEW: usize = 3;

pub(super) fn report(ui: &mut Ui, set: &Dataset, all: bool, commands: &mut Commands) {
    widget::accent_card(ui, |ui| {
        Sides::new().shrink_left().truncate().show(
            ui,
            |ui| {
                ui.label(RichText::new(&set.name).text_style(theme::title()));
                widget::small(ui, &set.described);
            },
            |ui| pills(ui, set),
        );
        if set.problems.is_empty() {
            widget::small(ui, text::data::ALL_GOOD);
            return;
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        ui.add_space(8.0);
        let shown = if all { set.problems.len() } else { FEW };
        ScrollArea::vertical()
            .max_height(150.0)
            .auto_shrink([false, true])
            .show_rows(ui, ROW_HEIGHT, shown.min(set.problems.len()), |ui, rows| {
                for problem in set.problems.iter().skip(rows.start).take(rows.len()) {
                    row(ui, problem);
                }
            });
        if set.problems.len() > FEW {
            ui.add_space(4.0);
            let name = if all {
                text::data::SHOW_FEWER.to_owned()
            } else {
                text::data::show_all(set.problems.len())
            };
            if widget::link(ui, &name).clicked() {
                commands.push(Command::AllProblems(!all));
            }
        }
    });
}

const ROW_HEIGHT: f32 = 26.0;

/// On the right side the last one comes first.
fn pills(ui: &mut Ui, set: &Dataset) {
    if set.left_out > 0 {
        widget::pill(ui, &text::data::pill_left_out(set.left_out), Tone::Bad);
    }
    if set.changed > 0 {
        widget::pill(ui, &text::data::pill_changed(set.changed), Tone::Warning);
    }
    widget::pill(ui, &text::data::pill_read(set.read), Tone::Good);
}

fn row(ui: &mut Ui, problem: &Problem) {
    let palette = theme::palette(ui);
    let ink = match problem.kind {
        ProblemKind::LeftOut => palette.bad,
        ProblemKind::Changed => palette.warning,
        ProblemKind::Note => palette.weak,
    };
    ui.allocate_ui_with_layout(
        egui::vec2(ui.available_width(), ROW_HEIGHT),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            let place = problem
                .line
                .map_or_else(|| text::data::WHOLE_FILE.to_owned(), text::data::line);
            let wide = ui.available_width() - 84.0 - 3.0 * ui.spacing().item_spacing.x;
            widget::cell(ui, 84.0, RichText::new(place).color(palette.weak));
            widget::cell(ui, wide * 0.34, RichText::new(&problem.reason).color(ink));
            widget::cell(ui, wide * 0.33, RichText::new(&problem.excerpt));
            widget::cell(
                ui,
                wide * 0.33,
                RichText::new(&problem.fix).color(palette.weak),
            );
        },
    );
}
