//! The Ask step.

use egui::{
    Align, Frame, Id, Label, Margin, RichText, ScrollArea, Sides, Stroke, TextEdit, TextFormat, Ui,
    UiBuilder, text::LayoutJob, vec2,
};

use super::{
    Commands, train, trouble,
    widget::{self, Tone},
};
use crate::{
    command::Command,
    state::{Answer, AskPhase, Dataset, Reply, State, Step},
    text, theme,
};

/// The search box, to know whether it has the keyboard.
pub(super) fn box_id() -> Id {
    Id::unique("ask-box")
}

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let Some(set) = &state.data.set else {
        return train::nothing(
            ui,
            text::ask::NO_MODEL,
            text::ask::NO_DATA_MORE,
            text::ask::GO_DATA,
            Step::Data,
            commands,
        );
    };
    if !set.trained_before {
        return train::nothing(
            ui,
            text::ask::NO_MODEL,
            text::ask::NO_MODEL_MORE,
            text::ask::GO_TRAIN,
            Step::Train,
            commands,
        );
    }
    search_box(ui, state, commands);
    ui.add_space(6.0);
    let column = ui.available_rect_before_wrap();
    // The bar runs along the window's edge, as on the other pages, not along the answers'.
    let edge = column.with_max_x(column.max.x + f32::from(theme::PAGE_MARGIN.right));
    ui.scope_builder(UiBuilder::new().max_rect(edge), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(column.width());
            found(ui, state, set, commands);
        });
    });
}

/// Below the search box: what was found, or what could be asked.
fn found(ui: &mut Ui, state: &State, set: &Dataset, commands: &mut Commands) {
    if let Some(trouble) = &state.ask.trouble {
        trouble::show(ui, trouble, commands, |ui, commands| {
            if state.ask.phase == AskPhase::Ended
                && widget::primary(ui, true, text::ask::TRY_AGAIN).clicked()
            {
                commands.push(Command::AskAgain);
            }
        });
    }
    match &state.ask.reply {
        Some(reply) => answers(ui, reply, commands),
        None if state.ask.waiting => {
            widget::small(ui, text::ask::LOADING);
        }
        None if state.ask.query.trim().is_empty() => examples(ui, set, commands),
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
    ui.ctx()
        .accesskit_node_builder(response.id, |node| node.set_label(text::ask::BOX));
    if response.changed() {
        // One question is one line, wherever it was pasted from.
        commands.push(Command::Query(query.replace(['\n', '\r'], " ")));
    }
    if state.ask.wants_focus {
        response.request_focus();
        commands.push(Command::Focused);
    }
}

fn examples(ui: &mut Ui, set: &Dataset, commands: &mut Commands) {
    widget::card(ui, |ui| {
        widget::title(ui, text::ask::EXAMPLES);
        for example in set.examples() {
            if widget::link(ui, example).clicked() {
                commands.extend([Command::Query(example.to_owned()), Command::Show(Step::Ask)]);
            }
        }
        ui.add_space(4.0);
        widget::small(ui, text::ask::KEYS);
    });
}

fn answers(ui: &mut Ui, reply: &Reply, commands: &mut Commands) {
    if reply.answers.is_empty() {
        widget::weak(ui, text::ask::NOTHING);
        return;
    }
    if reply.confident {
        widget::small(ui, text::ask::found(reply.answers.len(), reply.took_ms));
    } else {
        let ink = theme::palette(ui).warning;
        ui.label(RichText::new(format!("! {}", text::ask::NO_GOOD_ANSWER)).color(ink));
    }
    ui.add_space(4.0);
    for (place, answer) in reply.answers.iter().enumerate() {
        let add = |ui: &mut Ui| self::answer(ui, place, answer, reply, commands);
        if place == 0 && reply.confident {
            widget::accent_card(ui, add)
        } else {
            widget::card(ui, add)
        }
    }
}

fn answer(ui: &mut Ui, place: usize, answer: &Answer, reply: &Reply, commands: &mut Commands) {
    let palette = theme::palette(ui);
    Sides::new().shrink_left().truncate().show(
        ui,
        |ui| {
            let (word, tone) = match place {
                0 if reply.confident => (text::ask::SURE, Tone::Good),
                0 => (text::ask::UNSURE, Tone::Bad),
                _ => (text::ask::NEXT, Tone::Plain),
            };
            widget::pill(ui, word, tone);
            let name = text::ask::score(answer.score);
            widget::bar(ui, answer.score as f32, vec2(90.0, 6.0), &name).on_hover_text(&name);
            if let Some(row) = answer.row {
                widget::small(ui, text::ask::row(row));
            }
        },
        |ui| {
            let response = ui.add(egui::Button::new(text::ask::COPY));
            response.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::Button, true, text::ask::copy_name(place))
            });
            if response.clicked() {
                commands.push(Command::Copy {
                    text: answer.answer.clone(),
                    said: text::ask::COPIED,
                });
            }
        },
    );
    let width = ui.available_width();
    if let Some(question) = &answer.question {
        let job = marked(
            ui,
            question,
            &reply.question,
            theme::emphasis(),
            palette.ink,
            width,
        );
        ui.label(job);
    }
    let ink = if place == 0 {
        palette.ink
    } else {
        palette.weak
    };
    ui.add(
        Label::new(
            RichText::new(&answer.answer)
                .color(ink)
                .line_height(Some(20.0)),
        )
        .wrap()
        .halign(Align::Min),
    );
}

/// `text` with the words it shares with `query` marked. The same letters, no more: it does not
/// claim to say why the model chose it.
fn marked(
    ui: &Ui,
    text: &str,
    query: &str,
    style: egui::TextStyle,
    ink: egui::Color32,
    width: f32,
) -> LayoutJob {
    let palette = theme::palette(ui);
    let plain = TextFormat {
        font_id: style.resolve(ui.style()),
        color: ink,
        ..TextFormat::default()
    };
    let bright = TextFormat {
        background: palette.mark,
        ..plain.clone()
    };
    let asked: Vec<String> = words(query)
        .map(str::to_lowercase)
        .filter(|word| text::ask::says_something(word))
        .collect();
    let mut job = LayoutJob::default();
    job.wrap.max_width = width;
    let mut rest = text;
    for word in words(text) {
        let Some(at) = rest.find(word) else { continue };
        let (before, from) = rest.split_at(at);
        let (word, after) = from.split_at(word.len());
        job.append(before, 0.0, plain.clone());
        let shared = asked.contains(&word.to_lowercase());
        job.append(
            word,
            0.0,
            if shared {
                bright.clone()
            } else {
                plain.clone()
            },
        );
        rest = after;
    }
    job.append(rest, 0.0, plain);
    job
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}
