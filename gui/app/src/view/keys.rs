//! Keyboard shortcuts.

use egui::{InputState, Key, Modifiers, Ui};

use super::{Commands, ask};
use crate::{
    command::{Command, Selection},
    state::{DataView, Overlay, Page, Picked, State},
};

pub(super) fn read(ui: &Ui, state: &State, commands: &mut Commands) {
    let in_box = ui.memory(|memory| memory.has_focus(ask::box_id()));
    let writing = ui.ctx().egui_wants_keyboard_input();
    let covered = state.shell.overlay != Overlay::None
        || state.data.draft.is_some()
        || state.data.paste.is_some()
        || state.data.columns.is_some();
    ui.input_mut(|input| {
        read_global(input, state, writing, commands);
        if covered {
            if let Overlay::Commands(..) = state.shell.overlay {
                super::commands::keys(input, state, commands);
            }
            return;
        }
        if input.consume_key(Modifiers::NONE, Key::F5) {
            commands.push(Command::StartTraining);
        }
        match state.page {
            Page::Ask => read_ask(input, state, in_box, commands),
            Page::Train
                if state.training.mistakes.is_some()
                    && input.consume_key(Modifiers::NONE, Key::Escape) =>
            {
                commands.push(Command::Mistakes(None));
            }
            Page::Data if !writing && state.data.view == DataView::Table => {
                read_table(input, state, commands);
            }
            _ => {}
        }
    });
}

fn read_global(input: &mut InputState, state: &State, writing: bool, commands: &mut Commands) {
    let ctrl = Modifiers::COMMAND;
    if input.consume_key(ctrl, Key::K) {
        commands.push(Command::Overlay(Overlay::Commands(String::new(), 0)));
    }
    if input.consume_key(Modifiers::NONE, Key::F1) {
        commands.push(Command::Overlay(Overlay::Help));
    }
    for (key, steps) in [
        (Key::Plus, 1),
        (Key::Equals, 1),
        (Key::Minus, -1),
        (Key::Num0, 0),
    ] {
        if input.consume_key(ctrl, key) {
            commands.push(Command::ChangeTextSize(steps));
        }
    }
    for (key, page) in [
        (Key::Num1, Page::Data),
        (Key::Num2, Page::Train),
        (Key::Num3, Page::Ask),
        (Key::Num4, Page::Export),
    ] {
        if input.consume_key(ctrl, key) {
            commands.push(Command::Show(page));
        }
    }
    if input.consume_key(ctrl, Key::O) {
        commands.push(Command::Pick(Picked::Faqs));
    }
    if input.consume_key(ctrl, Key::F) {
        commands.push(Command::FilterFocus(true));
    }
    if input.consume_key(ctrl, Key::S) {
        commands.push(Command::RetrySave);
    }
    // A text box has its own undo.
    if !writing {
        if input.consume_key(ctrl | Modifiers::SHIFT, Key::Z) || input.consume_key(ctrl, Key::Y) {
            commands.push(Command::Redo);
        }
        if input.consume_key(ctrl, Key::Z) {
            commands.push(Command::Undo);
        }
    }
    if state.shell.overlay != Overlay::None && input.consume_key(Modifiers::NONE, Key::Escape) {
        commands.push(Command::Overlay(Overlay::None));
    }
}

fn read_ask(input: &mut InputState, state: &State, in_box: bool, commands: &mut Commands) {
    let none = Modifiers::NONE;
    if in_box {
        if input.consume_key(none, Key::Enter) {
            commands.push(Command::CopyAnswer);
        }
        for (key, steps) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1)] {
            if input.consume_key(none, key) {
                commands.push(Command::AnswerNext(steps));
            }
        }
    }
    if input.consume_key(none, Key::Escape) {
        if state.ask.correcting.is_some() {
            commands.push(Command::Correct(None));
        } else {
            commands.extend([Command::Ask(String::new()), Command::Show(Page::Ask)]);
        }
    }
}

fn read_table(input: &mut InputState, state: &State, commands: &mut Commands) {
    let (none, shift) = (Modifiers::NONE, Modifiers::SHIFT);
    for (key, steps) in [
        (Key::ArrowDown, 1),
        (Key::ArrowUp, -1),
        (Key::PageDown, 12),
        (Key::PageUp, -12),
        (Key::Home, i32::MIN),
        (Key::End, i32::MAX),
    ] {
        if input.consume_key(shift, key) {
            commands.push(Command::SelectNext(steps, Selection::Range));
        } else if input.consume_key(none, key) {
            commands.push(Command::SelectNext(steps, Selection::Only));
        }
    }
    if input.consume_key(Modifiers::COMMAND, Key::A) {
        commands.push(Command::SelectAll(true));
    }
    if state.data.chosen.is_empty() {
        return;
    }
    if input.consume_key(none, Key::Escape) {
        commands.push(Command::SelectAll(false));
    }
    if input.consume_key(none, Key::Delete) {
        commands.push(Command::Delete);
    }
    if let (Some(at), true) = (state.data.at, input.consume_key(none, Key::F2)) {
        commands.push(Command::EditEntry(at));
    }
}
