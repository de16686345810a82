//! Arguments for device and precision.

use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_core::candle::device::DeviceChoice;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DeviceArgs {
    /// Device to compute on: auto, cpu, cuda or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub(crate) device: DeviceChoice,
    /// Precision of transformers on the CPU: f32, or fast, which computes with 8-bit integers if the
    /// CPU supports AVX2 or ARM's dot product
    #[arg(long, default_value_t = Precision::F32, value_name = "PRECISION")]
    precision: Precision,
}

impl DeviceArgs {
    /// The requested precision; warns on stderr if the device uses another.
    #[must_use]
    pub(crate) fn precision(&self, device: &Device) -> Precision {
        if self.precision.on(device) != self.precision {
            eprintln!(
                "“--precision {}” needs a CPU with AVX2 or ARM's dot product; using {} instead.",
                self.precision,
                self.precision.on(device)
            );
        }
        self.precision
    }
}
