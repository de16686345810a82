//! Lists of test questions: fixed now, got worse, still wrong.

use egui::{RichText, ScrollArea, Sides, Ui};

use super::{
    Commands,
    widget::{self, Tone},
};
use crate::{
    command::Command,
    state::{List, State, Verdict, confidence},
    text, theme,
};
use nearsay_project::held_out::ENOUGH_TO_HOLD_OUT;

/// Every card is as high as any needs.
const HEIGHT: f32 = 146.0;
/// Narrowest width at which the actions fit next to the question.
const ROOM_FOR_ACTIONS: f32 = 660.0;
const NARROW_HEIGHT: f32 = 226.0;
/// Height of a card's margins, outline and the gap below it.
const CARD: f32 = 2.0 * theme::CARD_MARGIN.top as f32 + 2.0 + theme::GAP - 6.0;

pub(super) fn show(ui: &mut Ui, state: &State, list: List, commands: &mut Commands) {
    let checking = &state.training.checking;
    let questions = checking.list(list);
    let asked = checking.now().map_or(0, |check| check.verdicts.len());
    let below = text::results::mistakes_below(list, questions.len(), asked);
    widget::header(ui, text::results::mistakes_title(list), &below, |_| {});
    ui.horizontal_wrapped(|ui| {
        for other in List::ALL {
            let name = text::results::list(other, checking.list(other).len());
            if widget::choice(ui, &name, other == list).clicked() {
                commands.push(Command::Mistakes(Some(other)));
            }
        }
        ui.add_space(8.0);
        if widget::link(ui, text::results::BACK)
            .on_hover_text("Esc")
            .clicked()
        {
            commands.push(Command::Mistakes(None));
        }
    });
    ui.add_space(theme::GAP - 6.0);
    train_again_banner(ui, state, commands);
    if questions.is_empty() {
        widget::card(ui, |ui| widget::weak(ui, text::results::nothing_in(list)));
        return;
    }
    let has_room = ui.available_width() > ROOM_FOR_ACTIONS;
    let height = if has_room { HEIGHT } else { NARROW_HEIGHT };
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, height, questions.len(), |ui, rows| {
            for verdict in questions.iter().skip(rows.start).take(rows.len()) {
                ui.push_id(verdict.row, |ui| {
                    widget::card(ui, |ui| {
                        ui.set_height(height - CARD);
                        card(ui, state, verdict, has_room, commands);
                    });
                });
            }
        });
}

/// A banner that offers to train again after changes to the data.
pub(super) fn train_again_banner(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let edits = state.project.models.changes();
    if edits == 0 || state.training.is_running() {
        return;
    }
    let changes = match state.project.elsewhere() {
        Some(_) => text::folder::changes(edits),
        None => text::train::changes(edits, super::estimate::estimate_chosen(state).as_deref()),
    };
    widget::banner(ui, &changes, |ui| {
        if widget::primary(ui, true, text::train::TRAIN_AGAIN)
            .on_hover_text("F5")
            .clicked()
        {
            commands.push(Command::StartTraining);
        }
    });
}

fn card(ui: &mut Ui, state: &State, verdict: &Verdict, has_room: bool, commands: &mut Commands) {
    let document = &state.project.document;
    let Some(paraphrase) = document.paraphrase(verdict.row) else {
        widget::weak(ui, text::results::GONE);
        return;
    };
    let is_right = verdict.is_right();
    let sure = confidence::is_sure(verdict.confidence, verdict.score);
    let tone = match (is_right, sure) {
        (true, _) => Tone::Good,
        (false, true) => Tone::Bad,
        (false, false) => Tone::Warning,
    };
    let question = |ui: &mut Ui| {
        widget::pill(ui, text::results::verdict_word(is_right, sure), tone);
        let question = RichText::new(&paraphrase.text).text_style(theme::emphasis());
        ui.add(egui::Label::new(question).truncate());
    };
    // Small projects train on every question.
    let is_large = state.project.counts.questions >= ENOUGH_TO_HOLD_OUT;
    let fixes = Fixes {
        accept: !is_right && verdict.given.is_some(),
        learn: !is_right && paraphrase.held_out && is_large,
    };
    if has_room {
        Sides::new()
            .shrink_left()
            .truncate()
            .show(ui, question, |ui| {
                actions(ui, verdict, &paraphrase.text, fixes, commands);
            });
    } else {
        ui.horizontal(question);
        ui.horizontal_wrapped(|ui| actions(ui, verdict, &paraphrase.text, fixes, commands));
    }
    ui.spacing_mut().item_spacing.x = 26.0;
    ui.columns_const(|[left, right]| {
        let given = verdict.given.and_then(|given| document.entries.get(&given));
        let own = document.entries.get(&verdict.row.entry);
        let of = |entry: Option<&nearsay_project::Shared<nearsay_project::Entry>>| {
            entry.map_or_else(String::new, |entry| super::table::one_line(&entry.answer))
        };
        answer(left, text::results::IT_ANSWERED, &of(given));
        let expected = text::results::expected(verdict.rank);
        answer(right, &expected, &of(own));
    });
}

/// Fixes that a question offers.
#[derive(Clone, Copy)]
struct Fixes {
    /// Accept the answer given.
    accept: bool,
    /// Learn from the question.
    learn: bool,
}

/// Buttons of a question, from right to left.
fn actions(ui: &mut Ui, verdict: &Verdict, question: &str, fixes: Fixes, commands: &mut Commands) {
    let mut act = |ui: &mut Ui, plain: bool, name: &str, hint: &str, wanted: Command| {
        let response = if plain {
            widget::link(ui, name)
        } else {
            widget::button(ui, true, name)
        };
        widget::name(ui, &response, &format!("{name}: {question}"));
        if response.on_hover_text(hint).clicked() {
            commands.push(wanted);
        }
    };
    let (name, hint) = (text::results::OPEN_ROW, text::results::OPEN_ROW_HINT);
    act(ui, true, name, hint, Command::OpenRow(verdict.row));
    if fixes.learn {
        let (name, hint) = (text::results::LEARN, text::results::LEARN_HINT);
        act(ui, false, name, hint, Command::TrainOn(*verdict));
    }
    if fixes.accept {
        let (name, hint) = (text::results::RIGHT_TOO, text::results::RIGHT_TOO_HINT);
        act(ui, false, name, hint, Command::MarkRightToo(*verdict));
    }
}

fn answer(ui: &mut Ui, name: &str, answer: &str) {
    let palette = theme::palette(ui);
    widget::small(ui, name);
    let shown = text::cut(answer, 170);
    // Columns would justify the text.
    ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| {
        ui.add(egui::Label::new(RichText::new(shown).color(palette.ink)).wrap());
    });
}
