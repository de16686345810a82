//! The keyboard.

use egui::{Key, Modifiers, Ui};

use super::{Commands, ask};
use crate::{
    command::Command,
    state::{State, Step},
    text,
};

pub(super) fn read(ui: &Ui, state: &State, commands: &mut Commands) {
    let in_box = ui.memory(|memory| memory.has_focus(ask::box_id()));
    ui.input_mut(|input| {
        if input.consume_key(Modifiers::COMMAND, Key::O) {
            commands.push(Command::PickFile);
        }
        for (key, step) in [
            (Key::Num1, Step::Data),
            (Key::Num2, Step::Train),
            (Key::Num3, Step::Ask),
        ] {
            if input.consume_key(Modifiers::COMMAND, key) {
                commands.push(Command::Show(step));
            }
        }
        if input.consume_key(Modifiers::NONE, Key::F5) {
            commands.push(Command::Train);
        }
        if state.step == Step::Ask {
            if in_box && input.consume_key(Modifiers::NONE, Key::Enter) {
                let first = state
                    .ask
                    .reply
                    .as_ref()
                    .and_then(|reply| reply.answers.first());
                commands.extend(first.map(|answer| Command::Copy {
                    text: answer.answer.clone(),
                    said: text::ask::COPIED,
                }));
            }
            if input.consume_key(Modifiers::NONE, Key::Escape) {
                commands.extend([Command::Query(String::new()), Command::Show(Step::Ask)]);
            }
        }
    });
}
