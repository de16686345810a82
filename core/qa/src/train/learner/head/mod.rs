//! A head over a frozen encoder: texts are its cached vectors, optimised by Adam.
//!
//! | learner | gradient | for |
//! | --- | --- | --- |
//! | [`ClosedHead`] | in closed form, over buffers that are kept | what the recipes use, on the processor |
//! | [`AutogradHead`] | candle's | every head, loss and device |
//!
//! Both take the same steps: a test holds loss and every gradient equal to 1e-5, and a state that one
//! has saved the other goes on from. [`train_head`] chooses.

mod affine;
mod autograd;
mod closed;
#[cfg(test)]
mod tests;

pub use autograd::AutogradHead;
pub use closed::ClosedHead;

use crate::train::{Event, Fit, Fitted, TrainError, data::normalized};
use candle_core::Device;
use nearsay_core::matrix::Matrix;

/// Does a run with the learner that fits its settings and the device: [`ClosedHead`] where it can,
/// which [`ClosedHead::new`] says, else [`AutogradHead`].
///
/// # Errors
/// As [`Fit::run`], or when the device refuses.
pub fn train_head(
    fit: &Fit<'_>,
    device: &Device,
    resume: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<Fitted, TrainError> {
    match ClosedHead::new(fit.settings).filter(|_| device.is_cpu()) {
        Some(mut learner) => fit.run(&mut learner, resume, on_event),
        None => {
            let mut learner = AutogradHead::new(fit.settings, device)?;
            fit.run(&mut learner, resume, on_event)
        }
    }
}

/// Vectors as the head takes them, if they are of its length.
fn placeable(vectors: Matrix, in_dim: usize, normalize: bool) -> Result<Matrix, TrainError> {
    let found = vectors.columns();
    if in_dim != found && vectors.rows() > 0 {
        return Err(TrainError::Setting(format!(
            "the head is for embeddings of length {in_dim}, these have length {found}"
        )));
    }
    Ok(match normalize {
        true => normalized(vectors),
        false => vectors,
    })
}
