//! Import cards: rows read from a file, and its issues.

use egui::{RichText, ScrollArea, Sides, Ui};

use super::{
    Commands,
    widget::{self, Tone},
};
use crate::{command::Command, state::State, text, theme};
use nearsay_project::{Import, ImportId, Problem, ProblemKind};

/// Number of issues shown at first.
const FEW: usize = 3;
const ROW_HEIGHT: f32 = 28.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let imports = state.project.document.imports.iter().rev();
    for (id, import) in imports.filter(|(_, import)| !import.dismissed).take(3) {
        let all = state.data.all_problems == Some(*id);
        widget::accent_card(ui, |ui| card(ui, *id, import, all, commands));
    }
}

fn card(ui: &mut Ui, id: ImportId, import: &Import, all: bool, commands: &mut Commands) {
    Sides::new().shrink_left().truncate().show(
        ui,
        |ui| {
            ui.label(RichText::new(&import.name).text_style(theme::title()));
            widget::small(ui, &import.described);
        },
        |ui| {
            if widget::link(ui, text::import::PUT_AWAY)
                .on_hover_text(text::import::PUT_AWAY_HINT)
                .clicked()
            {
                commands.push(Command::DismissImport(id));
            }
            if import.columns.len() > 1
                && import.path.is_some()
                && widget::link(ui, text::import::CHANGE)
                    .on_hover_text(text::import::CHANGE_HINT)
                    .clicked()
            {
                commands.push(Command::ChangeColumns(id));
            }
            pills(ui, import);
        },
    );
    let open: Vec<(usize, &Problem)> = import.open_problems().collect();
    if open.is_empty() {
        let note = if import.problems.is_empty() {
            text::import::ALL_GOOD
        } else {
            text::import::ALL_FIXED
        };
        widget::small(ui, note);
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.add_space(8.0);
    let shown = if all { open.len() } else { FEW };
    ScrollArea::vertical()
        .id_salt(("problems", id))
        .max_height(170.0)
        .auto_shrink([false, true])
        .show_rows(ui, ROW_HEIGHT, shown.min(open.len()), |ui, rows| {
            for (number, problem) in open.iter().skip(rows.start).take(rows.len()) {
                row(ui, id, *number, problem, commands);
            }
        });
    if open.len() > FEW {
        ui.add_space(4.0);
        let name = if all {
            text::import::SHOW_FEWER.to_owned()
        } else {
            text::import::show_all(open.len())
        };
        if widget::link(ui, &name).clicked() {
            commands.push(Command::AllProblems((!all).then_some(id)));
        }
    }
}

/// Counts of rows, from right to left.
fn pills(ui: &mut Ui, import: &Import) {
    let out = import.count_left_out();
    if out > 0 {
        widget::pill(ui, &text::import::pill_left_out(out), Tone::Bad);
    }
    if import.changed > 0 {
        widget::pill(
            ui,
            &text::import::pill_changed(import.changed),
            Tone::Warning,
        );
    }
    if import.known > 0 {
        widget::pill(ui, &text::import::pill_known(import.known), Tone::Plain);
    }
    widget::pill(ui, &text::import::pill_read(import.read), Tone::Good);
}

fn row(ui: &mut Ui, id: ImportId, number: usize, problem: &Problem, commands: &mut Commands) {
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
                .map_or_else(|| text::import::WHOLE_FILE.to_owned(), text::import::line);
            let actions = match problem.kind {
                ProblemKind::LeftOut => 150.0,
                _ => 70.0,
            };
            let gaps = 4.0 * ui.spacing().item_spacing.x;
            let wide = (ui.available_width() - 84.0 - actions - gaps).max(120.0);
            widget::cell(ui, 84.0, RichText::new(&place).color(palette.weak));
            let reason = text::import::reason(problem);
            let reason = RichText::new(reason).color(ink);
            if problem.excerpt.is_empty() {
                let gap = ui.spacing().item_spacing.x;
                widget::cell(ui, wide + gap, reason);
            } else {
                widget::cell(ui, wide * 0.5, reason);
                widget::cell(ui, wide * 0.5, RichText::new(&problem.excerpt));
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let name = match problem.kind {
                    ProblemKind::LeftOut => text::import::LEAVE_OUT,
                    _ => text::import::SEEN,
                };
                let response = widget::link(ui, name);
                widget::name(ui, &response, &format!("{name}, {place}"));
                if response.clicked() {
                    commands.push(Command::DismissProblem(id, number));
                }
                if problem.kind == ProblemKind::LeftOut {
                    let response = widget::link(ui, text::import::FIX);
                    widget::name(ui, &response, &format!("{}, {place}", text::import::FIX));
                    if response.clicked() {
                        commands.push(Command::FixRow(id, number));
                    }
                }
            });
        },
    );
}
