//! What could be mended in the data: two rows side by side, and one press.

use egui::{RichText, ScrollArea, Sides, Ui};

use super::{
    Commands,
    widget::{self, Tone},
};
use crate::{
    command::Command,
    state::{Mend, State, Suggestion, SuggestionKind},
    text, theme,
};
use nearsay_project::RowId;

/// Every card is as high as any needs.
const HEIGHT: f32 = 150.0;
/// What is around its content: margins, lines and the gap below.
const CARD: f32 = 2.0 * theme::CARD_MARGIN.top as f32 + 2.0 + theme::GAP - 6.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let suggestions = &state.data.review.suggestions;
    if suggestions.is_empty() {
        widget::card(ui, |ui| {
            widget::title(ui, text::data::NOTHING_TO_MEND);
            widget::weak(ui, text::data::NOTHING_TO_MEND_MORE);
        });
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        HEIGHT,
        suggestions.len(),
        |ui, rows| {
            for suggestion in suggestions.iter().skip(rows.start).take(rows.len()) {
                ui.push_id((suggestion.one, suggestion.other), |ui| {
                    widget::card(ui, |ui| {
                        ui.set_height(HEIGHT - CARD);
                        card(ui, state, suggestion, commands);
                    });
                });
            }
        },
    );
}

fn card(ui: &mut Ui, state: &State, suggestion: &Suggestion, commands: &mut Commands) {
    let tone = match suggestion.kind {
        SuggestionKind::Contradiction => Tone::Bad,
        SuggestionKind::NearDuplicate => Tone::Warning,
        SuggestionKind::SameAnswer => Tone::Plain,
    };
    Sides::new().shrink_left().truncate().show(
        ui,
        |ui| {
            widget::pill(ui, text::data::suggestion(suggestion.kind), tone);
        },
        |ui| {
            let mut act = |ui: &mut Ui, how: Mend| {
                let name = text::data::mend(how, suggestion.kind);
                let response = widget::link(ui, name);
                let response = response.on_hover_text(text::data::mend_hint(how));
                if response.clicked() {
                    commands.push(Command::Fix(*suggestion, how));
                }
            };
            act(ui, Mend::Apart);
            if suggestion.kind != SuggestionKind::SameAnswer {
                act(ui, Mend::Second);
            }
            act(ui, Mend::First);
        },
    );
    ui.spacing_mut().item_spacing.x = 26.0;
    ui.columns_const(|[left, right]| {
        side(left, state, suggestion.one);
        side(right, state, suggestion.other);
    });
}

fn side(ui: &mut Ui, state: &State, row: RowId) {
    let palette = theme::palette(ui);
    let document = &state.project.document;
    let (Some(entry), Some(wording)) = (document.entries.get(&row.entry), document.paraphrase(row))
    else {
        return;
    };
    widget::small(ui, text::ask::row(row.entry + 1));
    let question = RichText::new(super::table::one_line(&wording.text))
        .text_style(theme::emphasis())
        .color(palette.ink);
    ui.add(egui::Label::new(question).truncate());
    let answer = RichText::new(super::table::one_line(&entry.answer)).color(palette.weak);
    ui.add(egui::Label::new(answer).truncate());
}
