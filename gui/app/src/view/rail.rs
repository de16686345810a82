//! The left rail: the project, the pages with their state, undo, settings and help.

use egui::{
    Align, Align2, Layout, Painter, Pos2, Rect, RichText, Role, Sense, Stroke, StrokeKind,
    TextStyle, Ui, WidgetInfo, vec2,
};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{Overlay, Page, State},
    text,
    theme::{self, Palette},
};

const ITEM_HEIGHT: f32 = 57.0;
const NARROW_HEIGHT: f32 = 46.0;

pub(super) fn show(ui: &mut Ui, state: &State, is_narrow: bool, commands: &mut Commands) {
    ui.spacing_mut().item_spacing.y = 3.0;
    project(ui, state, is_narrow, commands);
    ui.add_space(if is_narrow { 6.0 } else { 14.0 });
    for page in Page::ALL {
        if item(ui, page, state, is_narrow) {
            commands.push(Command::Show(page));
        }
    }
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
        ui.spacing_mut().interact_size.y = 24.0;
        tools(ui, state, is_narrow, commands);
    });
}

/// The project's name, which opens the list of projects.
fn project(ui: &mut Ui, state: &State, is_narrow: bool, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let name = match state.project.name() {
        "" => text::shell::APP,
        name => name,
    };
    let below = text::shell::saved(&state.project);
    let height = if is_narrow { 34.0 } else { 44.0 };
    let size = vec2(ui.available_width(), height);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Button,
            true,
            text::shell::project_button(name, &below),
        )
    });
    if response.hovered() {
        ui.painter().rect_filled(rect, theme::RADIUS, palette.hover);
    }
    widget::focus_ring(ui, &response, palette);
    if is_narrow {
        chevron(ui.painter(), rect.center(), palette.ink);
    } else {
        let left = rect.left_top() + vec2(11.0, 3.0);
        let room = rect.width() - 34.0;
        let galley = widget::one_line(ui, name, theme::title(), palette.ink, room);
        let end = left.x + galley.size().x;
        ui.painter().galley(left, galley, palette.ink);
        chevron(
            ui.painter(),
            egui::pos2(end + 11.0, left.y + 10.0),
            palette.ink,
        );
        let ink = match state.project.saved {
            crate::state::Saved::No(_) => palette.bad,
            _ => palette.weak,
        };
        let galley = widget::one_line(ui, &below, TextStyle::Small, ink, rect.width() - 20.0);
        ui.painter().galley(left + vec2(0.0, 21.0), galley, ink);
    }
    if response.on_hover_text(text::shell::PROJECTS_HINT).clicked() {
        commands.push(Command::Overlay(Overlay::Projects));
    }
}

fn chevron(painter: &Painter, centre: Pos2, ink: egui::Color32) {
    let line = Stroke::new(1.6, ink);
    painter.line_segment([centre + vec2(-4.0, -2.0), centre + vec2(0.0, 2.5)], line);
    painter.line_segment([centre + vec2(0.0, 2.5), centre + vec2(4.0, -2.0)], line);
}

fn page_status(page: Page, state: &State) -> String {
    match page {
        Page::Data => text::data::rail(&state.project.document, state.data.reading.is_some()),
        Page::Train => text::train::rail(&state.training, &state.project.models),
        Page::Ask => text::ask::rail(state),
        Page::Export => text::export::rail(&state.export),
    }
}

fn item(ui: &mut Ui, page: Page, state: &State, is_narrow: bool) -> bool {
    let palette = theme::palette(ui);
    let chosen = state.page == page;
    let (title, below) = (text::shell::page(page), page_status(page, state));
    let height = if is_narrow {
        NARROW_HEIGHT
    } else {
        ITEM_HEIGHT
    };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, chosen, format!("{title}, {below}"))
    });
    let painter = ui.painter().with_clip_rect(rect.expand(4.0));
    if chosen || response.hovered() {
        let fill = if chosen { palette.card } else { palette.hover };
        painter.rect_filled(rect, theme::RADIUS, fill);
    }
    if chosen {
        let line = Stroke::new(1.0, palette.border);
        painter.rect_stroke(rect, theme::RADIUS, line, StrokeKind::Inside);
    }
    widget::focus_ring(ui, &response, palette);
    let ink = if chosen { palette.accent } else { palette.weak };
    if is_narrow {
        icon(
            &painter,
            page,
            rect.center_top() + vec2(0.0, 15.0),
            ink,
            palette,
        );
        let galley = widget::one_line(ui, title, TextStyle::Small, palette.ink, rect.width());
        let at = rect.center_top() + vec2(-galley.size().x / 2.0, 26.0);
        painter.galley(at, galley, palette.ink);
    } else {
        icon(
            &painter,
            page,
            rect.left_top() + vec2(17.0, 20.0),
            ink,
            palette,
        );
        let at = rect.left_top() + vec2(35.0, 12.0);
        let font = theme::emphasis().resolve(ui.style());
        painter.text(at, Align2::LEFT_TOP, title, font, palette.ink);
        let galley = widget::one_line(
            ui,
            &below,
            TextStyle::Small,
            palette.weak,
            rect.width() - 42.0,
        );
        painter.galley(at + vec2(0.0, 19.0), galley, palette.weak);
    }
    let key = text::shell::page_key(page);
    let hint = if is_narrow {
        format!("{title}, {below} ({key})")
    } else {
        key.to_owned()
    };
    response.on_hover_text(hint).clicked()
}

