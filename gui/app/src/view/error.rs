//! Error cards.

use egui::{RichText, ScrollArea, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::UserError, text, theme};

/// Draws the card of an error; `actions` adds buttons before "Copy report".
pub(super) fn show(
    ui: &mut Ui,
    error: &UserError,
    commands: &mut Commands,
    actions: impl FnOnce(&mut Ui, &mut Commands),
) {
    let palette = theme::palette(ui);
    widget::card_with(ui, palette.bad, |ui| {
        ui.label(
            RichText::new(format!("✗ {}", error.message))
                .text_style(theme::title())
                .color(palette.bad),
        );
        if !error.remedy.is_empty() {
            ui.label(text::end_sentence(&error.remedy));
        }
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            actions(ui, commands);
            if !error.detail.trim().is_empty()
                && widget::button(ui, true, text::train::COPY_REPORT).clicked()
            {
                commands.push(Command::Copy {
                    text: error.report(),
                    said: text::error::REPORT_COPIED,
                });
            }
        });
        if !error.detail.trim().is_empty() {
            ui.collapsing(text::train::DETAILS, |ui| {
                ScrollArea::vertical().max_height(160.0).show(ui, |ui| {
                    ui.label(RichText::new(&error.detail).monospace().color(palette.weak));
                });
            });
        }
    });
}
