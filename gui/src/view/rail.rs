//! The left rail: the three steps and how they stand.

use egui::{
    Align, Align2, Layout, Painter, Pos2, Rect, RichText, Role, Sense, Stroke, StrokeKind,
    TextStyle, Ui, WidgetInfo, pos2, vec2,
};

use super::{Commands, widget};
use crate::{
    command::Command,
    state::{Appearance, State, Step},
    text,
    theme::{self, Palette},
};

const ITEM_HEIGHT: f32 = 57.0;

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let weak = theme::palette(ui).weak;
    ui.spacing_mut().item_spacing.y = 3.0;
    ui.horizontal(|ui| {
        ui.add_space(11.0);
        ui.vertical(|ui| {
            let name = state.project_name().unwrap_or(text::shell::APP);
            ui.add(egui::Label::new(RichText::new(name).text_style(theme::title())).truncate());
            let below = if state.project_name().is_some() {
                text::shell::APP
            } else {
                text::shell::TAGLINE
            };
            ui.label(RichText::new(below).small().color(weak));
        });
    });
    ui.add_space(14.0);
    for step in Step::ALL {
        if item(ui, step, state) {
            commands.push(Command::Show(step));
        }
    }
    ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
        appearance(ui, state.appearance, commands)
    });
}

fn below(step: Step, state: &State) -> String {
    let set = state.data.set.as_ref();
    let trained = set.is_some_and(|set| set.trained_before);
    match step {
        Step::Data => text::data::rail(set, state.data.reading.is_some()),
        Step::Train => text::train::rail(&state.training, trained),
        Step::Ask => text::ask::rail(trained).to_owned(),
    }
}

fn item(ui: &mut Ui, step: Step, state: &State) -> bool {
    let palette = theme::palette(ui);
    let chosen = state.step == step;
    let (title, below) = (text::shell::step(step), below(step, state));
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), ITEM_HEIGHT), Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(Role::Button, true, chosen, format!("{title}, {below}"))
    });
    let painter = ui.painter().with_clip_rect(rect.expand(4.0));
    if chosen || response.hovered() {
        let fill = if chosen { palette.card } else { palette.hover };
        painter.rect_filled(rect, theme::RADIUS, fill);
    }
    if chosen {
        painter.rect_stroke(
            rect,
            theme::RADIUS,
            Stroke::new(1.0, palette.border),
            StrokeKind::Inside,
        );
    }
    widget::ring(ui, &response, palette);
    let ink = if chosen { palette.accent } else { palette.weak };
    icon(
        &painter,
        step,
        rect.left_top() + vec2(17.0, 20.0),
        ink,
        palette,
    );
    let font = |style: TextStyle| style.resolve(ui.style());
    let at = rect.left_top() + vec2(35.0, 12.0);
    painter.text(
        at,
        Align2::LEFT_TOP,
        title,
        font(theme::emphasis()),
        palette.ink,
    );
    painter.text(
        at + vec2(0.0, 19.0),
        Align2::LEFT_TOP,
        below,
        font(TextStyle::Small),
        palette.weak,
    );
    response
        .on_hover_text(text::shell::step_key(step))
        .clicked()
}

/// Small own drawings: rows, a half-filled disc, a magnifying glass.
fn icon(painter: &Painter, step: Step, centre: Pos2, ink: egui::Color32, palette: &Palette) {
    let line = Stroke::new(1.5, ink);
    match step {
        Step::Data => {
            let rect = Rect::from_center_size(centre, vec2(13.0, 12.0));
            painter.rect_stroke(rect, 2.5, line, StrokeKind::Middle);
            for y in [-2.0, 2.0] {
                painter.hline(rect.x_range(), centre.y + y, Stroke::new(1.2, ink));
            }
        }
        Step::Train => {
            painter.circle_filled(centre, 6.0, ink);
            let half = Rect::from_min_max(centre - vec2(0.0, 8.0), centre + vec2(8.0, 8.0));
            painter
                .with_clip_rect(half)
                .circle_filled(centre, 4.6, palette.rail);
        }
        Step::Ask => {
            painter.circle_stroke(centre - vec2(1.0, 1.0), 5.0, line);
            painter.line_segment(
                [centre + vec2(2.8, 2.8), centre + vec2(6.5, 6.5)],
                Stroke::new(1.8, ink),
            );
        }
    }
}

fn appearance(ui: &mut Ui, chosen: Appearance, commands: &mut Commands) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.add_space(11.0);
        ui.spacing_mut().item_spacing.x = 12.0;
        for appearance in [Appearance::System, Appearance::Light, Appearance::Dark] {
            let is_chosen = appearance == chosen;
            let ink = if is_chosen {
                palette.accent
            } else {
                palette.weak
            };
            let name = text::shell::appearance(appearance);
            let button = egui::Button::new(RichText::new(name).small().color(ink)).frame(false);
            let response = widget::low(ui, |ui| ui.add(button));
            response.widget_info(|| {
                let name = format!("{}: {name}", text::shell::APPEARANCE);
                WidgetInfo::selected(Role::RadioButton, true, is_chosen, name)
            });
            if is_chosen {
                let rect = response.rect;
                let from = pos2(rect.left(), rect.bottom() - 3.0);
                ui.painter().line_segment(
                    [from, pos2(rect.right(), from.y)],
                    Stroke::new(1.5, palette.accent),
                );
            }
            widget::ring(ui, &response, palette);
            if response.clicked() {
                commands.push(Command::Appear(appearance));
            }
        }
    });
}
