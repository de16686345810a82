//! Answering a file of questions.

use egui::{CollapsingHeader, Key, TextEdit, Ui};

use super::{Commands, error, widget};
use crate::{
    command::Command,
    state::{Picked, State},
    text,
};
use nearsay_project::files::file_name;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let batch = &state.ask.batch;
    if let Some(path) = &batch.dropped {
        let name = file_name(path);
        widget::banner(ui, &text::ask::dropped(&name), |ui| {
            if widget::link(ui, text::shell::CANCEL).clicked() {
                commands.push(Command::AnswerDropped(None));
            }
            if widget::button(ui, true, text::ask::DROPPED_DATA).clicked() {
                commands.push(Command::AnswerDropped(Some(false)));
            }
            if widget::primary(ui, true, text::ask::DROPPED_QUESTIONS).clicked() {
                commands.push(Command::AnswerDropped(Some(true)));
            }
        });
    }
    if let Some(error) = &batch.error {
        error::show(ui, error, commands, |ui, commands| {
            if widget::button(ui, true, text::import::HIDE).clicked() {
                commands.push(Command::HideError);
            }
        });
    }
    if let Some(path) = &batch.result {
        widget::accent_card(ui, |ui| {
            widget::title(ui, text::ask::BATCH_DONE);
            ui.horizontal_wrapped(|ui| {
                ui.label(path.display().to_string());
                if let Some(folder) = path.parent()
                    && widget::link(ui, text::shell::SHOW_FOLDER).clicked()
                {
                    commands.push(Command::ShowFolder(folder.to_owned()));
                }
            });
        });
    }
    CollapsingHeader::new(text::ask::BATCH)
        .id_salt("batch")
        .show(ui, |ui| {
            widget::weak(ui, text::ask::BATCH_MORE);
            ui.horizontal_wrapped(|ui| {
                let free = batch.running.is_none() && !state.shell.dialog_open;
                if widget::button(ui, free, text::ask::BATCH_CHOOSE).clicked() {
                    commands.push(Command::Pick(Picked::Questions));
                }
                let mut typed = batch.typed_path.clone();
                let edit = TextEdit::singleline(&mut typed)
                    .hint_text(text::import::PATH_HINT)
                    .align(egui::Align2::LEFT_CENTER)
                    .desired_width(260.0);
                let response = ui.add(edit);
                widget::name(ui, &response, text::ask::BATCH_PATH);
                if response.changed() {
                    commands.push(Command::TypeBatchPath(typed.clone()));
                }
                let entered =
                    response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
                let enabled = free && !typed.trim().is_empty();
                if widget::button(ui, enabled, text::ask::BATCH_DO).clicked()
                    || (entered && enabled)
                {
                    commands.push(Command::AnswerTyped);
                }
            });
        });
}
