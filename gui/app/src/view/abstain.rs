//! A slider for the abstain threshold, with its predicted effect.

use egui::{Frame, RichText, Slider, Ui};

use super::{Commands, data::dashed_outline, widget};
use crate::{command::Command, state::State, text, theme};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let palette = theme::palette(ui);
    let checking = &state.training.checking;
    if checking.now().is_none() && !checking.elsewhere {
        return;
    }
    let frame = Frame::new()
        .inner_margin(theme::CARD_MARGIN)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            widget::title(ui, text::ask::ABSTAIN);
            let Some(check) = checking.now() else {
                widget::weak(
                    ui,
                    text::folder::confidence_source(state.project.elsewhere()),
                );
                return;
            };
            if check.risk_coverage.is_empty() {
                widget::weak(ui, text::ask::ABSTAIN_TOO_FEW);
                return;
            }
            let saved = state.project.document.options.abstain_below;
            // The widget keeps the value while the slider is dragged, so that a drag is one step to undo.
            let id = ui.scope_id().with("silence");
            let dragged = ui.data(|data| data.get_temp::<u8>(id));
            let mut threshold = dragged.unwrap_or(saved);
            let (answered, wrong) = check
                .risk_coverage
                .get(usize::from(threshold))
                .copied()
                .unwrap_or((100.0, 0.0));
            ui.label(text::ask::consequence(answered, wrong));
            ui.add_space(2.0);
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(text::ask::ALWAYS).small().color(palette.weak));
                ui.spacing_mut().slider_width = 220.0;
                let visuals = ui.visuals_mut();
                visuals.widgets.inactive.bg_fill = palette.track;
                visuals.selection.bg_fill = palette.accent;
                visuals.handle_shape = egui::style::HandleShape::Circle;
                for state in [
                    &mut visuals.widgets.inactive,
                    &mut visuals.widgets.hovered,
                    &mut visuals.widgets.active,
                ] {
                    state.fg_stroke = egui::Stroke::new(2.0, palette.accent);
                }
                let slider = Slider::new(&mut threshold, 0..=99)
                    .show_value(false)
                    .trailing_fill(true);
                let response = ui.add(slider);
                widget::name(ui, &response, text::ask::ABSTAIN);
                ui.label(
                    RichText::new(text::ask::ONLY_SURE)
                        .small()
                        .color(palette.weak),
                );
                if response.dragged() {
                    ui.data_mut(|data| data.insert_temp(id, threshold));
                } else if response.drag_stopped() || dragged.is_some() || response.changed() {
                    ui.data_mut(|data| data.remove::<u8>(id));
                    if threshold != saved {
                        commands.push(Command::SetAbstainBelow(threshold));
                    }
                }
            });
        });
    dashed_outline(ui, frame.response.rect, palette.border);
    ui.add_space(theme::GAP);
}
