//! Arguments that choose where to compute.

use candle_core::Device;
use nearsay_bert::Precision;
use nearsay_core::candle::device::DeviceChoice;

/// Where to compute.
#[derive(Clone, Debug, clap::Args)]
pub struct DeviceArgs {
    /// Where to compute: auto, cpu, cuda or metal
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// How a network on the processor computes: f32, or fast, in eight-bit integers where the
    /// processor has them: quicker, and the right answer first as often within 3 of 1,000
    /// questions
    #[arg(long, default_value_t = Precision::F32, value_name = "PRECISION")]
    precision: Precision,
}

impl DeviceArgs {
    /// The precision to ask for, with a warning on stderr if this device computes in another.
    #[must_use]
    pub fn precision(&self, device: &Device) -> Precision {
        if self.precision.on(device) != self.precision {
            eprintln!(
                "“{}” needs a processor with AVX-512 VNNI; computing in {} instead.",
                self.precision,
                self.precision.on(device)
            );
        }
        self.precision
    }
}
