//! The Ask page.

use egui::{
    Align, Frame, Id, Label, Margin, RichText, ScrollArea, Sides, Stroke, TextEdit, Ui, UiBuilder,
    vec2,
};

use super::{
    Commands, abstain, batch, error, highlight, train,
    widget::{self, Tone},
};
use crate::{
    command::Command,
    state::{Answer, ConfidenceLevel, Correcting, Feedback, Page, Reply, Side, State, confidence},
    text, theme,
};

pub(super) fn box_id() -> Id {
    Id::unique("ask-box")
}

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if state.project.document.entries.is_empty() {
        return train::empty_page(
            ui,
            text::ask::NO_DATA,
            text::ask::NO_DATA_MORE,
            text::ask::GO_DATA,
            Page::Data,
            commands,
        );
    }
    search_box(ui, state, commands);
    ui.add_space(6.0);
    let column = ui.available_rect_before_wrap();
    // As on the other pages, the scroll bar is at the edge of the window.
    let edge = column.with_max_x(column.max.x + f32::from(theme::PAGE_MARGIN.right));
    ui.scope_builder(UiBuilder::new().max_rect(edge), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(column.width());
            results(ui, state, commands);
            abstain::show(ui, state, commands);
            batch::show(ui, state, commands);
        });
    });
}

/// Below the search box: an error, answers or example questions.
fn results(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if let Some(error) = &state.ask.error {
        error::show(ui, error, commands, |_, _| {});
    }
    match &state.ask.reply {
        Some(reply) => answers(ui, state, reply, commands),
        None if state.ask.waiting => {
            widget::small(ui, text::ask::waiting(state.ask.preparing));
            ui.add_space(theme::GAP);
        }
        None if state.ask.query.trim().is_empty() => examples(ui, state, commands),
        None => {}
    }
}

fn search_box(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let focused = ui.memory(|memory| memory.has_focus(box_id()));
    let line = if focused {
        Stroke::new(1.5, palette.accent)
    } else {
        Stroke::new(1.0, palette.border)
    };
    let mut query = state.ask.query.clone();
    let shown = Frame::new()
        .fill(palette.card)
        .stroke(line)
        .corner_radius(theme::CARD_RADIUS)
        .show(ui, |ui| {
            let edit = TextEdit::singleline(&mut query)
                .id(box_id())
                .font(theme::search())
                .hint_text(RichText::new(text::ask::HINT).text_style(theme::search()))
                .frame(Frame::new().inner_margin(Margin::symmetric(17, 14)))
                .desired_width(f32::INFINITY);
            ui.add(edit)
        });
    if focused {
        let rect = shown.response.rect.expand(2.0);
        let glow = Stroke::new(3.0, palette.accent_ground);
        ui.painter()
            .rect_stroke(rect, theme::CARD_RADIUS + 2, glow, egui::StrokeKind::Middle);
    }
    let response = shown.inner;
    widget::name(ui, &response, text::ask::BOX);
    if response.changed() {
        // Pasted text may have several lines.
        commands.push(Command::Ask(query.replace(['\n', '\r'], " ")));
    }
    if state.ask.wants_focus {
        response.request_focus();
        commands.push(Command::SearchFocused);
    }
}

fn examples(ui: &mut Ui, state: &State, commands: &mut Commands) {
    widget::card(ui, |ui| {
        widget::title(ui, text::ask::EXAMPLES);
        for example in &state.project.examples {
            if widget::link(ui, example).clicked() {
                commands.extend([Command::Ask(example.clone()), Command::Show(Page::Ask)]);
            }
        }
        ui.add_space(4.0);
        widget::small(ui, text::ask::KEYS);
    });
}

