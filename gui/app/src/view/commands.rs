//! The command palette.

use egui::{InputState, Key, Modifiers, RichText, ScrollArea, Sides, TextEdit, Ui};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{Appearance, DataView, List, Overlay, Page, Picked, State},
    text, theme,
};

type Make = fn() -> Command;

/// Commands with name and shortcut. A command that isn't possible now shows a message when it is chosen.
const ALL: &[(&str, &str, Make)] = &[
    (text::shell::GO_DATA, "Ctrl+1", || Command::Show(Page::Data)),
    (text::shell::GO_TRAIN, "Ctrl+2", || {
        Command::Show(Page::Train)
    }),
    (text::shell::GO_ASK, "Ctrl+3", || Command::Show(Page::Ask)),
    (text::shell::GO_EXPORT, "Ctrl+4", || {
        Command::Show(Page::Export)
    }),
    (text::shell::DO_OPEN, "Ctrl+O", || {
        Command::Pick(Picked::Faqs)
    }),
    (text::shell::DO_PASTE, "", || {
        Command::Paste(Some(String::new()))
    }),
    (text::shell::DO_NEW_ENTRY, "", || {
        Command::NewEntry(String::new())
    }),
    (text::shell::DO_FILTER, "Ctrl+F", || {
        Command::FilterFocus(true)
    }),
    (text::shell::DO_FIX, "", || {
        Command::DataView(DataView::Fixes)
    }),
    (text::shell::DO_TOPICS, "", || {
        Command::DataView(DataView::Topics)
    }),
    (text::shell::DO_TRAIN, "F5", || Command::StartTraining),
    (text::shell::DO_STOP, "", || Command::StopTraining),
    (text::shell::DO_MISTAKES, "", || {
        Command::Mistakes(Some(List::Wrong))
    }),
    (text::shell::DO_GO_BACK, "", || {
        Command::RestorePreviousModel
    }),
    (text::shell::DO_BATCH, "", || {
        Command::Pick(Picked::Questions)
    }),
    (text::shell::UNDO, "Ctrl+Z", || Command::Undo),
    (text::shell::REDO, "Ctrl+Shift+Z", || Command::Redo),
    (text::shell::DO_NEW, "", || Command::NewProject),
    (text::shell::DO_OPEN_PROJECT, "", || {
        Command::Pick(Picked::Project)
    }),
    (text::shell::DO_PROJECTS, "", || {
        Command::Overlay(Overlay::Projects)
    }),
    (text::shell::DO_COPY, "", || Command::CopyProject),
    (text::shell::DO_SAMPLE, "", || Command::OpenSample),
    (text::shell::DO_LIGHT, "", || {
        Command::SetAppearance(Appearance::Light)
    }),
    (text::shell::DO_DARK, "", || {
        Command::SetAppearance(Appearance::Dark)
    }),
    (text::shell::DO_SYSTEM, "", || {
        Command::SetAppearance(Appearance::System)
    }),
    (text::shell::DO_LARGER, "Ctrl++", || {
        Command::ChangeTextSize(1)
    }),
    (text::shell::DO_SMALLER, "Ctrl+-", || {
        Command::ChangeTextSize(-1)
    }),
    (text::shell::DO_MESSAGES, "", || {
        Command::Overlay(Overlay::Messages)
    }),
    (text::shell::HELP, "F1", || Command::Overlay(Overlay::Help)),
];

/// Commands whose names contain every word of `query`.
fn find_commands(query: &str) -> Vec<&'static (&'static str, &'static str, Make)> {
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    ALL.iter()
        .filter(|(name, _, _)| {
            let name = name.to_lowercase();
            words.iter().all(|word| name.contains(word.as_str()))
        })
        .collect()
}

/// Keys that move the selection; the search box would consume them otherwise.
pub(super) fn keys(input: &mut InputState, state: &State, commands: &mut Commands) {
    let Overlay::Commands(query, at) = &state.shell.overlay else {
        return;
    };
    let found = find_commands(query);
    let last = found.len().saturating_sub(1);
    let mut to = |at: usize| commands.push(Command::Overlay(Overlay::Commands(query.clone(), at)));
    if input.consume_key(Modifiers::NONE, Key::ArrowDown) {
        to((at + 1).min(last));
    } else if input.consume_key(Modifiers::NONE, Key::ArrowUp) {
        to(at.saturating_sub(1));
    }
    // Text typed before the box has the focus belongs to the box, too.
    if state.shell.overlay_is_new {
        let mut typed = query.clone();
        input.events.retain(|event| match event {
            egui::Event::Text(text) => {
                typed.push_str(text);
                false
            }
            _ => true,
        });
        if typed != *query {
            commands.push(Command::Overlay(Overlay::Commands(typed, 0)));
        }
    }
}

pub(super) fn show(ui: &mut Ui, state: &State, query: &str, at: usize, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let mut typed = query.to_owned();
    let edit = TextEdit::singleline(&mut typed)
        .hint_text(text::shell::COMMANDS_BOX)
        .font(theme::search())
        .align(egui::Align2::LEFT_CENTER)
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    widget::name(ui, &response, text::shell::COMMANDS_BOX);
    let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    if response.changed() {
        commands.push(Command::Overlay(Overlay::Commands(typed.clone(), 0)));
    }
    let found = find_commands(&typed);
    let at = if typed == query { at } else { 0 };
    if entered {
        if let Some((_, _, make)) = found.get(at) {
            commands.extend([Command::Overlay(Overlay::None), make()]);
        }
    } else if response.has_focus() {
        if state.shell.overlay_is_new {
            commands.push(Command::OverlayFocused);
        }
    } else {
        response.request_focus();
    }
    ui.add_space(6.0);
    if found.is_empty() {
        widget::weak(ui, text::shell::NO_COMMAND);
    }
    ScrollArea::vertical().max_height(340.0).show(ui, |ui| {
        for (number, (name, key, make)) in found.into_iter().enumerate() {
            let is_at = number == at;
            let frame = egui::Frame::new()
                .fill(if is_at {
                    palette.accent_ground
                } else {
                    palette.card
                })
                .corner_radius(theme::RADIUS)
                .inner_margin(egui::Margin::symmetric(8, 2));
            let shown = frame.show(ui, |ui| {
                Sides::new().show(
                    ui,
                    |ui| {
                        let label = RichText::new(*name).color(palette.ink);
                        let button = egui::Button::new(label).frame(false);
                        widget::compact(ui, |ui| ui.add(button)).clicked()
                    },
                    |ui| widget::small(ui, *key),
                )
            });
            if is_at {
                shown.response.scroll_to_me(None);
            }
            if shown.inner.0 {
                commands.extend([Command::Overlay(Overlay::None), make()]);
            }
        }
    });
}
