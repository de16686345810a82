//! Draws the window. Views read [`State`] and return [`Command`]s; they never change the state or access
//! files.

mod abstain;
mod ask;
mod batch;
mod columns;
mod commands;
mod data;
mod draft;
mod drops;
mod error;
mod estimate;
mod export;
mod findings;
mod fix;
mod highlight;
mod imports;
mod keys;
mod mistakes;
mod overlay;
mod paste;
mod plot;
mod rail;
mod stages;
mod status;
mod table;
mod topics;
mod train;
mod trainings;
mod tuning;
mod widget;

use egui::{CentralPanel, Frame, Panel, ScrollArea, Ui};

use crate::{
    command::Command,
    state::{Page, Picked, Saved, State},
    text, theme,
};

type Commands = Vec<Command>;

/// Below this width the rail shows only icons.
const NARROW: f32 = 820.0;

/// Draws the window and returns the commands of the user.
pub fn show(ui: &mut Ui, state: &State) -> Vec<Command> {
    let mut commands = Commands::new();
    let palette = theme::palette(ui);
    keys::read(ui, state, &mut commands);
    let is_narrow = ui.ctx().content_rect().width() < NARROW;
    Panel::bottom("status")
        .frame(
            Frame::new()
                .fill(palette.card)
                .inner_margin(egui::Margin::symmetric(16, 4)),
        )
        .exact_size(32.0)
        .show(ui, |ui| status::show(ui, state, &mut commands));
    let (width, margin) = if is_narrow {
        (64.0, 7)
    } else {
        (theme::RAIL_WIDTH, 13)
    };
    Panel::left("rail")
        .resizable(false)
        .exact_size(width)
        .frame(
            Frame::new()
                .fill(palette.rail)
                .inner_margin(egui::Margin::symmetric(margin, 20)),
        )
        .show(ui, |ui| rail::show(ui, state, is_narrow, &mut commands));
    CentralPanel::default()
        .frame(Frame::new().fill(palette.ground))
        .show(ui, |ui| page(ui, state, is_narrow, &mut commands));
    overlay::show(ui, state, &mut commands);
    draft::show(ui, state, &mut commands);
    paste::show(ui, state, &mut commands);
    columns::show(ui, state, &mut commands);
    drops::show(ui, state, &mut commands);
    commands
}

fn page(ui: &mut Ui, state: &State, is_narrow: bool, commands: &mut Commands) {
    let margin = if is_narrow {
        egui::Margin::symmetric(16, 14)
    } else {
        theme::PAGE_MARGIN
    };
    // Pages with a scroll area of their own fill the window. The others scroll as a whole, and so do all pages in
    // low windows.
    let low = ui.available_height() < 520.0;
    let fills = match state.page {
        Page::Data => !state.project.document.entries.is_empty() && !low,
        Page::Train => state.training.mistakes.is_some(),
        Page::Ask => !low,
        Page::Export => false,
    };
    let mut add = |ui: &mut Ui| {
        Frame::new().inner_margin(margin).show(ui, |ui| {
            banners(ui, state, commands);
            match state.page {
                Page::Data => data::show(ui, state, commands),
                Page::Train => train::show(ui, state, commands),
                Page::Ask => ask::show(ui, state, commands),
                Page::Export => export::show(ui, state, commands),
            }
        });
    };
    if fills {
        add(ui);
    } else {
        ScrollArea::vertical()
            .id_salt(state.page)
            .auto_shrink(false)
            .show(ui, add);
    }
}

/// Errors and banners above every page.
fn banners(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if let Some(error) = &state.shell.error {
        error::show(ui, error, commands, |ui, commands| {
            if widget::button(ui, true, text::import::HIDE).clicked() {
                commands.push(Command::HideError);
            }
        });
    }
    if let Saved::No(error) = &state.project.saved {
        error::show(ui, error, commands, |ui, commands| {
            if widget::button(ui, true, text::shell::TRY_AGAIN).clicked() {
                commands.push(Command::RetrySave);
            }
        });
    }
    if state.project.look_only {
        widget::banner(ui, text::shell::LOOK_ONLY, |ui| {
            if widget::button(ui, true, text::shell::TAKE_COPY).clicked() {
                commands.push(Command::CopyProject);
            }
        });
    }
    let is_sample = state.project.document.options.sample && !state.shell.banner_hidden;
    if is_sample && matches!(state.page, Page::Ask | Page::Data) {
        widget::banner(ui, text::shell::sample_banner(state.shell.no_drops), |ui| {
            if widget::link(ui, text::shell::HIDE_BANNER).clicked() {
                commands.push(Command::HideBanner);
            }
            let free = !state.shell.dialog_open;
            if widget::button(ui, free, text::import::CHOOSE).clicked() {
                commands.push(Command::Pick(Picked::Faqs));
            }
        });
    }
}
