//! Advanced settings, each with an explanation and a button to reset it.

use egui::{CollapsingHeader, DragValue, RichText, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::State, text, theme};
use nearsay_project::{Tuning, estimate};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let options = &state.project.document.options;
    let tuning = options.tuning;
    let (epochs, batch) =
        estimate::default_epochs_and_batch(options.effort, state.project.counts.training());
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let header = CollapsingHeader::new(text::train::ADVANCED)
        .id_salt("advanced")
        .open(Some(state.training.advanced_open))
        .show(ui, |ui| {
            let mut row = |ui: &mut Ui, of: Setting, set: &dyn Fn(Option<u32>) -> Tuning| {
                if let Some(value) = setting(ui, &of) {
                    commands.push(Command::Tune(set(value)));
                }
            };
            row(
                ui,
                Setting {
                    name: text::train::EPOCHS,
                    what: text::train::EPOCHS_HINT,
                    value: tuning.epochs,
                    default: small(epochs),
                    range: 1..=500,
                    unit: "",
                },
                &|epochs| Tuning { epochs, ..tuning },
            );
            row(
                ui,
                Setting {
                    name: text::train::BATCH,
                    what: text::train::BATCH_HINT,
                    value: tuning.batch,
                    default: small(batch),
                    range: 4..=4096,
                    unit: "",
                },
                &|batch| Tuning { batch, ..tuning },
            );
            row(
                ui,
                Setting {
                    name: text::train::LEARNING_RATE,
                    what: text::train::LEARNING_RATE_HINT,
                    value: tuning.lr_percent,
                    default: 100,
                    range: 1..=1000,
                    unit: " %",
                },
                &|lr_percent| Tuning {
                    lr_percent,
                    ..tuning
                },
            );
            row(
                ui,
                Setting {
                    name: text::train::SEED,
                    what: text::train::SEED_HINT,
                    value: tuning.seed,
                    default: 42,
                    range: 0..=9999,
                    unit: "",
                },
                &|seed| Tuning { seed, ..tuning },
            );
        });
    if header.header_response.clicked() {
        commands.push(Command::ShowAdvanced(!state.training.advanced_open));
    }
}

struct Setting {
    name: &'static str,
    what: &'static str,
    value: Option<u32>,
    default: u32,
    range: std::ops::RangeInclusive<u32>,
    unit: &'static str,
}

/// Draws a row. Returns `Some` if the setting was changed, `Some(None)` if it was reset to the default.
fn setting(ui: &mut Ui, of: &Setting) -> Option<Option<u32>> {
    let palette = theme::palette(ui);
    let mut changed = None;
    ui.horizontal_wrapped(|ui| {
        widget::cell(ui, 120.0, of.name);
        // The widget keeps the value until editing ends, so that a drag is one step to undo.
        let id = ui.scope_id().with(of.name);
        let saved = of.value.unwrap_or(of.default);
        let mut value = ui.data(|data| data.get_temp::<u32>(id)).unwrap_or(saved);
        let drag = DragValue::new(&mut value)
            .range(of.range.clone())
            .suffix(of.unit)
            .speed(0.5);
        let response = ui.add(drag);
        widget::name(ui, &response, of.name);
        if response.changed() {
            ui.data_mut(|data| data.insert_temp(id, value));
        }
        if response.drag_stopped() || response.lost_focus() {
            ui.data_mut(|data| data.remove::<u32>(id));
            if value != saved {
                changed = Some((value != of.default).then_some(value));
            }
        }
        if of.value.is_some() {
            let back = widget::link(ui, "↺");
            widget::name(ui, &back, &text::train::reset(of.name));
            if back
                .on_hover_text(text::train::reset_hint(of.default))
                .clicked()
            {
                changed = Some(None);
            }
        } else {
            widget::small(ui, text::train::DEFAULT);
        }
        ui.label(RichText::new(of.what).small().color(palette.weak));
    });
    changed
}
