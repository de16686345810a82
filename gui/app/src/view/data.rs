//! The Data page.

use egui::{Align, CollapsingHeader, Frame, Key, Layout, RichText, Stroke, TextEdit, Ui, vec2};

use super::{Commands, error, fix, imports, table, topics, widget};
use crate::{
    command::Command,
    state::{Data, DataView, Only, Picked, State},
    text, theme,
};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if state.project.document.entries.is_empty() {
        return empty_page(ui, state, commands);
    }
    let data = &state.data;
    let counts = state.project.counts;
    widget::header(ui, text::data::TITLE, &text::data::summary(&counts), |ui| {
        choose_button(ui, state, commands);
        if widget::button(ui, true, text::import::PASTE).clicked() {
            commands.push(Command::Paste(Some(String::new())));
        }
        if widget::button(ui, true, text::data::NEW).clicked() {
            commands.push(Command::NewEntry(String::new()));
        }
    });
    if state.shell.no_dialog {
        ui.horizontal(|ui| path_box(ui, data, ui.available_width().min(420.0), commands));
        ui.add_space(theme::GAP - 6.0);
    }
    error_card(ui, data, commands);
    if let Some(shortage) = state.project.shortage() {
        let reason = text::data::shortage(shortage, &counts);
        ui.label(RichText::new(format!("! {reason}")).color(theme::palette(ui).warning));
        ui.add_space(theme::GAP - 6.0);
    }
    imports::show(ui, state, commands);
    toolbar(ui, state, commands);
    match data.view {
        DataView::Table => table::show(ui, state, commands),
        DataView::Fixes => fix::show(ui, state, commands),
        DataView::Topics => topics::show(ui, state, commands),
    }
}

/// The filter box, and either the lists or the actions on selected rows.
fn toolbar(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let data = &state.data;
    ui.horizontal_wrapped(|ui| {
        let mut filter = data.filter.clone();
        let hint = text::data::filter_hint(state.project.counts.questions);
        let edit = TextEdit::singleline(&mut filter)
            .hint_text(hint)
            .desired_width(230.0_f32.min(ui.available_width() - 30.0))
            .align(egui::Align2::LEFT_CENTER);
        let response = ui.add(edit);
        widget::name(ui, &response, text::data::FILTER);
        if response.changed() {
            commands.extend([Command::DataView(DataView::Table), Command::Filter(filter)]);
        }
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Escape)) {
            commands.push(Command::Filter(String::new()));
        }
        if data.wants_filter {
            response.request_focus();
            commands.push(Command::FilterFocus(false));
        }
        ui.add_space(4.0);
        if data.chosen.is_empty() || data.view != DataView::Table {
            list_filters(ui, state, commands);
        } else {
            selection_actions(ui, data, commands);
        }
    });
    ui.add_space(theme::GAP - 8.0);
}

fn list_filters(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let data = &state.data;
    let table = data.view == DataView::Table;
    let mut chip = |ui: &mut Ui, name: &str, chosen: bool, wanted: Command| {
        if widget::chip(ui, name, chosen).clicked() {
            commands.extend([Command::DataView(DataView::Table), wanted]);
        }
    };
    let only = |only: Only| table && data.only == only;
    chip(
        ui,
        text::data::ALL,
        only(Only::All),
        Command::Only(Only::All),
    );
    let suggestions = data.review.suggestions.len();
    if suggestions > 0 || data.view == DataView::Fixes {
        let name = text::data::to_fix(suggestions);
        let view = Command::DataView(DataView::Fixes);
        chip(ui, &name, data.view == DataView::Fixes, view);
    }
    if data.review.single_paraphrase > 0 {
        let name = text::data::single_paraphrase(data.review.single_paraphrase);
        chip(
            ui,
            &name,
            only(Only::SingleParaphrase),
            Command::Only(Only::SingleParaphrase),
        );
    }
    let held_out = state.project.counts.held_out;
    if held_out > 0 {
        let name = text::data::held_out(held_out);
        chip(ui, &name, only(Only::HeldOut), Command::Only(Only::HeldOut));
    }
    if data.review.sources.len() > 1 {
        let view = Command::DataView(DataView::Topics);
        chip(ui, text::data::TOPICS, data.view == DataView::Topics, view);
    }
}

fn selection_actions(ui: &mut Ui, data: &Data, commands: &mut Commands) {
    ui.spacing_mut().item_spacing.x = 16.0;
    widget::small(ui, text::data::chosen(data.chosen.len()));
    let mut act = |ui: &mut Ui, name: &str, hint: &str, command: Command| {
        if widget::link(ui, name).on_hover_text(hint).clicked() {
            commands.push(command);
        }
    };
    if let (1, Some(row)) = (data.chosen.len(), data.chosen.first()) {
        act(
            ui,
            text::data::EDIT,
            text::data::EDIT_HINT,
            Command::EditEntry(*row),
        );
    }
    let first = data.chosen.first().map(|row| row.entry);
    if data.chosen.last().map(|row| row.entry) != first {
        act(
            ui,
            text::data::MERGE,
            text::data::MERGE_HINT,
            Command::Merge,
        );
    }
    act(
        ui,
        text::data::LEARN,
        text::data::LEARN_HINT,
        Command::HoldOut(false),
    );
    act(
        ui,
        text::data::HOLD_OUT,
        text::data::HOLD_OUT_HINT,
        Command::HoldOut(true),
    );
    act(
        ui,
        text::data::DELETE,
        text::data::DELETE_HINT,
        Command::Delete,
    );
    act(
        ui,
        text::data::NONE,
        text::data::NONE_HINT,
        Command::SelectAll(false),
    );
}

