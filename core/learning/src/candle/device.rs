//! Which processor does the maths.

use candle_core::Device;
use std::fmt;
use std::str::FromStr;

/// The processor to compute on, as given on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A graphics card if this build and this machine have one, else the processor.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA graphics card (needs a build with the feature `cuda`).
    Cuda,
    /// An Apple graphics processor (needs a build with the feature `metal`).
    Metal,
}

/// Why a device cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceError {
    /// No device goes by this name.
    Unknown(String),
    /// This build was made without support for the device.
    NotBuilt(DeviceChoice),
    /// The device did not open.
    Unavailable(DeviceChoice, candle_core::Error),
}

impl DeviceChoice {
    /// The name used on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }

    /// Opens the device. [`Auto`](Self::Auto) never fails: it falls back to the processor.
    ///
    /// # Errors
    /// When a graphics card was asked for by name and this build or this machine has none.
    pub fn open(self) -> Result<Device, DeviceError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => Ok(Self::Cuda
                .open()
                .or_else(|_| Self::Metal.open())
                .unwrap_or(Device::Cpu)),
            Self::Cuda if cfg!(feature = "cuda") => {
                Device::new_cuda(0).map_err(|error| DeviceError::Unavailable(self, error))
            }
            Self::Metal if cfg!(feature = "metal") => {
                Device::new_metal(0).map_err(|error| DeviceError::Unavailable(self, error))
            }
            Self::Cuda | Self::Metal => Err(DeviceError::NotBuilt(self)),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, DeviceError> {
        [Self::Auto, Self::Cpu, Self::Cuda, Self::Metal]
            .into_iter()
            .find(|choice| choice.name() == name)
            .ok_or_else(|| DeviceError::Unknown(name.into()))
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => {
                write!(f, "no device {name:?}; known are auto, cpu, cuda and metal")
            }
            Self::NotBuilt(choice) => write!(
                f,
                "this build has no support for {choice}; use --device cpu, or build it with \
                 --features {choice}"
            ),
            Self::Unavailable(choice, error) => write!(
                f,
                "the {choice} device did not open; use --device cpu ({error})"
            ),
        }
    }
}

impl std::error::Error for DeviceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for name in ["auto", "cpu", "cuda", "metal"] {
            assert_eq!(name.parse::<DeviceChoice>().unwrap().to_string(), name);
        }
        let error = "gpu".parse::<DeviceChoice>().unwrap_err().to_string();
        assert!(error.contains("auto, cpu"), "{error}");
    }

    #[test]
    fn auto_and_cpu_always_open() {
        assert!(DeviceChoice::Auto.open().is_ok());
        assert!(DeviceChoice::Cpu.open().unwrap().is_cpu());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_card_this_build_cannot_use_is_refused_with_the_remedy() {
        let error = DeviceChoice::Cuda.open().unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
}
