//! Output, progress and device arguments shared by the commands.

mod device;
mod output;
mod progress;

pub(crate) use device::DeviceArgs;
pub(crate) use output::{print_json, print_line};
pub(crate) use progress::Bar;
