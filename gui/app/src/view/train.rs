//! The Train page.

use egui::{RichText, Sides, Ui, vec2};

use super::{
    Commands, error, estimate, findings, mistakes, plot, stages, trainings, tuning, widget,
};
use crate::{
    command::Command,
    state::{List, Outcome, Page, Stage, State, Training},
    text, theme,
};
use nearsay_project::{Effort, ImportedModel, Tally};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if let Some(list) = state.training.mistakes {
        return mistakes::show(ui, state, list, commands);
    }
    let training = &state.training;
    if state.project.document.entries.is_empty() {
        widget::header(ui, text::train::TITLE, text::train::intro(training), |_| {});
        return empty_page(
            ui,
            text::train::NO_DATA,
            text::train::NO_DATA_MORE,
            text::ask::GO_DATA,
            Page::Data,
            commands,
        );
    }
    widget::header(ui, text::train::TITLE, text::train::intro(training), |ui| {
        actions(ui, state, commands);
    });
    if let Some(error) = &training.error {
        error::show(ui, error, commands, |ui, commands| {
            let enough = state.project.counts.is_enough();
            if training.can_go_on && widget::primary(ui, true, text::train::GO_ON).clicked() {
                commands.push(Command::ResumeTraining);
            }
            let again = if training.can_go_on {
                widget::button(ui, enough, text::train::START_OVER)
            } else {
                widget::primary(ui, enough, text::train::TRAIN_AGAIN)
            };
            if again.clicked() {
                commands.push(Command::StartTraining);
            }
        });
    } else if training.can_go_on && training.stage == Stage::Idle {
        widget::banner(ui, text::train::CUT_OFF, |ui| {
            if widget::primary(ui, true, text::train::GO_ON).clicked() {
                commands.push(Command::ResumeTraining);
            }
        });
    }
    if training.is_running() {
        stages::show(ui, training, state.project.counts.questions);
    } else {
        mistakes::train_again_banner(ui, state, commands);
    }
    figures(ui, state, commands);
    trainings::show(ui, state, commands);
    let document = &state.project.document;
    findings::show(ui, &training.checking.findings, document, commands);
    if !training.is_running() {
        effort_choice(ui, state, commands);
    }
    if !training.epochs.is_empty() {
        plots(ui, training);
    }
    notes(ui, training);
    if !training.is_running() {
        tuning::show(ui, state, commands);
    }
    widget::small(ui, text::train::STAYS_HERE);
}

/// An empty page: a message, and a button to the page where the missing data can be added.
pub(super) fn empty_page(
    ui: &mut Ui,
    what: &str,
    more: &str,
    action: &str,
    page: Page,
    commands: &mut Commands,
) {
    widget::card(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(40.0);
            widget::title(ui, what);
            widget::weak(ui, more);
            ui.add_space(12.0);
            if widget::primary(ui, true, action).clicked() {
                commands.push(Command::Show(page));
            }
            ui.add_space(40.0);
        });
    });
}

/// Buttons of the page, from right to left.
fn actions(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let training = &state.training;
    if training.is_running() {
        let name = if training.stopping {
            text::train::STOPPING
        } else {
            text::train::STOP
        };
        let can_stop = !training.stopping && training.stage != Stage::Evaluating;
        if widget::button(ui, can_stop, name).clicked() {
            commands.push(Command::StopTraining);
        }
        let name = if training.paused {
            text::train::RESUME
        } else {
            text::train::PAUSE
        };
        if widget::button(ui, can_stop, name).clicked() {
            commands.push(Command::PauseTraining(!training.paused));
        }
        return;
    }
    if training.stage == Stage::Failed {
        return;
    }
    let enabled = state.project.counts.is_enough()
        && state.data.reading.is_none()
        && !state.project.look_only;
    if state.project.models.changes() > 0 {
        // The banner below has this button.
        return;
    }
    // Less prominent when the model is up to date.
    let response = match state.project.models.current {
        None => widget::primary(ui, enabled, text::train::TRAIN),
        Some(_) => widget::button(ui, enabled, text::train::TRAIN_AGAIN),
    };
    if response.on_hover_text("F5").clicked() {
        commands.push(Command::StartTraining);
    }
}

/// Choice of the effort, with an estimate for each.
fn effort_choice(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let document = &state.project.document;
    widget::card(ui, |ui| {
        match state.project.shortage() {
            Some(shortage) => {
                let reason = text::data::shortage(shortage, &state.project.counts);
                ui.label(RichText::new(format!("! {reason}")).color(theme::palette(ui).warning));
            }
            None => {
                ui.label(text::train::ready(&state.project.counts));
            }
        }
        ui.add_space(8.0);
        ui.spacing_mut().item_spacing.y = 10.0;
        for effort in Effort::ALL {
            ui.horizontal_wrapped(|ui| {
                let chosen = document.options.effort == effort;
                let name = text::train::effort(effort);
                let width = egui::vec2(100.0, 34.0);
                let layout = egui::Layout::centered_and_justified(egui::Direction::LeftToRight);
                let choice = ui
                    .allocate_ui_with_layout(width, layout, |ui| widget::choice(ui, name, chosen));
                if choice.inner.clicked() {
                    commands.push(Command::Effort(effort));
                }
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    ui.label(text::train::effort_what(effort));
                    if let Some(estimate) = estimate::estimate_effort(state, effort) {
                        widget::small(ui, estimate);
                    }
                });
            });
        }
    });
}

