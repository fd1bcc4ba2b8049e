//! Recorded launches: what a graph of the CUDA driver is on the emulation.
//!
//! A recording keeps each launch with the bytes of its arguments as they were, so whatever should differ from run to run
//! must come from device memory, as on a GPU.

use crate::{known, Machine};
use noesis_cuda::{Arg, DeviceError, Graph, Launch, TensorMap};
use std::sync::Arc;

/// What a thread has recorded.
#[derive(Default)]
pub(crate) struct Recording {
	steps: Vec<Step>,
	/// Allocations that were made and freed while it was recorded.
	held: Vec<u64>,
}

enum Step {
	Launch { kernel: String, launch: Launch, args: Vec<Argument> },
	Zero { address: u64, bytes: usize },
}

/// An argument of its own.
enum Argument {
	Plain(Arg),
	Map(Box<TensorMap>),
}

// SAFETY: pointers in arguments are device addresses or those of maps that are its own.
unsafe impl Send for Recording {}

impl Recording {
	pub(crate) fn launch(&mut self, (kernel, launch, args): (&str, Launch, &[Arg])) {
		let own = |arg: &Arg| match arg {
			// SAFETY: whoever launches promises that the map is where the argument says.
			Arg::Map(map) => Argument::Map(Box::new(unsafe { **map })),
			plain => Argument::Plain(*plain),
		};
		self.steps.push(Step::Launch { kernel: kernel.into(), launch, args: args.iter().map(own).collect() });
	}

	pub(crate) fn zero(&mut self, (address, bytes): (u64, usize)) {
		self.steps.push(Step::Zero { address, bytes });
	}

	pub(crate) fn hold(&mut self, address: u64) {
		self.held.push(address);
	}
}

/// A recording that can be run.
pub(crate) struct EmulatedGraph {
	machine: Arc<Machine>,
	recording: Recording,
}

impl EmulatedGraph {
	pub(crate) const fn new(machine: Arc<Machine>, recording: Recording) -> Self {
		Self { machine, recording }
	}
}

impl Graph for EmulatedGraph {
	fn launch(&self) -> Result<(), DeviceError> {
		self.machine.outside_recordings()?;
		for step in &self.recording.steps {
			match step {
				Step::Launch { kernel, launch, args } => {
					let name = known(kernel, self.machine.architecture, args.len())?;
					let args: Vec<Arg> = args
						.iter()
						.map(|arg| match arg {
							Argument::Plain(arg) => *arg,
							Argument::Map(map) => map.arg(),
						})
						.collect();
					// SAFETY: the promise of the launch that was recorded; what it uses lives, by the promise made to
					// `capture`.
					unsafe { self.machine.launch(&name, kernel, *launch, &args)? };
				},
				// SAFETY: as above.
				Step::Zero { address, bytes } => unsafe { Machine::zero(*address, *bytes) },
			}
		}
		Ok(())
	}
}

impl Drop for EmulatedGraph {
	fn drop(&mut self) {
		for address in &self.recording.held {
			self.machine.free(*address);
		}
	}
}
