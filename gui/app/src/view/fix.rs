//! Suggested fixes: two rows side by side.

use egui::{RichText, ScrollArea, Sides, Ui};

use super::{
    Commands,
    widget::{self, Tone},
};
use crate::{
    command::Command,
    state::{Fix, State, Suggestion, SuggestionKind},
    text, theme,
};
use nearsay_project::RowId;

/// Height of a card, the same for all, so that only visible cards are laid out.
const HEIGHT: f32 = 150.0;
/// Height of a card's margins, outline and the gap below it.
const CARD: f32 = 2.0 * theme::CARD_MARGIN.top as f32 + 2.0 + theme::GAP - 6.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let suggestions = &state.data.review.suggestions;
    if suggestions.is_empty() {
        widget::card(ui, |ui| {
            widget::title(ui, text::data::NOTHING_TO_FIX);
            widget::weak(ui, text::data::NOTHING_TO_FIX_MORE);
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
            let mut act = |ui: &mut Ui, how: Fix| {
                let name = text::data::fix(how, suggestion.kind);
                let response = widget::link(ui, name);
                let response = response.on_hover_text(text::data::fix_hint(how));
                if response.clicked() {
                    commands.push(Command::Fix(*suggestion, how));
                }
            };
            act(ui, Fix::Apart);
            if suggestion.kind != SuggestionKind::SameAnswer {
                act(ui, Fix::Second);
            }
            act(ui, Fix::First);
        },
    );
    ui.spacing_mut().item_spacing.x = 26.0;
    ui.columns_const(|[left, right]| {
        suggested_row(left, state, suggestion.one);
        suggested_row(right, state, suggestion.other);
    });
}

fn suggested_row(ui: &mut Ui, state: &State, row: RowId) {
    let palette = theme::palette(ui);
    let document = &state.project.document;
    let (Some(entry), Some(paraphrase)) =
        (document.entries.get(&row.entry), document.paraphrase(row))
    else {
        return;
    };
    widget::small(ui, text::ask::row(row.entry + 1));
    let question = RichText::new(super::table::one_line(&paraphrase.text))
        .text_style(theme::emphasis())
        .color(palette.ink);
    ui.add(egui::Label::new(question).truncate());
    let answer = RichText::new(super::table::one_line(&entry.answer)).color(palette.weak);
    ui.add(egui::Label::new(answer).truncate());
}
