//! The status line: the running task and the last message.

use egui::{Align, Button, Label, Layout, RichText, Ui, vec2};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{Level, Message, Overlay, State},
    text, theme,
};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.spacing_mut().interact_size.y = 24.0;
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        running_task(ui, state, commands);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            messages(ui, state, commands);
            if let Some(message) = state.shell.messages.front() {
                self::message(ui, message);
            }
        });
    });
}

fn running_task(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let training = &state.training;
    if training.is_running() {
        widget::small(ui, text::train::stage(training.stage));
        let (share, left) = text::train::how_far(training);
        let name = text::train::stage(training.stage);
        if let Some(fraction) = training.fraction() {
            widget::bar(ui, fraction, vec2(150.0, 6.0), name);
        }
        let known: Vec<&str> = [share.as_str(), left.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        widget::small(ui, known.join(" · "));
        if !training.stopping && widget::link(ui, text::shell::STOP).clicked() {
            commands.push(Command::StopTraining);
        }
    } else if let Some((folder, share)) = &state.shell.adopting {
        let label = text::folder::copying(folder, *share);
        widget::small(ui, &label);
        widget::bar(ui, *share, vec2(150.0, 6.0), &label);
    } else if let Some(name) = &state.data.reading {
        widget::small(ui, text::import::reading(name));
        widget::bar(ui, state.data.read_share, vec2(150.0, 6.0), name);
    } else if let Some(name) = &state.ask.batch.running {
        let (done, total) = state.ask.batch.done;
        let label = text::ask::batch_running(name, done, total);
        widget::small(ui, &label);
        let share = done as f32 / total.max(1) as f32;
        widget::bar(ui, share, vec2(150.0, 6.0), &label);
    } else if let Some((done, total)) = state.ask.preparing {
        let label = text::ask::preparing(done, total);
        widget::small(ui, &label);
        let share = done as f32 / total.max(1) as f32;
        widget::bar(ui, share, vec2(150.0, 6.0), &label);
    } else if state.export.running {
        widget::small(ui, text::export::RUNNING);
    } else if state.project.opening {
        widget::small(ui, text::shell::OPENING);
    } else {
        widget::small(ui, text::shell::READY);
    }
}

fn messages(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let label = text::shell::messages(state.shell.messages.len(), state.shell.unread);
    let ink = if state.shell.unread > 0 {
        palette.accent
    } else {
        palette.weak
    };
    let button = Button::new(RichText::new(label).small().color(ink)).frame(false);
    let response = widget::compact(ui, |ui| ui.add(button));
    widget::focus_ring(ui, &response, palette);
    if response.on_hover_text(text::shell::MESSAGES_HINT).clicked() {
        commands.push(Command::Overlay(Overlay::Messages));
    }
}

/// Draws a message, with a sign so that the level doesn't depend on colour alone.
pub(super) fn message(ui: &mut Ui, message: &Message) {
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
    // Screen readers read changes without moving the focus.
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(egui::accesskit::Live::Polite);
    });
}
