//! Findings about the test questions, with links to the rows.

use egui::{Label, RichText, Ui};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{DataView, Findings, Page, TopicChange},
    text, theme,
};
use nearsay_project::{Document, EntryId, RowId};

pub(super) fn show(ui: &mut Ui, found: &Findings, document: &Document, commands: &mut Commands) {
    if found.is_empty() {
        return;
    }
    widget::card(ui, |ui| {
        widget::title(ui, text::results::STANDS_OUT);
        group(ui, text::results::TOPICS, found.topics.len(), |ui, at| {
            if let Some(of) = found.topics.get(at) {
                topic(ui, of, commands);
            }
        });
        let over_retrieved = &found.over_retrieved;
        let advice = text::results::OVER_RETRIEVED;
        group(ui, advice, over_retrieved.len(), |ui, at| {
            if let Some(found) = over_retrieved.get(at) {
                times(ui, found.questions);
                answer(ui, found.entry, document, commands);
            }
        });
        let confused = &found.confused;
        group(ui, text::results::CONFUSED, confused.len(), |ui, at| {
            if let Some(pair) = confused.get(at) {
                times(ui, pair.questions);
                ui.vertical(|ui| {
                    for entry in pair.entries {
                        answer(ui, entry, document, commands);
                    }
                });
            }
        });
    });
}

/// Draws the findings of one kind below advice on them.
fn group(ui: &mut Ui, what: &str, lines: usize, mut line: impl FnMut(&mut Ui, usize)) {
    if lines == 0 {
        return;
    }
    ui.add_space(8.0);
    widget::weak(ui, what);
    ui.scope(|ui| {
        // Narrower than the default, so that a group reads as one.
        ui.spacing_mut().interact_size.y = LINE;
        ui.spacing_mut().item_spacing.y = 2.0;
        for at in 0..lines {
            ui.push_id((what, at), |ui| ui.horizontal(|ui| line(ui, at)));
        }
    });
}

fn topic(ui: &mut Ui, topic: &TopicChange, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let better = topic.after > topic.before;
    let ink = if better {
        palette.accent
    } else {
        palette.warning
    };
    let change = RichText::new(text::results::change(topic.before, topic.after));
    column(ui, change.color(ink));
    if widget::link(ui, &text::results::topic(topic))
        .on_hover_text(text::data::TOPIC_HINT)
        .clicked()
    {
        commands.extend([
            Command::Show(Page::Data),
            Command::DataView(DataView::Table),
            Command::Filter(topic.topic.clone()),
        ]);
    }
}

fn times(ui: &mut Ui, questions: usize) {
    column(ui, RichText::new(text::results::times(questions)));
}

/// Draws the first column at a fixed width.
fn column(ui: &mut Ui, text: RichText) {
    let width = COLUMN * ui.text_style_height(&egui::TextStyle::Body);
    let size = egui::vec2(width, ui.spacing().interact_size.y);
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.set_min_width(size.x);
        ui.add(Label::new(text));
    });
}

/// Height of a line, that of a link.
const LINE: f32 = 24.0;
/// Width of the first column in heights of a text line.
const COLUMN: f32 = 4.5;

/// Draws the start of an answer as a link to its row.
fn answer(ui: &mut Ui, id: EntryId, document: &Document, commands: &mut Commands) {
    let Some(entry) = document.entries.get(&id) else {
        widget::weak(ui, text::results::GONE);
        return;
    };
    let line = super::table::one_line(&entry.answer);
    let most = (ui.available_width() / 8.0).clamp(20.0, 110.0) as usize;
    let row = RowId {
        entry: id,
        paraphrase: 0,
    };
    let response = widget::link(ui, &text::cut(&line, most));
    widget::name(ui, &response, &line);
    if response
        .on_hover_text(text::results::OPEN_ROW_HINT)
        .clicked()
    {
        commands.push(Command::OpenRow(row));
    }
}
