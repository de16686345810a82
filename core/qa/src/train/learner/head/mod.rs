//! A head over a frozen encoder: the data are cached vectors, the optimiser is Adam.
//!
//! | learner | gradient | for |
//! | --- | --- | --- |
//! | [`ClosedHead`] | in closed form, over reused buffers | the recipes' heads and loss, on the CPU |
//! | [`AutogradHead`] | candle's | every head, loss and device |
//!
//! Both take the same steps to within 1e-5, and either continues from the other's checkpoint.
//! [`train_head`] chooses.

mod affine;
mod autograd;
mod closed;
#[cfg(test)]
mod tests;

pub use autograd::AutogradHead;
pub use closed::ClosedHead;

use crate::train::{
    Event, Fit, Fitted, SettingsError, TrainError, data::normalized, objective::Objective,
};
use candle_core::Device;
use nearsay_core::{
    candle::{TrainableHead, text::SharedHead},
    matrix::Matrix,
};
use std::sync::Arc;

/// Runs with [`ClosedHead`] where that supports settings and device, else with [`AutogradHead`].
///
/// # Errors
/// As [`Fit::run`], or when the device refuses.
pub fn train_head(
    fit: &Fit<'_>,
    device: &Device,
    resume: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Fitted, TrainError> {
    if device.is_cpu()
        && fit.loss.is_from_settings()
        && let Some(mut learner) = ClosedHead::new(fit.settings)
    {
        return fit.run(&mut learner, resume, on_event);
    }
    let head = AutogradHead::untrained(fit.settings, device)?;
    train_autograd(fit, head, device, resume, on_event)
}

/// Runs a head of the caller's, whose parameters are variables. The run starts from their present
/// values and leaves its last ones.
///
/// # Errors
/// As [`Fit::run`], and when a parameter is not a variable.
pub fn train_custom_head(
    fit: &Fit<'_>,
    head: &SharedHead,
    device: &Device,
    resume: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Fitted, TrainError> {
    let head = TrainableHead::from_head(Box::new(Arc::clone(head)))?;
    train_autograd(fit, head, device, resume, on_event)
}

fn train_autograd(
    fit: &Fit<'_>,
    head: TrainableHead,
    device: &Device,
    resume: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Fitted, TrainError> {
    let (groups, dim) = (fit.train.groups(), head.head().out_dim());
    let objective = Objective::new(fit.settings, &fit.loss, groups, dim, device)?;
    let mut learner = AutogradHead::with_head(fit.settings, head, objective, device)?;
    fit.run(&mut learner, resume, on_event)
}

/// The head's input from vectors, if they have its length.
fn head_input(vectors: Matrix, in_dim: usize, normalize: bool) -> Result<Matrix, TrainError> {
    let found = vectors.columns();
    if in_dim != found && vectors.rows() > 0 {
        return Err(SettingsError::HeadWidth {
            expected: in_dim,
            found,
        }
        .into());
    }
    Ok(if normalize {
        normalized(vectors)
    } else {
        vectors
    })
}
