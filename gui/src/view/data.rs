//! The Data step.

use egui::{Align, CollapsingHeader, Frame, Key, Layout, RichText, Stroke, TextEdit, Ui, vec2};

use super::{Commands, problems, table, trouble, widget};
use crate::{
    command::Command,
    state::{Data, Dataset, State},
    text, theme,
};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let data = &state.data;
    match &data.set {
        Some(set) => filled(ui, state, set, commands),
        None => empty(ui, data, state.no_drops, commands),
    }
}

fn filled(ui: &mut Ui, state: &State, set: &Dataset, commands: &mut Commands) {
    let data = &state.data;
    widget::header(ui, text::data::TITLE, &text::data::summary(set), |ui| {
        let ready = set.is_enough() && data.reading.is_none() && !state.training.is_running();
        if widget::primary(ui, ready, text::data::GO_TRAIN).clicked() {
            commands.push(Command::Train);
        }
        choose(ui, data, !state.training.is_running(), commands);
    });
    if data.path_offered {
        ui.horizontal(|ui| path_box(ui, data, ui.available_width().min(420.0), commands));
        ui.add_space(theme::GAP - 6.0);
    }
    trouble_card(ui, data, commands);
    if let Some(reason) = text::data::too_few(set) {
        ui.label(RichText::new(format!("! {reason}")).color(theme::palette(ui).warning));
        ui.add_space(theme::GAP - 6.0);
    }
    problems::report(ui, set, data.all_problems, commands);
    table::show(ui, set);
}

fn empty(ui: &mut Ui, data: &Data, no_drops: bool, commands: &mut Commands) {
    widget::header(ui, text::data::TITLE, text::data::INTRO, |_| {});
    trouble_card(ui, data, commands);
    drop_zone(ui, data, no_drops, commands);
    ui.add_space(theme::GAP);
    CollapsingHeader::new(text::data::FORMATS).show(ui, |ui| {
        for (name, content) in text::data::EXAMPLES {
            widget::card(ui, |ui| {
                widget::small(ui, name);
                ui.label(RichText::new(content).monospace());
            });
        }
        widget::small(ui, text::data::readable());
    });
}

fn drop_zone(ui: &mut Ui, data: &Data, no_drops: bool, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let height = (ui.available_height() - 90.0).clamp(270.0, 400.0);
    let zone = Frame::new()
        .fill(palette.card)
        .corner_radius(theme::CARD_RADIUS)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.set_height(height);
            ui.vertical_centered(|ui| {
                ui.add_space((height - 218.0) / 2.0);
                sheet(ui);
                ui.add_space(12.0);
                match &data.reading {
                    Some(name) => {
                        ui.label(
                            RichText::new(text::data::reading(name)).text_style(theme::title()),
                        );
                        ui.add_space(6.0);
                        widget::bar(ui, data.read_share, vec2(220.0, 6.0), name);
                    }
                    None => {
                        let headline = if no_drops {
                            text::data::NO_DROP
                        } else {
                            text::data::DROP
                        };
                        ui.label(RichText::new(headline).text_style(theme::title()));
                        widget::weak(ui, text::data::DROP_MORE);
                        ui.add_space(12.0);
                        let name = if data.dialog_open {
                            text::data::CHOOSING
                        } else {
                            text::data::CHOOSE
                        };
                        if widget::primary(ui, !data.dialog_open, name).clicked() {
                            commands.push(Command::PickFile);
                        }
                        ui.add_space(8.0);
                        let width = 360.0;
                        ui.allocate_ui_with_layout(
                            vec2(width, 36.0),
                            Layout::left_to_right(Align::Center),
                            |ui| {
                                path_box(ui, data, width, commands);
                            },
                        );
                    }
                }
            });
        });
    dashes(ui, zone.response.rect, palette.weak);
}

/// A sheet with three lines.
fn sheet(ui: &mut Ui) {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(34.0, 42.0), egui::Sense::hover());
    let painter = ui.painter();
    painter.rect(
        rect,
        5.0,
        palette.accent_ground,
        Stroke::new(1.5, palette.accent),
        egui::StrokeKind::Inside,
    );
    for (line, width) in [(12.0, 16.0), (20.0, 16.0), (28.0, 10.0)] {
        let from = rect.left_top() + vec2(9.0, line);
        painter.line_segment(
            [from, from + vec2(width, 0.0)],
            Stroke::new(1.5, palette.accent),
        );
    }
}

fn dashes(ui: &Ui, rect: egui::Rect, ink: egui::Color32) {
    let rect = rect.shrink(0.5);
    let corner = f32::from(theme::CARD_RADIUS);
    let arc = |centre: egui::Pos2, from: f32| {
        (0..=6).map(move |step| {
            centre + corner * egui::Vec2::angled((from + step as f32 * 15.0).to_radians())
        })
    };
    let inner = rect.shrink(corner);
    let mut outline: Vec<egui::Pos2> = arc(inner.left_top(), 180.0)
        .chain(arc(inner.right_top(), 270.0))
        .chain(arc(inner.right_bottom(), 0.0))
        .chain(arc(inner.left_bottom(), 90.0))
        .collect();
    outline.extend(outline.first().copied());
    ui.painter().extend(egui::Shape::dashed_line(
        &outline,
        Stroke::new(1.0, ink),
        5.0,
        4.0,
    ));
}

fn choose(ui: &mut Ui, data: &Data, enabled: bool, commands: &mut Commands) {
    let name = if data.dialog_open {
        text::data::CHOOSING
    } else {
        text::data::CHOOSE
    };
    if widget::button(ui, enabled && !data.dialog_open, name)
        .on_hover_text("Ctrl+O")
        .clicked()
    {
        commands.push(Command::PickFile);
    }
}

fn path_box(ui: &mut Ui, data: &Data, width: f32, commands: &mut Commands) {
    let mut typed = data.typed_path.clone();
    let edit = TextEdit::singleline(&mut typed)
        .hint_text(text::data::PATH_HINT)
        .desired_width(width - 76.0)
        .align(egui::Align2::LEFT_CENTER);
    let response = ui.add(edit);
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(text::data::PATH_LABEL));
    if response.changed() {
        commands.push(Command::TypePath(typed));
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let enabled = !data.typed_path.trim().is_empty();
    if widget::button(ui, enabled, text::data::OPEN_PATH).clicked() || entered {
        commands.push(Command::OpenTyped);
    }
}

fn trouble_card(ui: &mut Ui, data: &Data, commands: &mut Commands) {
    if let Some(trouble) = &data.trouble {
        trouble::show(ui, trouble, commands, |ui, commands| {
            if widget::button(ui, true, text::data::HIDE).clicked() {
                commands.push(Command::HideTrouble);
            }
        });
    }
}
