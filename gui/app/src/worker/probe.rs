//! How fast this machine is, before it has done anything worth timing.

use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};

use super::{Event, Outlet, thread};
use crate::state::UserError;

/// Rows, inner size and columns of the product: about those of a sentence encoder's.
const SHAPE: (usize, usize, usize) = (256, 384, 1536);
/// The best of several: what else the machine does must not count.
const TRIES: usize = 8;

/// Times a product of matrices on a thread of its own.
pub(super) fn start(outlet: Outlet) -> Result<(), UserError> {
    // Without a guess there is only no estimate for the first training.
    let measure = move || {
        if let Ok(speed) = measure() {
            outlet.send(Event::Probed(speed));
        }
    };
    thread::start("probe", measure, || {})
}

/// Billions of operations a second.
fn measure() -> candle_core::Result<f64> {
    let (rows, inner, columns) = SHAPE;
    let a = Tensor::ones((rows, inner), candle_core::DType::F32, &Device::Cpu)?;
    let b = Tensor::ones((inner, columns), candle_core::DType::F32, &Device::Cpu)?;
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let since = Instant::now();
        a.matmul(&b)?;
        best = best.min(since.elapsed());
    }
    let operations = 2.0 * (rows * inner * columns) as f64;
    Ok(operations / best.as_secs_f64().max(1e-9) / 1e9)
}
