//! The editor of an entry.

use egui::{Key, Modifiers, RichText, Sides, TextEdit, Ui};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{Draft, State},
    text, theme,
};

pub(super) fn show(ui: &Ui, state: &State, commands: &mut Commands) {
    let Some(draft) = &state.data.draft else {
        return;
    };
    let mut changed = draft.clone();
    let mut done = false;
    let close = widget::sheet(ui, "draft", 620.0, |ui| {
        form(ui, draft, &mut changed);
        ui.add_space(10.0);
        Sides::new().show(
            ui,
            |ui| {
                if !draft.is_complete() {
                    widget::small(ui, text::data::DRAFT_LACKS);
                }
            },
            |ui| {
                let enabled = draft.is_complete();
                let keep = widget::primary(ui, enabled, text::data::KEEP);
                done = keep.on_hover_text(text::data::KEEP_HINT).clicked();
                if widget::button(ui, true, text::shell::CANCEL).clicked() {
                    commands.push(Command::DiscardDraft);
                }
            },
        );
    });
    let enter = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter));
    if changed != *draft {
        commands.push(Command::SetDraft(Box::new(changed)));
    }
    if done || enter {
        commands.push(Command::SaveDraft);
    } else if close == widget::Closed::ByKey {
        commands.push(Command::DiscardDraft);
    }
}

fn form(ui: &mut Ui, draft: &Draft, changed: &mut Draft) {
    let palette = theme::palette(ui);
    ui.label(RichText::new(text::data::draft_title(draft.of)).heading());
    if let Some(wrong) = &draft.wrong {
        ui.label(RichText::new(format!("! {wrong}")).color(palette.warning));
    }
    ui.add_space(8.0);
    widget::small(ui, text::data::DRAFT_QUESTIONS);
    let mut gone = None;
    let several = draft.paraphrases.len() > 1;
    for (number, (paraphrase, held_out)) in changed.paraphrases.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let room = ui.available_width() - if several { 150.0 } else { 0.0 };
            let edit = TextEdit::singleline(paraphrase)
                .hint_text(text::data::QUESTION_HINT)
                .align(egui::Align2::LEFT_CENTER)
                .desired_width(room - 10.0);
            let response = ui.add(edit);
            widget::name(ui, &response, &text::data::paraphrase_name(number));
            if draft.wants_focus == Some(number) {
                response.request_focus();
            }
            if several {
                let name = text::data::role(*held_out);
                let label = RichText::new(name).small();
                let button = ui.add(egui::Button::new(label).frame(false));
                let hint = text::data::role_hint(*held_out);
                widget::name(
                    ui,
                    &button,
                    &format!("{} {hint}", text::data::paraphrase_name(number)),
                );
                widget::focus_ring(ui, &button, palette);
                if button.on_hover_text(hint).clicked() {
                    *held_out = !*held_out;
                }
                let remove = widget::link(ui, text::data::REMOVE);
                widget::name(ui, &remove, &text::data::remove_name(number));
                if remove.clicked() {
                    gone = Some(number);
                }
            }
        });
    }
    if let Some(number) = gone {
        changed.paraphrases.remove(number);
    }
    if widget::link(ui, text::data::ADD_PARAPHRASE).clicked() {
        changed.paraphrases.push((String::new(), false));
        changed.wants_focus = Some(changed.paraphrases.len() - 1);
        return;
    }
    ui.add_space(8.0);
    widget::small(ui, text::data::ANSWER);
    let edit = TextEdit::multiline(&mut changed.answer)
        .hint_text(text::data::ANSWER_HINT)
        .desired_rows(5)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    widget::name(ui, &response, text::data::ANSWER);
    if draft.wants_focus == Some(draft.paraphrases.len()) {
        response.request_focus();
    }
    ui.add_space(4.0);
    widget::small(ui, text::data::SOURCE);
    let edit = TextEdit::singleline(&mut changed.source)
        .hint_text(text::data::SOURCE_HINT)
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(260.0);
    let response = ui.add(edit);
    widget::name(ui, &response, text::data::SOURCE);
    changed.wants_focus = None;
}
