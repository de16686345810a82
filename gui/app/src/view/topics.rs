//! A bar chart of the number of questions per topic.

use egui::{RichText, ScrollArea, Ui, vec2};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{DataView, State},
    text, theme,
};

const ROW_HEIGHT: f32 = 26.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let sources = &state.data.review.sources;
    let most = sources.first().map_or(1, |(_, count)| *count).max(1);
    widget::card(ui, |ui| {
        widget::title(ui, text::data::TOPICS_TITLE);
        ui.add_space(6.0);
        ScrollArea::vertical().auto_shrink([false, true]).show_rows(
            ui,
            ROW_HEIGHT,
            sources.len(),
            |ui, rows| {
                for (source, count) in sources.iter().skip(rows.start).take(rows.len()) {
                    row(ui, source, *count, most, commands);
                }
            },
        );
    });
}

fn row(ui: &mut Ui, source: &str, count: usize, most: usize, commands: &mut Commands) {
    let name = if source.is_empty() {
        text::data::NO_TOPIC
    } else {
        source
    };
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), ROW_HEIGHT),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            let width = (ui.available_width() * 0.3).clamp(90.0, 220.0);
            ui.allocate_ui_with_layout(
                vec2(width, ROW_HEIGHT),
                egui::Layout::left_to_right(egui::Align::Center),
                |ui| {
                    ui.set_min_width(width);
                    ui.set_max_width(width);
                    if source.is_empty() {
                        widget::small(ui, name);
                    } else if widget::link(ui, name)
                        .on_hover_text(text::data::TOPIC_HINT)
                        .clicked()
                    {
                        commands.extend([
                            Command::DataView(DataView::Table),
                            Command::Filter(source.to_owned()),
                        ]);
                    }
                },
            );
            let room = (ui.available_width() - 90.0).max(40.0);
            let share = count as f32 / most as f32;
            let label = text::data::topic(name, count);
            widget::bar(ui, share, vec2(room, 10.0), &label);
            let ink = theme::palette(ui).weak;
            ui.label(RichText::new(text::number(count)).small().color(ink));
        },
    );
}