fn empty_page(ui: &mut Ui, state: &State, commands: &mut Commands) {
    widget::header(ui, text::data::TITLE, text::data::INTRO, |_| {});
    error_card(ui, &state.data, commands);
    if state.project.elsewhere().is_some() {
        widget::banner(ui, text::folder::MODEL_ONLY, |_| {});
    }
    imports::show(ui, state, commands);
    drop_zone(ui, state, commands);
    ui.add_space(theme::GAP);
    ui.horizontal_wrapped(|ui| {
        if widget::button(ui, true, text::import::PASTE).clicked() {
            commands.push(Command::Paste(Some(String::new())));
        }
        if widget::button(ui, true, text::data::NEW).clicked() {
            commands.push(Command::NewEntry(String::new()));
        }
        if widget::button(ui, true, text::import::USE_SAMPLE).clicked() {
            commands.push(Command::OpenSample);
        }
    });
    ui.add_space(theme::GAP);
    CollapsingHeader::new(text::import::FORMATS).show(ui, |ui| {
        for (name, content) in text::import::EXAMPLES {
            widget::card(ui, |ui| {
                ui.horizontal(|ui| {
                    widget::small(ui, name);
                    let response = widget::link(ui, text::import::COPY_EXAMPLE);
                    widget::name(ui, &response, &text::import::copy_example(name));
                    if response.clicked() {
                        commands.push(Command::Copy {
                            text: content.to_owned(),
                            said: text::import::EXAMPLE_COPIED,
                        });
                    }
                });
                ui.label(RichText::new(content).monospace());
            });
        }
        widget::small(ui, text::end_sentence(&text::import::readable()));
    });
}

fn drop_zone(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let data = &state.data;
    let palette = theme::palette(ui);
    let height = (ui.available_height() - 150.0).clamp(250.0, 360.0);
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
                if let Some(name) = &data.reading {
                    ui.label(RichText::new(text::import::reading(name)).text_style(theme::title()));
                    ui.add_space(6.0);
                    widget::bar(ui, data.read_share, vec2(220.0, 6.0), name);
                    return;
                }
                let headline = match (state.project.elsewhere(), state.shell.no_drops) {
                    (None, false) => text::import::DROP,
                    (None, true) => text::import::NO_DROP,
                    (Some(_), false) => text::folder::GIVE_ANSWERS,
                    (Some(_), true) => text::folder::CHOOSE_ANSWERS,
                };
                ui.label(RichText::new(headline).text_style(theme::title()));
                widget::weak(ui, text::import::DROP_MORE);
                ui.add_space(12.0);
                let free = !state.shell.dialog_open;
                if widget::primary(ui, free, choose_label(state)).clicked() {
                    commands.push(Command::Pick(Picked::Faqs));
                }
                ui.add_space(8.0);
                let width = 360.0_f32.min(ui.available_width() - 20.0);
                ui.allocate_ui_with_layout(
                    vec2(width, 36.0),
                    Layout::left_to_right(Align::Center),
                    |ui| path_box(ui, data, width, commands),
                );
            });
        });
    dashed_outline(ui, zone.response.rect, palette.weak);
}

/// Draws a page with three lines.
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

/// Draws a dashed outline.
pub(super) fn dashed_outline(ui: &Ui, rect: egui::Rect, ink: egui::Color32) {
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

fn choose_label(state: &State) -> &'static str {
    if state.shell.dialog_open {
        text::import::CHOOSING
    } else {
        text::import::CHOOSE
    }
}

fn choose_button(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if widget::button(ui, !state.shell.dialog_open, choose_label(state))
        .on_hover_text("Ctrl+O")
        .clicked()
    {
        commands.push(Command::Pick(Picked::Faqs));
    }
}

fn path_box(ui: &mut Ui, data: &Data, width: f32, commands: &mut Commands) {
    let mut typed = data.typed_path.clone();
    let edit = TextEdit::singleline(&mut typed)
        .hint_text(text::import::PATH_HINT)
        .desired_width(width - 76.0)
        .align(egui::Align2::LEFT_CENTER);
    let response = ui.add(edit);
    widget::name(ui, &response, text::import::PATH_LABEL);
    if response.changed() {
        commands.push(Command::TypePath(typed));
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let enabled = !data.typed_path.trim().is_empty();
    if widget::button(ui, enabled, text::import::OPEN_PATH).clicked() || entered {
        commands.push(Command::OpenTyped);
    }
}

fn error_card(ui: &mut Ui, data: &Data, commands: &mut Commands) {
    if let Some(error) = &data.error {
        error::show(ui, error, commands, |ui, commands| {
            if widget::button(ui, true, text::import::HIDE).clicked() {
                commands.push(Command::HideError);
            }
        });
    }
}