/// Draws the icon of a page: rows, a half-filled disc, a magnifying glass, an arrow out of a tray.
fn icon(painter: &Painter, page: Page, centre: Pos2, ink: egui::Color32, palette: &Palette) {
    let line = Stroke::new(1.5, ink);
    match page {
        Page::Data => {
            let rect = Rect::from_center_size(centre, vec2(13.0, 12.0));
            painter.rect_stroke(rect, 2.5, line, StrokeKind::Middle);
            for y in [-2.0, 2.0] {
                painter.hline(rect.x_range(), centre.y + y, Stroke::new(1.2, ink));
            }
        }
        Page::Train => {
            painter.circle_filled(centre, 6.0, ink);
            let half = Rect::from_min_max(centre - vec2(0.0, 8.0), centre + vec2(8.0, 8.0));
            painter
                .with_clip_rect(half)
                .circle_filled(centre, 4.6, palette.rail);
        }
        Page::Ask => {
            painter.circle_stroke(centre - vec2(1.0, 1.0), 5.0, line);
            painter.line_segment(
                [centre + vec2(2.8, 2.8), centre + vec2(6.5, 6.5)],
                Stroke::new(1.8, ink),
            );
        }
        Page::Export => {
            let (top, bottom) = (centre + vec2(0.0, -6.5), centre + vec2(0.0, 2.5));
            painter.line_segment([top, bottom], line);
            painter.line_segment([top, top + vec2(-3.5, 3.5)], line);
            painter.line_segment([top, top + vec2(3.5, 3.5)], line);
            let tray = [
                centre + vec2(-6.0, 1.5),
                centre + vec2(-6.0, 6.0),
                centre + vec2(6.0, 6.0),
                centre + vec2(6.0, 1.5),
            ];
            painter.line(tray.to_vec(), line);
        }
    }
}

/// Undo, redo, commands, settings and help, from the bottom up.
fn tools(ui: &mut Ui, state: &State, is_narrow: bool, commands: &mut Commands) {
    let history = &state.project.history;
    let undo = history.next_undo().map(text::shell::undo_hint);
    let redo = history.next_redo().map(text::shell::redo_hint);
    let all = Command::Overlay(Overlay::Commands(String::new(), 0));
    if is_narrow {
        ui.vertical_centered(|ui| {
            tool_button(
                ui,
                true,
                text::shell::MENU,
                text::shell::COMMANDS_HINT,
                all,
                commands,
            );
        });
        return;
    }
    let row = |ui: &mut Ui, add: &mut dyn FnMut(&mut Ui)| {
        ui.horizontal(|ui| {
            ui.add_space(7.0);
            ui.spacing_mut().item_spacing.x = 10.0;
            add(ui);
        });
    };
    row(ui, &mut |ui| {
        let settings = Command::Overlay(Overlay::Settings);
        tool_button(
            ui,
            true,
            text::shell::SETTINGS,
            text::shell::SETTINGS_HINT,
            settings,
            commands,
        );
        let help = Command::Overlay(Overlay::Help);
        tool_button(
            ui,
            true,
            text::shell::HELP,
            text::shell::HELP_HINT,
            help,
            commands,
        );
    });
    let mut all = Some(all);
    row(ui, &mut |ui| {
        if let Some(all) = all.take() {
            tool_button(
                ui,
                true,
                text::shell::COMMANDS,
                text::shell::COMMANDS_HINT,
                all,
                commands,
            );
        }
    });
    row(ui, &mut |ui| {
        let hint = undo.as_deref().unwrap_or(text::shell::NOTHING_TO_UNDO);
        tool_button(
            ui,
            undo.is_some(),
            text::shell::UNDO,
            hint,
            Command::Undo,
            commands,
        );
        let hint = redo.as_deref().unwrap_or(text::shell::NOTHING_TO_REDO);
        tool_button(
            ui,
            redo.is_some(),
            text::shell::REDO,
            hint,
            Command::Redo,
            commands,
        );
    });
}

fn tool_button(
    ui: &mut Ui,
    enabled: bool,
    name: &str,
    hint: &str,
    command: Command,
    commands: &mut Commands,
) {
    let palette = theme::palette(ui);
    let button = egui::Button::new(RichText::new(name).small().color(palette.weak)).frame(false);
    let response = widget::compact(ui, |ui| {
        ui.spacing_mut().button_padding.x = 4.0;
        ui.add_enabled(enabled, button)
    });
    widget::focus_ring(ui, &response, palette);
    let clicked = response.clicked();
    response.on_hover_text(hint).on_disabled_hover_text(hint);
    if clicked {
        commands.push(command);
    }
}
