//! A card that says what went wrong, and what to do.

use egui::{RichText, ScrollArea, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::Trouble, text, theme};

/// Draws the card; `actions` adds the buttons that help, before "Copy report".
pub(super) fn show(
    ui: &mut Ui,
    trouble: &Trouble,
    commands: &mut Commands,
    actions: impl FnOnce(&mut Ui, &mut Commands),
) {
    let palette = theme::palette(ui);
    widget::card_with(ui, palette.bad, |ui| {
        ui.label(
            RichText::new(format!("✗ {}", trouble.what))
                .text_style(theme::title())
                .color(palette.bad),
        );
        if !trouble.fix.is_empty() {
            ui.label(&trouble.fix);
        }
        ui.add_space(6.0);
        ui.horizontal(|ui| {
            actions(ui, commands);
            if !trouble.detail.trim().is_empty()
                && widget::button(ui, true, text::train::COPY_REPORT).clicked()
            {
                commands.push(Command::Copy {
                    text: trouble.report(),
                    said: text::trouble::REPORT_COPIED,
                });
            }
        });
        if !trouble.detail.trim().is_empty() {
            ui.collapsing(text::train::DETAILS, |ui| {
                ScrollArea::vertical().max_height(160.0).show(ui, |ui| {
                    ui.label(
                        RichText::new(&trouble.detail)
                            .monospace()
                            .color(palette.weak),
                    );
                });
            });
        }
    });
}
