//! Weights of the universal calibrator, written by `nearsay-bench calibrate`.

use super::features::FEATURES;

/// Weight of each feature, then the intercept.
#[rustfmt::skip]
pub(super) const WEIGHTS: [f32; FEATURES + 1] = [
    -0.1941,
    0.4353,
    0.6521,
    1.349,
    2.546,
    1.06,
    -0.8631,
    -0.3878,
    0.4582,
    0.178,
    0.2045,
    1.45,
    -0.0488,
    -0.1176,
    -6.932,
];
