//! The table of questions and answers.

use egui::{
    Align, Frame, Label, Layout, Margin, Rangef, Rect, RichText, Role, Sense, Stroke, Ui,
    WidgetInfo, vec2,
};
use egui_extras::{Column as Width, TableBuilder};

use super::{
    Commands,
    widget::{self, Tone},
};
use crate::{
    command::{Command, Selection},
    state::{Column, State},
    text, theme,
};
use nearsay_project::{Document, Entry, Paraphrase, RowId};

const ROW_HEIGHT: f32 = 35.0;
/// Narrowest widths at which the columns for topic and role are shown.
const ROOM_FOR_SOURCE: f32 = 760.0;
const ROOM_FOR_ROLE: f32 = 520.0;
/// Smallest height of the table.
const LEAST_HEIGHT: f32 = 150.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let data = &state.data;
    if data.listing.rows.is_empty() {
        let nothing = if data.listing.revision == state.project.revision {
            text::data::NOTHING_LISTED
        } else {
            text::data::LISTING
        };
        widget::card(ui, |ui| widget::weak(ui, nothing));
        return;
    }
    let room = ui.available_width();
    let has_source = data.review.sources.len() > 1 && room > ROOM_FOR_SOURCE;
    let has_role = room > ROOM_FOR_ROLE;
    let columns: Vec<Column> = [
        (true, Column::Number),
        (true, Column::Question),
        (true, Column::Answer),
        (has_source, Column::Source),
        (has_role, Column::Role),
    ]
    .into_iter()
    .filter_map(|(shown, column)| shown.then_some(column))
    .collect();
    Frame::new()
        .fill(palette.card)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(theme::CARD_RADIUS)
        .inner_margin(Margin {
            left: 18,
            right: 8,
            top: 4,
            bottom: 4,
        })
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing = vec2(16.0, 0.0);
            let across = ui.max_rect().x_range();
            let mut table = TableBuilder::new(ui)
                .striped(false)
                .sense(Sense::click())
                .cell_layout(Layout::left_to_right(Align::Center))
                .min_scrolled_height(LEAST_HEIGHT)
                .auto_shrink([false, true])
                .column(Width::exact(44.0).clip(false))
                .column(Width::remainder().clip(true).at_least(120.0))
                .column(Width::remainder().clip(true).at_least(100.0));
            if has_source {
                table = table.column(Width::exact(140.0).clip(true));
            }
            if has_role {
                table = table.column(Width::exact(84.0).clip(true));
            }
            if let Some(row) = data.scroll_to
                && let Some(at) = data.listing.rows.iter().position(|of| *of == row)
            {
                table = table.scroll_to_row(at, None);
                commands.push(Command::Scrolled);
            }
            table
                .header(ROW_HEIGHT, |mut header| {
                    for column in &columns {
                        header.col(|ui| heading(ui, *column, state, commands));
                    }
                })
                .body(|body| {
                    body.rows(ROW_HEIGHT, data.listing.rows.len(), |mut table_row| {
                        let Some(id) = data.listing.rows.get(table_row.index()).copied() else {
                            return;
                        };
                        let document = &state.project.document;
                        let Some((entry, paraphrase)) = find_row(document, id) else {
                            return;
                        };
                        let is_chosen = data.chosen.contains(&id);
                        table_row.set_selected(is_chosen);
                        for (place, column) in columns.iter().enumerate() {
                            table_row.col(|ui| {
                                if place == 0 {
                                    row_lines(ui, across, is_chosen, data.at == Some(id));
                                }
                                cell(ui, *column, id, entry, paraphrase);
                            });
                        }
                        let response = table_row.response();
                        response.widget_info(|| {
                            let name = text::data::row_name(entry, paraphrase);
                            WidgetInfo::selected(Role::Row, true, is_chosen, name)
                        });
                        if response.double_clicked() {
                            commands.push(Command::EditEntry(id));
                        } else if response.clicked() {
                            let modifiers = response.ctx.input(|input| input.modifiers);
                            let how = match modifiers {
                                held if held.shift => Selection::Range,
                                held if held.command => Selection::Toggle,
                                _ => Selection::Only,
                            };
                            // Text boxes lose the focus, so that keys go to the table.
                            response.ctx.memory_mut(|memory| {
                                if let Some(id) = memory.focused() {
                                    memory.surrender_focus(id);
                                }
                            });
                            commands.push(Command::Select(id, how));
                        }
                    });
                });
        });
}

