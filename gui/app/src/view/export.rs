//! The Export page.

use egui::{Key, RichText, Sides, TextEdit, Ui};

use super::{Commands, error, train, widget};
use crate::{
    command::Command,
    state::{Exported, Page, Picked, State},
    text, theme,
};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    widget::header(ui, text::export::TITLE, text::export::INTRO, |_| {});
    if state.project.document.entries.is_empty() {
        return train::empty_page(
            ui,
            text::train::NO_DATA,
            text::export::NO_DATA_MORE,
            text::ask::GO_DATA,
            Page::Data,
            commands,
        );
    }
    if state.project.models.current.is_none() {
        widget::banner(ui, text::export::UNTRAINED, |ui| {
            if widget::button(ui, true, text::ask::GO_TRAIN).clicked() {
                commands.push(Command::Show(Page::Train));
            }
        });
    } else if state.project.models.changes() > 0 {
        widget::banner(ui, text::export::OUT_OF_DATE, |ui| {
            if widget::button(ui, true, text::train::TRAIN_AGAIN).clicked() {
                commands.push(Command::StartTraining);
            }
        });
    }
    if let Some(error) = &state.export.error {
        error::show(ui, error, commands, |_, _| {});
    }
    target_card(ui, state, commands);
    match &state.export.done {
        Some(done) => {
            exported_card(ui, done, commands);
            usage_examples(ui, done, commands);
        }
        None => planned_files(ui, state),
    }
}

fn target_card(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let export = &state.export;
    widget::card(ui, |ui| {
        widget::title(ui, text::export::WHERE);
        ui.horizontal_wrapped(|ui| {
            let mut typed = export.typed_path.clone();
            let room = (ui.available_width() - 150.0).clamp(160.0, 520.0);
            let edit = TextEdit::singleline(&mut typed)
                .hint_text(text::export::PATH_HINT)
                .align(egui::Align2::LEFT_CENTER)
                .desired_width(room);
            let response = ui.add(edit);
            widget::name(ui, &response, text::export::PATH_LABEL);
            if response.changed() {
                commands.push(Command::TypeExportPath(typed));
            }
            if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
                // A second Enter confirms that a model is replaced.
                response.request_focus();
                commands.push(Command::Export);
            }
            let free = !state.shell.dialog_open;
            if widget::button(ui, free, text::export::CHOOSE).clicked() {
                commands.push(Command::Pick(Picked::Folder));
            }
        });
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            for with_data in [true, false] {
                let name = text::export::with_data(with_data);
                if widget::choice(ui, name, export.with_data == with_data).clicked() {
                    commands.push(Command::WithData(with_data));
                }
            }
        });
        widget::small(ui, text::export::privacy(export.with_data));
        ui.add_space(6.0);
        if let Some(path) = &export.replaces {
            let ink = theme::palette(ui).warning;
            let warning = format!("! {}", text::export::replaces(path));
            ui.label(RichText::new(warning).color(ink));
        }
        let ready =
            !export.running && !export.typed_path.trim().is_empty() && state.ask.ready.is_some();
        let name = match (export.running, &export.replaces) {
            (true, _) => text::export::RUNNING,
            (false, Some(_)) => text::export::REPLACE,
            (false, None) => text::export::EXPORT,
        };
        if widget::primary(ui, ready, name).clicked() {
            commands.push(Command::Export);
        }
    });
}

fn planned_files(ui: &mut Ui, state: &State) {
    widget::card(ui, |ui| {
        widget::title(ui, text::export::WILL_BE_WRITTEN);
        for (name, what, is_data) in text::export::FILES {
            if is_data && !state.export.with_data {
                continue;
            }
            ui.horizontal(|ui| {
                widget::cell(ui, 190.0, RichText::new(name).monospace());
                widget::small(ui, what);
            });
        }
    });
}

fn exported_card(ui: &mut Ui, done: &Exported, commands: &mut Commands) {
    widget::accent_card(ui, |ui| {
        Sides::new().shrink_left().truncate().show(
            ui,
            |ui| widget::title(ui, &text::export::done(done)),
            |ui| {
                if widget::link(ui, text::shell::SHOW_FOLDER).clicked() {
                    commands.push(Command::ShowFolder(done.dir.clone()));
                }
            },
        );
        widget::weak(ui, done.dir.display().to_string());
        ui.add_space(6.0);
        for file in &done.files {
            ui.horizontal(|ui| {
                widget::cell(ui, 290.0, RichText::new(&file.name).monospace());
                widget::cell(ui, 80.0, text::bytes(file.bytes.unwrap_or(0)));
                widget::small(ui, text::export::file(&file.name));
            });
        }
    });
}

fn usage_examples(ui: &mut Ui, done: &Exported, commands: &mut Commands) {
    for (name, code) in text::export::uses(done) {
        widget::card(ui, |ui| {
            Sides::new().shrink_left().truncate().show(
                ui,
                |ui| widget::title(ui, name),
                |ui| {
                    let response = widget::link(ui, text::export::COPY);
                    widget::name(ui, &response, &text::export::copy_name(name));
                    if response.clicked() {
                        commands.push(Command::Copy {
                            text: code.clone(),
                            said: text::export::COPIED,
                        });
                    }
                },
            );
            ui.add(egui::Label::new(RichText::new(&code).monospace()).wrap());
        });
    }
}
