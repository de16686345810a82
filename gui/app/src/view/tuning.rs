//! Settings for the curious, each with one plain sentence and a way back.

use egui::{CollapsingHeader, DragValue, RichText, Ui};

use super::{Commands, widget};
use crate::{command::Command, state::State, text, theme};
use nearsay_project::{Tuning, estimate};

pub(super) fn show(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let options = &state.project.document.options;
    let tuning = options.tuning;
    let (rounds, batch) =
        estimate::default_epochs_and_batch(options.effort, state.project.counts.training());
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let header = CollapsingHeader::new(text::train::CURIOUS)
        .id_salt("curious")
        .open(Some(state.training.curious))
        .show(ui, |ui| {
            let mut row = |ui: &mut Ui, of: Setting, set: &dyn Fn(Option<u32>) -> Tuning| {
                if let Some(value) = setting(ui, &of) {
                    commands.push(Command::Tune(set(value)));
                }
            };
            row(
                ui,
                Setting {
                    name: text::train::ROUNDS,
                    what: text::train::ROUNDS_WHAT,
                    value: tuning.epochs,
                    usual: small(rounds),
                    range: 1..=500,
                    unit: "",
                },
                &|epochs| Tuning { epochs, ..tuning },
            );
            row(
                ui,
                Setting {
                    name: text::train::BATCH,
                    what: text::train::BATCH_WHAT,
                    value: tuning.batch,
                    usual: small(batch),
                    range: 4..=4096,
                    unit: "",
                },
                &|batch| Tuning { batch, ..tuning },
            );
            row(
                ui,
                Setting {
                    name: text::train::PACE,
                    what: text::train::PACE_WHAT,
                    value: tuning.lr_percent,
                    usual: 100,
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
                    what: text::train::SEED_WHAT,
                    value: tuning.seed,
                    usual: 42,
                    range: 0..=9999,
                    unit: "",
                },
                &|seed| Tuning { seed, ..tuning },
            );
        });
    if header.header_response.clicked() {
        commands.push(Command::ShowAdvanced(!state.training.curious));
    }
}

struct Setting {
    name: &'static str,
    what: &'static str,
    value: Option<u32>,
    usual: u32,
    range: std::ops::RangeInclusive<u32>,
    unit: &'static str,
}

/// One row; `Some` when it was changed, with none for the usual value.
fn setting(ui: &mut Ui, of: &Setting) -> Option<Option<u32>> {
    let palette = theme::palette(ui);
    let mut changed = None;
    ui.horizontal_wrapped(|ui| {
        widget::cell(ui, 120.0, of.name);
        // Typed or dragged, it is one step to undo: told when the box is left.
        let id = ui.scope_id().with(of.name);
        let kept = of.value.unwrap_or(of.usual);
        let mut value = ui.data(|data| data.get_temp::<u32>(id)).unwrap_or(kept);
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
            if value != kept {
                changed = Some((value != of.usual).then_some(value));
            }
        }
        if of.value.is_some() {
            let back = widget::link(ui, "↺");
            widget::name(ui, &back, &text::train::reset(of.name));
            if back
                .on_hover_text(text::train::reset_hint(of.usual))
                .clicked()
            {
                changed = Some(None);
            }
        } else {
            widget::small(ui, text::train::USUAL);
        }
        ui.label(RichText::new(of.what).small().color(palette.weak));
    });
    changed
}
