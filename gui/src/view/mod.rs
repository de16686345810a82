//! What the window looks like. Views read [`State`] and return [`Command`]s; they never change
//! state, train, or touch a file.

mod ask;
mod data;
mod drops;
mod keys;
mod plot;
mod problems;
mod rail;
mod stages;
mod status;
mod table;
mod train;
mod trouble;
mod widget;

use egui::{CentralPanel, Frame, Panel, ScrollArea, Ui};

use crate::{
    command::Command,
    state::{State, Step},
    theme,
};

/// What a view has to say.
type Commands = Vec<Command>;

/// Draws the whole window and returns what somebody did in it.
pub fn show(ui: &mut Ui, state: &State) -> Vec<Command> {
    let mut commands = Commands::new();
    let palette = theme::palette(ui);
    keys::read(ui, state, &mut commands);
    Panel::bottom("status")
        .frame(
            Frame::new()
                .fill(palette.card)
                .inner_margin(egui::Margin::symmetric(16, 4)),
        )
        .exact_size(32.0)
        .show(ui, |ui| status::show(ui, state, &mut commands));
    Panel::left("rail")
        .resizable(false)
        .exact_size(theme::RAIL_WIDTH)
        .frame(
            Frame::new()
                .fill(palette.rail)
                .inner_margin(egui::Margin::symmetric(13, 20)),
        )
        .show(ui, |ui| rail::show(ui, state, &mut commands));
    CentralPanel::default()
        .frame(Frame::new().fill(palette.ground))
        .show(ui, |ui| match state.step {
            Step::Data if state.data.set.is_some() => {
                page(ui, |ui| data::show(ui, state, &mut commands))
            }
            Step::Data => scrolled(ui, "data", |ui| data::show(ui, state, &mut commands)),
            Step::Train => scrolled(ui, "train", |ui| train::show(ui, state, &mut commands)),
            Step::Ask => page(ui, |ui| ask::show(ui, state, &mut commands)),
        });
    drops::show(ui, state, &mut commands);
    commands
}

fn page(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    Frame::new().inner_margin(theme::PAGE_MARGIN).show(ui, add);
}

fn scrolled(ui: &mut Ui, salt: &str, add: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical()
        .id_salt(salt)
        .auto_shrink(false)
        .show(ui, |ui| page(ui, add));
}