fn answers(ui: &mut Ui, state: &State, reply: &Reply, commands: &mut Commands) {
    if reply.answers.is_empty() {
        widget::weak(ui, text::ask::NOTHING);
        ui.add_space(theme::GAP);
        return;
    }
    let good = reply.is_good(state.project.document.options.abstain_below);
    results_header(ui, state, reply, good, commands);
    if let Some(correcting) = &state.ask.correcting {
        answer_picker(ui, correcting, commands);
        return;
    }
    if !good && !state.ask.show_nearest {
        return no_good_answer(ui, reply, commands);
    }
    for (place, answer) in reply.answers.iter().enumerate() {
        let is_at = place == state.ask.at;
        let add = |ui: &mut Ui| self::answer(ui, state, place, answer, reply, commands);
        if is_at {
            widget::accent_card(ui, add);
        } else {
            widget::card(ui, add);
        }
    }
}

/// Number of answers, search time and the choice of the model.
fn results_header(ui: &mut Ui, state: &State, reply: &Reply, good: bool, commands: &mut Commands) {
    let has_both = state.project.models.current.is_some();
    if !has_both && !good && !state.ask.show_nearest {
        return;
    }
    Sides::new().height(30.0).shrink_left().truncate().show(
        ui,
        |ui| {
            let found = text::ask::found(reply.answers.len(), reply.took_us);
            if good || state.ask.show_nearest {
                widget::small(ui, found);
            }
        },
        |ui| {
            if !has_both {
                return;
            }
            for side in [Side::After, Side::Before] {
                let name = text::ask::side(side);
                if widget::chip(ui, name, state.ask.side == side).clicked() {
                    commands.push(Command::SetSide(side));
                }
            }
            widget::small(ui, text::ask::ANSWERS_FROM);
        },
    );
    ui.add_space(2.0);
}

fn no_good_answer(ui: &mut Ui, reply: &Reply, commands: &mut Commands) {
    let palette = theme::palette(ui);
    widget::card(ui, |ui| {
        let headline = RichText::new(text::ask::NO_GOOD_ANSWER)
            .text_style(theme::title())
            .color(palette.ink);
        ui.label(headline);
        if let Some(nearest) = reply.answers.first() {
            let near = nearest.question.as_deref().unwrap_or(&nearest.answer);
            widget::weak(ui, text::ask::nearest(near));
        }
        ui.add_space(6.0);
        ui.horizontal_wrapped(|ui| {
            if widget::button(ui, true, text::ask::SHOW_NEAREST).clicked() {
                commands.push(Command::ShowNearest(true));
            }
            if widget::button(ui, true, text::ask::ADD_ANSWER).clicked() {
                commands.push(Command::NewEntry(reply.question.clone()));
            }
            if widget::link(ui, text::ask::PICK_RIGHT).clicked() {
                commands.push(Command::Correct(Some(String::new())));
            }
        });
    });
}

/// Lets the user choose the right answer.
fn answer_picker(ui: &mut Ui, correcting: &Correcting, commands: &mut Commands) {
    widget::accent_card(ui, |ui| {
        Sides::new().shrink_left().truncate().show(
            ui,
            |ui| widget::title(ui, &text::ask::correcting(&correcting.question)),
            |ui| {
                if widget::link(ui, text::shell::CANCEL).clicked() {
                    commands.push(Command::Correct(None));
                }
            },
        );
        let mut query = correcting.query.clone();
        let edit = TextEdit::singleline(&mut query)
            .hint_text(text::ask::CORRECT_HINT)
            .align(egui::Align2::LEFT_CENTER)
            .desired_width(f32::INFINITY);
        let response = ui.add(edit);
        widget::name(ui, &response, text::ask::CORRECT_BOX);
        if correcting.wants_focus {
            response.request_focus();
            commands.push(Command::CorrectFocused);
        }
        if response.changed() {
            commands.push(Command::Correct(Some(query)));
        }
        ui.add_space(4.0);
        if correcting.found.is_empty() {
            widget::weak(ui, text::ask::CORRECT_NOTHING);
        }
        for (entry, question, answer) in &correcting.found {
            ui.horizontal(|ui| {
                let response = widget::button(ui, true, text::ask::THIS_ONE);
                widget::name(ui, &response, &text::ask::this_one(question));
                if response.clicked() {
                    commands.push(Command::CorrectWith(*entry));
                }
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let question = RichText::new(question).text_style(theme::emphasis());
                    ui.add(Label::new(question).truncate());
                    let answer = super::table::one_line(answer);
                    let answer = RichText::new(answer).color(theme::palette(ui).weak);
                    ui.add(Label::new(answer).truncate());
                });
            });
        }
        ui.horizontal_wrapped(|ui| {
            if widget::link(ui, text::ask::ADD_ANSWER).clicked() {
                commands.push(Command::NewEntry(correcting.question.clone()));
            }
        });
    });
}

