//! The list of trainings, with their figures.

use egui::{Grid, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::State, text};

/// Fewest trainings that are worth a list.
const FEWEST: usize = 2;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let models = &state.project.models;
    let history = models.history();
    if history.len() < FEWEST || state.training.is_running() {
        return;
    }
    widget::card(ui, |ui| {
        widget::title(ui, text::results::HISTORY);
        Grid::new("trainings").spacing([18.0, 6.0]).show(ui, |ui| {
            for heading in text::results::HISTORY_COLUMNS {
                widget::small(ui, heading);
            }
            ui.end_row();
            for model in history {
                let date = text::results::date(model.made_s);
                ui.label(&date);
                ui.label(text::train::effort(model.effort));
                for results in [&model.known_answers, &model.new_answers] {
                    ui.label(text::results::past_figure(results.as_ref()));
                }
                ui.label(text::results::past_duration(model.seconds));
                let current = models.current.as_ref();
                if current.is_some_and(|current| current.name == model.name) {
                    widget::small(ui, text::results::IN_USE);
                } else if models.can_restore(&model.name) && !state.project.look_only {
                    let response = widget::link(ui, text::results::USE_MODEL);
                    let name = format!("{}: {date}", text::results::USE_MODEL);
                    widget::name(ui, &response, &name);
                    if response.clicked() {
                        commands.push(Command::RestoreModel(model.name.clone()));
                    }
                }
                ui.end_row();
            }
        });
    });
}
