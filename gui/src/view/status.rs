//! The status line: what runs, and the last message.

use egui::{Align, Label, Layout, RichText, Ui, vec2};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{Level, State},
    text, theme,
};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.spacing_mut().interact_size.y = 24.0;
    ui.horizontal_centered(|ui| {
        running(ui, state, commands);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            message(ui, state)
        });
    });
}

fn running(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let training = &state.training;
    ui.spacing_mut().item_spacing.x = 12.0;
    if training.is_running() {
        widget::small(ui, text::train::stage(training.stage));
        let (share, left) = text::train::how_far(training);
        if let Some(fraction) = training.fraction() {
            widget::bar(
                ui,
                fraction,
                vec2(150.0, 6.0),
                text::train::stage(training.stage),
            );
        }
        let known: Vec<&str> = [share.as_str(), left.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        widget::small(ui, known.join(" · "));
        if !training.stopping && widget::link(ui, text::shell::STOP).clicked() {
            commands.push(Command::Stop);
        }
    } else if let Some(name) = &state.data.reading {
        widget::small(ui, text::data::reading(name));
        widget::bar(ui, state.data.read_share, vec2(150.0, 6.0), name);
    } else {
        widget::small(ui, text::shell::READY);
    }
}

fn message(ui: &mut Ui, state: &State) {
    let Some(message) = &state.message else {
        return;
    };
    let palette = theme::palette(ui);
    let (sign, ink) = match message.level {
        Level::Info => ("", palette.weak),
        Level::Warning => ("! ", palette.warning),
        Level::Error => ("✗ ", palette.bad),
    };
    let text = RichText::new(format!("{sign}{}", message.text))
        .small()
        .color(ink);
    let response = ui.add(Label::new(text).truncate());
    // Read out when it changes, without taking the keyboard.
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(egui::accesskit::Live::Polite)
    });
}