fn find_row(document: &Document, id: RowId) -> Option<(&Entry, &Paraphrase)> {
    let entry = document.entries.get(&id.entry)?;
    Some((entry, entry.paraphrases.get(id.paraphrase as usize)?))
}

/// Draws a heading, which sorts the table.
fn heading(ui: &mut Ui, column: Column, state: &State, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let sort = state.data.sort;
    let is_by = sort.by == column && (column != Column::Number || sort.down);
    let name = text::data::column(column);
    let ink = if is_by { palette.accent } else { palette.weak };
    let label = RichText::new(name).small().color(ink);
    let response = widget::compact(ui, |ui| {
        ui.spacing_mut().button_padding.x = 0.0;
        ui.add(egui::Button::new(label).frame(false))
    });
    widget::name(
        ui,
        &response,
        &text::data::sort_name(column, is_by, sort.down),
    );
    widget::focus_ring(ui, &response, palette);
    if is_by {
        let at = response.rect.right_center() + vec2(8.0, 0.0);
        let dy = if sort.down { 2.5 } else { -2.5 };
        let line = Stroke::new(1.4, palette.accent);
        ui.painter()
            .line_segment([at + vec2(-3.5, -dy), at + vec2(0.0, dy)], line);
        ui.painter()
            .line_segment([at + vec2(0.0, dy), at + vec2(3.5, -dy)], line);
    }
    if response.clicked() {
        commands.push(Command::SortBy(column));
    }
}

/// Draws a line above a row and a bar at the row with the keyboard focus, across all columns. Called in the
/// first column, which isn't clipped.
fn row_lines(ui: &Ui, across: Rangef, is_chosen: bool, has_keyboard: bool) {
    let palette = theme::palette(ui);
    let clip = Rect::from_x_y_ranges(across, ui.clip_rect().y_range());
    let painter = ui.painter().with_clip_rect(clip);
    if is_chosen && has_keyboard {
        let row = Rect::from_x_y_ranges(across, ui.max_rect().y_range());
        let bar = Rect::from_min_max(
            row.left_top() - vec2(8.0, 0.0),
            row.left_bottom() - vec2(5.0, 0.0),
        );
        let wide = ui.painter().with_clip_rect(clip.expand2(vec2(10.0, 0.0)));
        wide.rect_filled(bar, 0.0, palette.accent);
    }
    let line = Stroke::new(1.0, palette.border);
    painter.hline(across, ui.max_rect().top() + 0.5, line);
}

fn cell(ui: &mut Ui, column: Column, id: RowId, entry: &Entry, paraphrase: &Paraphrase) {
    let palette = theme::palette(ui);
    let is_further = id.paraphrase > 0;
    let (shown, ink) = match column {
        Column::Number if is_further => (String::new(), palette.weak),
        Column::Number => (text::number(id.entry + 1), palette.weak),
        Column::Question if is_further => {
            (format!("↳ {}", one_line(&paraphrase.text)), palette.ink)
        }
        Column::Question => (one_line(&paraphrase.text), palette.ink),
        // Other questions of an entry don't repeat its answer.
        Column::Answer if is_further => (String::new(), palette.weak),
        Column::Answer => (one_line(&entry.answer), palette.weak),
        Column::Source => (entry.source.clone().unwrap_or_default(), palette.ink),
        Column::Role => {
            let tone = if paraphrase.held_out {
                Tone::Warning
            } else {
                Tone::Good
            };
            widget::pill(ui, text::data::role(paraphrase.held_out), tone);
            return;
        }
    };
    ui.add(
        Label::new(RichText::new(shown).color(ink))
            .selectable(false)
            .truncate(),
    );
}

/// The start of a text on one line, as much as a cell can hold.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .take(300)
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect()
}
