//! Which device computes.

use crate::{cuda::CudaDevice, device::Device, DeviceError};
use std::sync::Arc;

/// What computes, as a user says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
	/// The first GPU that can be used, else the CPU.
	#[default]
	Auto,
	/// The CPU's own code.
	Cpu,
	/// The first GPU, or an error.
	Cuda,
	/// The kernels, run on the CPU: for tests only.
	Emulation,
}

impl std::str::FromStr for Backend {
	type Err = DeviceError;

	fn from_str(name: &str) -> Result<Self, DeviceError> {
		match name {
			"auto" => Ok(Self::Auto),
			"cpu" => Ok(Self::Cpu),
			"cuda" => Ok(Self::Cuda),
			"emulation" => Ok(Self::Emulation),
			_ => Err(DeviceError::Shape(format!("`{name}` is no backend: auto, cpu, cuda or emulation"))),
		}
	}
}

/// What was chosen.
pub enum Chosen {
	/// This device.
	Device(Arc<dyn Device>),
	/// The CPU's own code.
	Cpu {
		/// Why, for the log.
		reason: String,
	},
}

/// Makes the emulation, in programs that link it.
pub type MakeEmulation = fn() -> Arc<dyn Device>;

/// Finds the device that is meant.
///
/// # Errors
/// Why the GPU that was asked for can't be used; or [`DeviceError::Unsupported`] if the emulation is asked for and not
/// linked.
pub fn choose(backend: Backend, emulation: Option<MakeEmulation>) -> Result<Chosen, DeviceError> {
	match backend {
		Backend::Cpu => Ok(Chosen::Cpu { reason: "it was asked for".into() }),
		Backend::Cuda => Ok(Chosen::Device(CudaDevice::open(0)?)),
		Backend::Auto => Ok(match CudaDevice::open(0) {
			Ok(device) => Chosen::Device(device),
			Err(error) => Chosen::Cpu { reason: error.to_string() },
		}),
		Backend::Emulation => match emulation {
			Some(make) => Ok(Chosen::Device(make())),
			None => {
				Err(DeviceError::Unsupported("emulate kernels: this program was built without the emulation"))
			},
		},
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_choice_should_be_what_was_asked_for() {
		assert!(matches!(choose(Backend::Cpu, None), Ok(Chosen::Cpu { .. })));
		assert!(matches!(choose(Backend::Emulation, None), Err(DeviceError::Unsupported(_))));
		match (choose(Backend::Cuda, None), choose(Backend::Auto, None)) {
			(Ok(Chosen::Device(asked)), Ok(Chosen::Device(found))) => assert_eq!(asked.name(), found.name()),
			(Err(refused), Ok(Chosen::Cpu { reason })) => assert_eq!(refused.to_string(), reason),
			_ => panic!("automatic and asked for must agree on whether there is a GPU"),
		}
	}

	#[test]
	fn a_backend_should_be_read_from_its_name() {
		let named = ["auto", "cpu", "cuda", "emulation"].map(|name| name.parse::<Backend>().unwrap());
		assert_eq!(named, [Backend::Auto, Backend::Cpu, Backend::Cuda, Backend::Emulation]);
		assert!("gpu".parse::<Backend>().unwrap_err().to_string().contains("`gpu` is no backend"));
	}
}
