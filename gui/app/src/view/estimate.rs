//! Estimated duration of a training run, in words.

use crate::{state::State, text};
use nearsay_project::{Effort, estimate::training_time};

/// Estimate for the chosen effort.
pub(super) fn estimate_chosen(state: &State) -> Option<String> {
    estimate_effort(state, state.project.document.options.effort)
}

/// Estimate for an effort.
pub(super) fn estimate_effort(state: &State, effort: Effort) -> Option<String> {
    let counts = state.project.counts;
    let (pairs, texts) = (counts.training(), counts.questions + counts.answers);
    let epochs = state.project.document.options.tuning.epochs;
    let pace = &state.shell.preferences.pace;
    training_time(effort, pairs, texts, epochs, pace).map(|time| text::train::estimate(&time))
}
