//! The table of questions and answers. Only visible rows are drawn, so that 100 000 are no trouble.

use egui::{Align, Frame, Label, Layout, Margin, Rangef, Rect, RichText, Stroke, Ui};
use egui_extras::{Column, TableBuilder};

use crate::{
    state::{Dataset, Row},
    text, theme,
};

const ROW_HEIGHT: f32 = 35.0;
/// In a narrower window questions and answers need the room themselves.
const ROOM_FOR_SOURCE: f32 = 700.0;
/// The table never gets lower than this, whatever stands above it.
const LEAST_HEIGHT: f32 = 150.0;

pub(super) fn show(ui: &mut Ui, set: &Dataset) {
    let palette = theme::palette(ui);
    let has_source = set.has_source && ui.available_width() > ROOM_FOR_SOURCE;
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
            ui.spacing_mut().item_spacing = egui::vec2(16.0, 0.0);
            let across = ui.max_rect().x_range();
            let [line, question, answer, source] = text::data::COLUMNS;
            let mut table = TableBuilder::new(ui)
                .striped(false)
                .cell_layout(Layout::left_to_right(Align::Center))
                .min_scrolled_height(LEAST_HEIGHT)
                .auto_shrink([false, true])
                .column(Column::exact(48.0).clip(false))
                .column(Column::remainder().clip(true).at_least(120.0))
                .column(Column::remainder().clip(true).at_least(120.0));
            if has_source {
                table = table.column(Column::exact(150.0).clip(true));
            }
            table
                .header(ROW_HEIGHT, |mut header| {
                    for name in [line, question, answer]
                        .into_iter()
                        .chain(has_source.then_some(source))
                    {
                        header.col(|ui| {
                            ui.label(RichText::new(name).small().color(palette.weak));
                        });
                    }
                })
                .body(|body| {
                    body.rows(ROW_HEIGHT, set.rows.len(), |mut table_row| {
                        let Some(row) = set.rows.get(table_row.index()) else {
                            return;
                        };
                        let cells = cells(row, has_source);
                        for (place, (text, is_weak)) in cells.enumerate() {
                            table_row.col(|ui| {
                                if place == 0 {
                                    rule(ui, across);
                                }
                                let ink = if is_weak { palette.weak } else { palette.ink };
                                ui.add(Label::new(RichText::new(text).color(ink)).truncate());
                            });
                        }
                    });
                });
        });
}

/// A line above a row, over all columns; it is drawn in the first, which does not clip it.
fn rule(ui: &Ui, across: Rangef) {
    let clip = Rect::from_x_y_ranges(across, ui.clip_rect().y_range());
    let line = Stroke::new(1.0, theme::palette(ui).border);
    ui.painter()
        .with_clip_rect(clip)
        .hline(across, ui.max_rect().top() + 0.5, line);
}

/// The texts of one row, and whether they are of less weight. A further way to ask does not repeat
/// the answer.
fn cells(row: &Row, has_source: bool) -> impl Iterator<Item = (String, bool)> {
    let question = if row.further {
        format!("↳ {}", row.question)
    } else {
        row.question.clone()
    };
    let answer = if row.further {
        String::new()
    } else {
        one_line(&row.answer)
    };
    let source = has_source.then(|| row.source.clone().unwrap_or_default());
    [
        (text::number(row.line), true),
        (one_line(&question), false),
        (answer, true),
    ]
    .into_iter()
    .chain(source.map(|source| (source, true)))
}

/// As much of a text as a cell can hold, on one line.
fn one_line(text: &str) -> String {
    text.chars()
        .take(300)
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect()
}
