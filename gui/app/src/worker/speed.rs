//! Measuring the speed of this machine, for estimates before anything was trained.

use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};

use super::{Event, EventSender, thread};
use crate::state::UserError;

/// Rows, inner size and columns of the matrix product; close to those of a sentence encoder.
const SHAPE: (usize, usize, usize) = (256, 384, 1536);
/// The fastest of several products counts, so that other programs don't distort the result.
const TRIES: usize = 8;

/// Measures the speed on a thread.
pub(super) fn start(events: EventSender) -> Result<(), UserError> {
    thread::start(
        "speed",
        move || match measure_speed() {
            Ok(speed) => events.send(Event::SpeedMeasured(speed)),
            // Without it, the first training has no time estimate.
            Err(error) => tracing::warn!(%error, "cannot measure the speed of this machine"),
        },
        || {},
    )
}

/// Measures the speed of a matrix product in GFLOP/s.
fn measure_speed() -> candle_core::Result<f64> {
    let (rows, inner, columns) = SHAPE;
    let a = Tensor::ones((rows, inner), DType::F32, &Device::Cpu)?;
    let b = Tensor::ones((inner, columns), DType::F32, &Device::Cpu)?;
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let since = Instant::now();
        a.matmul(&b)?;
        best = best.min(since.elapsed());
    }
    let operations = 2.0 * (rows * inner * columns) as f64;
    Ok(operations / best.as_secs_f64().max(1e-9) / 1e9)
}
