//! Parts that every command-line program of ours shares: output, progress, and where to compute.

mod device;
mod output;
mod progress;

pub use device::DeviceArgs;
pub use output::{print_json, print_line};
pub use progress::Bar;
