//! Sheets over the page: commands, projects, messages, settings, help.

use egui::{RichText, ScrollArea, Sides, TextEdit, Ui};

use super::{Commands, status, widget};
use crate::{
    command::Command,
    state::{Appearance, Overlay, Picked, State},
    text, theme,
};
use nearsay_project::Preferences;

pub(super) fn show(ui: &Ui, state: &State, commands: &mut Commands) {
    let width = match &state.shell.overlay {
        Overlay::None => return,
        Overlay::Commands(..) => 520.0,
        Overlay::Help => 560.0,
        _ => 460.0,
    };
    let salt = match &state.shell.overlay {
        Overlay::Commands(..) => "commands",
        Overlay::Projects => "projects",
        Overlay::Rename(_) => "rename",
        Overlay::Messages => "messages",
        Overlay::Settings => "settings",
        Overlay::None | Overlay::Help => "help",
    };
    let close = widget::sheet(ui, salt, width, |ui| match &state.shell.overlay {
        Overlay::None => {}
        Overlay::Commands(query, at) => super::commands::show(ui, state, query, *at, commands),
        Overlay::Projects => projects(ui, state, commands),
        Overlay::Rename(name) => rename(ui, state, name, commands),
        Overlay::Messages => messages(ui, state, commands),
        Overlay::Settings => settings(ui, state, commands),
        Overlay::Help => help(ui, commands),
    });
    if close != widget::Closed::No {
        commands.push(Command::Overlay(Overlay::None));
    }
}

fn title(ui: &mut Ui, title: &str, commands: &mut Commands) {
    Sides::new().show(
        ui,
        |ui| ui.label(RichText::new(title).heading()),
        |ui| {
            if widget::link(ui, text::shell::CLOSE).clicked() {
                commands.push(Command::Overlay(Overlay::None));
            }
        },
    );
    ui.add_space(8.0);
}

fn projects(ui: &mut Ui, state: &State, commands: &mut Commands) {
    title(ui, text::shell::PROJECTS, commands);
    ui.horizontal_wrapped(|ui| {
        if widget::button(ui, true, text::shell::DO_NEW).clicked() {
            commands.push(Command::NewProject);
        }
        let free = !state.shell.dialog_open;
        if widget::button(ui, free, text::shell::DO_OPEN_PROJECT).clicked() {
            commands.push(Command::Pick(Picked::Project));
        }
        let rename = Overlay::Rename(state.project.name().to_owned());
        if widget::button(ui, !state.project.look_only, text::shell::RENAME).clicked() {
            commands.push(Command::Overlay(rename));
        }
    });
    if widget::link(ui, text::shell::DO_COPY).clicked() {
        commands.push(Command::CopyProject);
    }
    if widget::link(ui, text::shell::DO_SAMPLE).clicked() {
        commands.push(Command::OpenSample);
    }
    if let Some(dir) = &state.project.dir
        && widget::link(ui, text::shell::SHOW_FOLDER).clicked()
    {
        commands.push(Command::ShowFolder(dir.clone()));
    }
    ui.add_space(8.0);
    widget::small(ui, text::shell::RECENT);
    for recent in &state.shell.preferences.recents {
        let is_open = state.project.dir.as_ref() == Some(&recent.dir);
        ui.horizontal(|ui| {
            let palette = theme::palette(ui);
            if recent.gone {
                widget::weak(ui, text::shell::gone(&recent.name));
                return;
            }
            let ink = if is_open {
                palette.weak
            } else {
                palette.accent
            };
            let label = RichText::new(&recent.name).color(ink);
            let button = egui::Button::new(label).frame(false).truncate();
            let response = widget::compact(ui, |ui| ui.add(button));
            widget::focus_ring(ui, &response, palette);
            let clicked = response.clicked();
            response.on_hover_text(recent.dir.display().to_string());
            if clicked {
                commands.push(Command::OpenProject(recent.dir.clone()));
            }
            if is_open {
                widget::small(ui, text::shell::OPEN_NOW);
            }
        });
    }
}

fn rename(ui: &mut Ui, state: &State, name: &str, commands: &mut Commands) {
    title(ui, text::shell::RENAME, commands);
    let mut typed = name.to_owned();
    let edit = TextEdit::singleline(&mut typed)
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    widget::name(ui, &response, text::shell::RENAME_BOX);
    if state.shell.overlay_is_new {
        response.request_focus();
        commands.push(Command::OverlayFocused);
    }
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if response.changed() {
        commands.push(Command::Overlay(Overlay::Rename(typed.clone())));
    }
    ui.add_space(8.0);
    let named = !typed.trim().is_empty();
    if widget::primary(ui, named, text::shell::RENAME_DO).clicked() || (entered && named) {
        commands.push(Command::Rename(typed));
    }
}

fn messages(ui: &mut Ui, state: &State, commands: &mut Commands) {
    title(ui, text::shell::MESSAGES, commands);
    if state.shell.messages.is_empty() {
        widget::weak(ui, text::shell::NO_MESSAGES);
    }
    ScrollArea::vertical().max_height(380.0).show(ui, |ui| {
        for message in &state.shell.messages {
            ui.horizontal_wrapped(|ui| status::message(ui, message));
        }
    });
}

fn settings(ui: &mut Ui, state: &State, commands: &mut Commands) {
    title(ui, text::shell::SETTINGS, commands);
    let preferences = &state.shell.preferences;
    widget::small(ui, text::shell::APPEARANCE);
    ui.horizontal_wrapped(|ui| {
        for appearance in [Appearance::System, Appearance::Light, Appearance::Dark] {
            let name = text::shell::appearance(appearance);
            let response = widget::choice(ui, name, appearance == preferences.appearance);
            if response.clicked() {
                commands.push(Command::SetAppearance(appearance));
            }
        }
    });
    ui.add_space(8.0);
    widget::small(ui, text::shell::TEXT_SIZE);
    ui.horizontal_wrapped(|ui| {
        for size in Preferences::SIZES {
            let name = text::shell::per_cent(size);
            if widget::choice(ui, &name, size == preferences.text_size).clicked() {
                commands.push(Command::SetTextSize(size));
            }
        }
    });
    ui.add_space(8.0);
    widget::small(ui, text::shell::PLACE);
    if let Some(dir) = &state.project.dir {
        let path = RichText::new(dir.display().to_string()).monospace();
        ui.add(egui::Label::new(path).wrap());
        if widget::link(ui, text::shell::SHOW_FOLDER).clicked() {
            commands.push(Command::ShowFolder(dir.clone()));
        }
        ui.add_space(8.0);
    }
    widget::small(ui, text::shell::PROCESSOR);
}

fn help(ui: &mut Ui, commands: &mut Commands) {
    title(ui, text::shell::HELP, commands);
    for sentence in text::shell::FIRST_STEPS {
        ui.label(sentence);
    }
    ui.add_space(10.0);
    widget::title(ui, text::shell::KEYS_TITLE);
    for (keys, what) in text::shell::KEYS {
        ui.horizontal(|ui| {
            widget::cell(ui, 190.0, RichText::new(keys).monospace());
            ui.label(what);
        });
    }
}