fn answer(
    ui: &mut Ui,
    state: &State,
    place: usize,
    answer: &Answer,
    reply: &Reply,
    commands: &mut Commands,
) {
    let palette = theme::palette(ui);
    Sides::new().shrink_left().truncate().show(
        ui,
        |ui| {
            let (word, tone) = match confidence::level_of(answer.confidence, answer.score) {
                ConfidenceLevel::Sure => (text::ask::SURE, Tone::Good),
                ConfidenceLevel::Likely => (text::ask::LIKELY, Tone::Warning),
                ConfidenceLevel::Unsure => (text::ask::UNSURE, Tone::Bad),
            };
            let pill = widget::pill(ui, word, tone);
            pill.on_hover_text(text::ask::confidence_details(answer));
            let share = answer.confidence.unwrap_or(answer.score);
            let name = text::ask::confidence(answer.confidence, answer.score);
            widget::bar(ui, share, vec2(90.0, 6.0), &name);
            let source = answer.source.as_deref();
            widget::small(ui, text::ask::place(answer.row.entry + 1, source));
        },
        |ui| actions(ui, state, place, answer, commands),
    );
    let width = ui.available_width();
    if let Some(question) = &answer.question {
        let asked = &reply.question;
        let job = highlight::layout(ui, question, asked, theme::emphasis(), palette.ink, width);
        ui.label(job);
    }
    let ink = if place == state.ask.at {
        palette.ink
    } else {
        palette.weak
    };
    let style = egui::TextStyle::Body;
    let mut job = highlight::layout(ui, &answer.answer, &reply.question, style, ink, width);
    for section in &mut job.sections {
        section.format.line_height = Some(20.0);
    }
    ui.add(Label::new(job).wrap().halign(Align::Min));
}

/// Buttons of an answer, from right to left.
fn actions(ui: &mut Ui, state: &State, place: usize, answer: &Answer, commands: &mut Commands) {
    if place > 0 {
        let response = widget::link(ui, text::ask::COPY);
        widget::name(ui, &response, &text::ask::copy_name(place));
        if response.clicked() {
            commands.push(Command::Copy {
                text: answer.answer.clone(),
                said: text::ask::COPIED,
            });
        }
        return;
    }
    match &state.ask.feedback {
        Some(feedback) => {
            if widget::link(ui, text::shell::UNDO).clicked() {
                commands.push(Command::Undo);
            }
            let thanks = match feedback {
                Feedback::Right(_) => text::ask::THANKS,
                Feedback::Corrected(_) => text::ask::CORRECTED,
            };
            widget::small(ui, thanks);
        }
        None => {
            ui.spacing_mut().item_spacing.x = 16.0;
            if widget::link(ui, text::ask::WRONG)
                .on_hover_text(text::ask::WRONG_HINT)
                .clicked()
            {
                commands.push(Command::Correct(Some(String::new())));
            }
            if widget::link(ui, text::ask::RIGHT)
                .on_hover_text(text::ask::RIGHT_HINT)
                .clicked()
            {
                commands.push(Command::MarkRight(answer.entry));
            }
        }
    }
    let response = widget::button(ui, true, text::ask::COPY).on_hover_text("Enter");
    if response.clicked() {
        commands.push(Command::Copy {
            text: answer.answer.clone(),
            said: text::ask::COPIED,
        });
    }
}
