//! The sheet for choosing the columns with questions and answers.

use egui::{ComboBox, RichText, Sides, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::State, text};

pub(super) fn show(ui: &Ui, state: &State, commands: &mut Commands) {
    let Some(wanted) = &state.data.columns else {
        return;
    };
    let (mut question, mut answer) = (wanted.question, wanted.answer);
    let close = widget::sheet(ui, "columns", 480.0, |ui| {
        ui.label(RichText::new(text::import::COLUMNS_TITLE).heading());
        widget::weak(
            ui,
            text::import::columns_more(&wanted.name, wanted.instead.is_some()),
        );
        ui.add_space(8.0);
        for (name, chosen) in [
            (text::import::QUESTIONS_FROM, &mut question),
            (text::import::ANSWERS_FROM, &mut answer),
        ] {
            ui.horizontal(|ui| {
                widget::cell(ui, 130.0, name);
                let of = |at: usize| wanted.columns.get(at).map_or("", String::as_str);
                let response = ComboBox::from_id_salt(name)
                    .width(240.0)
                    .selected_text(of(*chosen))
                    .show_ui(ui, |ui| {
                        for at in 0..wanted.columns.len() {
                            ui.selectable_value(chosen, at, of(at));
                        }
                    });
                widget::name(ui, &response.response, name);
            });
        }
        ui.add_space(8.0);
        Sides::new().show(
            ui,
            |_| {},
            |ui| {
                let enabled = question != answer;
                if widget::primary(ui, enabled, text::import::TAKE_COLUMNS).clicked() {
                    commands.push(Command::ReadWithColumns);
                }
                if widget::button(ui, true, text::shell::CANCEL).clicked() {
                    commands.push(Command::ChooseColumns(None));
                }
            },
        );
    });
    if close != widget::Closed::No {
        commands.push(Command::ChooseColumns(None));
    } else if (question, answer) != (wanted.question, wanted.answer) {
        commands.push(Command::ChooseColumns(Some((question, answer))));
    }
}
