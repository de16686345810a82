//! The sheet for pasting rows.

use egui::{RichText, ScrollArea, Sides, TextEdit, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::State, text};

pub(super) fn show(ui: &Ui, state: &State, commands: &mut Commands) {
    let Some(pasted) = &state.data.paste else {
        return;
    };
    let mut changed = pasted.clone();
    let close = widget::sheet(ui, "paste", 640.0, |ui| {
        ui.label(RichText::new(text::import::PASTE).heading());
        widget::weak(ui, text::import::PASTE_MORE);
        ui.add_space(6.0);
        ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
            let edit = TextEdit::multiline(&mut changed)
                .hint_text(text::import::PASTE_HINT)
                .desired_rows(12)
                .desired_width(f32::INFINITY);
            let response = ui.add(edit);
            widget::name(ui, &response, text::import::PASTE_BOX);
            if pasted.is_empty() && !response.has_focus() {
                response.request_focus();
            }
        });
        ui.add_space(8.0);
        Sides::new().show(
            ui,
            |_| {},
            |ui| {
                let enabled = !pasted.trim().is_empty();
                if widget::primary(ui, enabled, text::import::TAKE_PASTED).clicked() {
                    commands.push(Command::ImportPasted);
                }
                if widget::button(ui, true, text::shell::CANCEL).clicked() {
                    commands.push(Command::Paste(None));
                }
            },
        );
    });
    if close == widget::Closed::ByKey {
        commands.push(Command::Paste(None));
    } else if changed != *pasted {
        // Before `TakePasted`, so that text typed in this frame is included.
        commands.insert(0, Command::Paste(Some(changed)));
    }
}
