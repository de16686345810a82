//! The Train step.

use egui::{RichText, Sides, Ui, vec2};

use super::{Commands, plot, stages, trouble, widget};
use crate::{
    command::Command,
    state::{Dataset, Outcome, Stage, State, Step, Training},
    text, theme,
};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let training = &state.training;
    let Some(set) = &state.data.set else {
        widget::header(ui, text::train::TITLE, text::train::intro(training), |_| {});
        return nothing(
            ui,
            text::train::NO_DATA,
            text::train::NO_DATA_MORE,
            text::ask::GO_DATA,
            Step::Data,
            commands,
        );
    };
    widget::header(ui, text::train::TITLE, text::train::intro(training), |ui| {
        actions(ui, state, set, commands);
    });
    if let Some(trouble) = &training.trouble {
        trouble::show(ui, trouble, commands, |ui, commands| {
            if training.can_go_on && widget::primary(ui, true, text::train::GO_ON).clicked() {
                commands.push(Command::GoOn);
            }
            let again = if training.can_go_on {
                widget::button(ui, set.is_enough(), text::train::START_OVER)
            } else {
                widget::primary(ui, set.is_enough(), text::train::TRAIN_AGAIN)
            };
            if again.clicked() {
                commands.push(Command::Train);
            }
        });
    }
    if let Some(outcome) = &training.outcome {
        self::outcome(ui, outcome, commands);
    }
    if training.stage == Stage::Idle {
        ready(ui, set);
        return;
    }
    if training.is_running() {
        stages::show(ui, training, set.read);
    }
    if !training.rounds.is_empty() {
        plots(ui, training);
    }
    notes(ui, training);
    widget::small(ui, text::train::QUICK);
}

/// An empty step says what is missing, and offers it.
pub(super) fn nothing(
    ui: &mut Ui,
    what: &str,
    more: &str,
    action: &str,
    step: Step,
    commands: &mut Commands,
) {
    widget::card(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(40.0);
            widget::title(ui, what);
            widget::weak(ui, more);
            ui.add_space(12.0);
            if widget::primary(ui, true, action).clicked() {
                commands.push(Command::Show(step));
            }
            ui.add_space(40.0);
        });
    });
}

/// On the right side the last one comes first.
fn actions(ui: &mut Ui, state: &State, set: &Dataset, commands: &mut Commands) {
    let training = &state.training;
    if training.is_running() {
        let name = if training.stopping {
            text::train::STOPPING
        } else {
            text::train::STOP
        };
        if widget::button(ui, !training.stopping, name).clicked() {
            commands.push(Command::Stop);
        }
        let name = if training.paused {
            text::train::RESUME
        } else {
            text::train::PAUSE
        };
        if widget::button(ui, !training.stopping, name).clicked() {
            commands.push(Command::Pause(!training.paused));
        }
        return;
    }
    if training.stage == Stage::Failed {
        return;
    }
    if training.stage == Stage::Done {
        if widget::button(ui, true, text::train::TRAIN_AGAIN)
            .on_hover_text("F5")
            .clicked()
        {
            commands.push(Command::Train);
        }
        return;
    }
    let enabled = set.is_enough() && state.data.reading.is_none();
    if widget::primary(ui, enabled, text::train::TRAIN)
        .on_hover_text("F5")
        .clicked()
    {
        commands.push(Command::Train);
    }
}

fn ready(ui: &mut Ui, set: &Dataset) {
    widget::card(ui, |ui| {
        widget::title(ui, &set.name);
        match text::data::too_few(set) {
            Some(reason) => {
                ui.label(RichText::new(format!("! {reason}")).color(theme::palette(ui).warning));
            }
            None => {
                ui.label(text::train::ready(set));
            }
        }
        widget::small(ui, text::train::QUICK);
    });
}

fn plots(ui: &mut Ui, training: &Training) {
    let two = ui.available_width() >= 640.0;
    if two {
        ui.spacing_mut().item_spacing.x = theme::GAP;
        ui.columns_const(|[left, right]| {
            widget::card(left, |ui| plot::first(ui, training));
            widget::card(right, |ui| plot::error(ui, training));
        });
    } else {
        widget::card(ui, |ui| plot::first(ui, training));
        widget::card(ui, |ui| plot::error(ui, training));
    }
    widget::small(ui, text::train::twin(training));
    ui.add_space(theme::GAP - 6.0);
}

fn notes(ui: &mut Ui, training: &Training) {
    for note in training.notes.iter().rev().take(3) {
        widget::small(ui, note.as_str());
    }
}

fn outcome(ui: &mut Ui, outcome: &Outcome, commands: &mut Commands) {
    let palette = theme::palette(ui);
    widget::accent_card(ui, |ui| {
        Sides::new().shrink_left().truncate().show(
            ui,
            |ui| widget::title(ui, &text::train::outcome(outcome)),
            |ui| {
                if widget::primary(ui, true, text::train::TRY_IT).clicked() {
                    commands.push(Command::Show(Step::Ask));
                }
            },
        );
        if let (Some(before), Some(after)) = (outcome.before.first, outcome.after.first) {
            ui.horizontal_wrapped(|ui| {
                let figure = |share, ink| {
                    RichText::new(text::of_hundred(share))
                        .text_style(theme::figure())
                        .color(ink)
                };
                ui.label(figure(before, palette.weak));
                widget::small(ui, text::train::BEFORE);
                ui.add_space(14.0);
                arrow(ui);
                ui.add_space(14.0);
                ui.label(figure(
                    after,
                    if outcome.helped() {
                        palette.accent
                    } else {
                        palette.ink
                    },
                ));
                widget::small(ui, text::train::after(outcome));
            });
        }
        widget::weak(ui, text::train::verdict(outcome));
    });
}

fn arrow(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), egui::Sense::hover());
    let line = egui::Stroke::new(1.5, theme::palette(ui).weak);
    ui.painter()
        .arrow(rect.left_center(), vec2(rect.width(), 0.0), line);
}