fn plots(ui: &mut Ui, training: &Training) {
    let two = ui.available_width() >= 640.0;
    if two {
        ui.spacing_mut().item_spacing.x = theme::GAP;
        ui.columns_const(|[left, right]| {
            widget::card(left, |ui| plot::accuracy_plot(ui, training));
            widget::card(right, |ui| plot::error_plot(ui, training));
        });
    } else {
        widget::card(ui, |ui| plot::accuracy_plot(ui, training));
        widget::card(ui, |ui| plot::error_plot(ui, training));
    }
    widget::small(ui, text::train::plots_in_words(training));
    ui.add_space(theme::GAP - 6.0);
}

/// Notes on failed attempts to download the language model; hidden once it is there.
fn notes(ui: &mut Ui, training: &Training) {
    if !matches!(training.stage, Stage::Downloading | Stage::Failed) {
        return;
    }
    for note in training.notes.iter().rev().take(3) {
        widget::small(ui, note.as_str());
    }
}

/// Accuracy before and now, and links to the lists of test questions.
fn figures(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let checking = &state.training.checking;
    let outcome = state.training.outcome.as_ref();
    if let Some(there) = state.project.elsewhere().filter(|_| checking.elsewhere) {
        return imported_model_card(ui, state, there, commands);
    }
    let Some(now) = checking.now() else {
        return;
    };
    let tally = now.tally();
    if tally.asked == 0 {
        if state.project.models.current.is_some() {
            widget::card(ui, |ui| widget::weak(ui, text::results::NO_TEST_QUESTIONS));
        }
        return;
    }
    let add = |ui: &mut Ui| {
        Sides::new().shrink_left().truncate().show(
            ui,
            |ui| widget::title(ui, &text::results::figures_title(tally.asked)),
            |ui| {
                if outcome.is_some_and(|outcome| outcome.kept)
                    && widget::primary(ui, true, text::results::TRY_IT).clicked()
                {
                    commands.push(Command::Show(Page::Ask));
                }
            },
        );
        all_numbers(ui, state, tally);
        if let Some(outcome) = outcome {
            widget::weak(ui, text::results::verdict(outcome));
            if let Some(compared) = text::results::compared(outcome) {
                widget::small(ui, compared);
            }
        } else if tally.asked < Tally::ENOUGH {
            widget::weak(ui, text::results::too_few_checked(tally.asked));
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 18.0;
            for list in List::ALL {
                let count = checking.list(list).len();
                if checking.after.is_none() && list != List::Wrong {
                    continue;
                }
                if count == 0 {
                    widget::weak(ui, text::results::list(list, count));
                } else if widget::link(ui, &text::results::list(list, count)).clicked() {
                    commands.push(Command::Mistakes(Some(list)));
                }
            }
            go_back(ui, state, commands);
        });
    };
    if outcome.is_some_and(Outcome::helped) {
        widget::accent_card(ui, add);
    } else {
        widget::card(ui, add);
    }
}

/// Instead of the figures for an imported model: its own test results and why there are none of this project.
fn imported_model_card(ui: &mut Ui, state: &State, there: &ImportedModel, commands: &mut Commands) {
    widget::card(ui, |ui| {
        widget::title(ui, text::folder::ELSEWHERE);
        ui.label(text::folder::measured(&there.measured));
        widget::weak(ui, text::folder::ELSEWHERE_WHY);
        go_back(ui, state, commands);
    });
}

/// Link to the previous model, if there is one.
fn go_back(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if state.project.models.earlier.is_empty() || state.training.is_running() {
        return;
    }
    let name = text::results::go_back(state.training.outcome.as_ref());
    let response = widget::link(ui, name).on_hover_text(text::results::GO_BACK_HINT);
    if response.clicked() {
        commands.push(Command::RestorePreviousModel);
    }
}

/// The figures of the current model: of both tasks, if its training measured them.
fn all_numbers(ui: &mut Ui, state: &State, tally: Tally) {
    let checking = &state.training.checking;
    let current = state.project.models.current.as_ref();
    let (known, new) = current.map_or((None, None), |model| {
        (model.known_answers.as_ref(), model.new_answers.as_ref())
    });
    let mut headline = current
        .filter(|_| checking.after.is_some())
        .map(|model| model.before);
    for (results, name, hint) in [
        (
            known,
            text::results::KNOWN_ANSWERS,
            text::results::KNOWN_ANSWERS_HINT,
        ),
        (
            new,
            text::results::NEW_ANSWERS,
            text::results::NEW_ANSWERS_HINT,
        ),
    ] {
        let Some(results) = results.filter(|_| checking.after.is_some()) else {
            continue;
        };
        ui.label(name).on_hover_text(hint);
        numbers(ui, headline.take().or(Some(results.before)), results.after);
    }
    if known.is_none() && new.is_none() {
        numbers(ui, headline, tally);
    }
}

fn numbers(ui: &mut Ui, before: Option<Tally>, now: Tally) {
    let before = before.filter(|before| before.asked > 0);
    let palette = theme::palette(ui);
    ui.horizontal_wrapped(|ui| {
        let figure = |tally: Tally, ink| {
            RichText::new(text::of_hundred(tally.accuracy().unwrap_or(0.0)))
                .text_style(theme::figure())
                .color(ink)
        };
        let better = before.is_some_and(|before| now.accuracy() > before.accuracy());
        if let Some(before) = before {
            ui.label(figure(before, palette.weak));
            widget::small(ui, text::results::BEFORE);
            ui.add_space(14.0);
            arrow(ui);
            ui.add_space(14.0);
        }
        ui.label(figure(
            now,
            if better { palette.accent } else { palette.ink },
        ));
        widget::small(ui, text::results::now(now, before.is_some()));
    });
}

fn arrow(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), egui::Sense::hover());
    let line = egui::Stroke::new(1.5, theme::palette(ui).weak);
    ui.painter()
        .arrow(rect.left_center(), vec2(rect.width(), 0.0), line);
}
