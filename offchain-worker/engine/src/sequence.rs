//! One sequence on its way through a model, wherever the model runs.

use crate::{
	checkpoint::Architecture,
	device_model::{DeviceModel, DeviceSequence},
	dispute::Fault,
	model::{Model, State, MAX_BATCH},
	plant::Plant,
	EngineError,
};
use noesis_canon::sampler::{sample, Sampling};
use noesis_cuda::DeviceError;

/// A model that is loaded somewhere.
#[derive(Debug)]
pub(crate) enum Loaded {
	/// In this machine's memory.
	Cpu(Box<Model>),
	/// In a device's memory.
	Device(Box<DeviceModel>),
}

impl Loaded {
	pub(crate) fn architecture(&self) -> &Architecture {
		match self {
			Self::Cpu(model) => model.architecture(),
			Self::Device(model) => model.architecture(),
		}
	}

	/// Begins a sequence of at most `capacity` positions (cut to the context).
	pub(crate) fn start(&self, capacity: usize) -> Result<Sequence<'_>, DeviceError> {
		Ok(Sequence(match self {
			Self::Cpu(model) => Place::Cpu(Box::new(CpuSequence {
				model,
				state: model.start(capacity),
				logits: Vec::new(),
				scratch: Vec::new(),
			})),
			Self::Device(model) => Place::Device(Box::new(model.start(capacity)?)),
		}))
	}
}

/// Called with a layer's index and the residual after it, of all tokens of a batch, token by token.
pub type AfterLayer<'a> = &'a mut dyn FnMut(usize, &[i32]);

/// One sequence on its way through a model: the same bits on the CPU and on a device.
///
/// On the CPU nothing fails. After an error the sequence is of no more use.
pub struct Sequence<'a>(Place<'a>);

enum Place<'a> {
	Cpu(Box<CpuSequence<'a>>),
	Device(Box<DeviceSequence<'a>>),
}

struct CpuSequence<'a> {
	model: &'a Model,
	state: State,
	logits: Vec<i32>,
	scratch: Vec<u32>,
}

impl Sequence<'_> {
	/// Positions that went through.
	pub fn length(&self) -> usize {
		match &self.0 {
			Place::Cpu(cpu) => cpu.state.cache.length(),
			Place::Device(device) => device.length(),
		}
	}

	/// Forgets the positions from `length` on.
	pub fn truncate(&mut self, length: usize) {
		match &mut self.0 {
			Place::Cpu(cpu) => cpu.state.cache.truncate(length),
			Place::Device(device) => device.truncate(length),
		}
	}

	/// Computes one value wrongly from now on.
	///
	/// # Errors
	/// [`EngineError::NoFaults`], on a device.
	pub fn set_fault(&mut self, fault: Fault) -> Result<(), EngineError> {
		match &mut self.0 {
			Place::Cpu(cpu) => {
				cpu.state.fault = Some(fault);
				Ok(())
			},
			Place::Device(_) => Err(EngineError::NoFaults),
		}
	}

	/// Plants a mark from now on.
	///
	/// # Errors
	/// [`EngineError::NoFaults`], on a device.
	pub fn set_plant(&mut self, plant: Plant) -> Result<(), EngineError> {
		match &mut self.0 {
			Place::Cpu(cpu) => {
				cpu.state.plant = Some(plant);
				Ok(())
			},
			Place::Device(_) => Err(EngineError::NoFaults),
		}
	}

	/// Whether tokens that come one by one run as a recorded graph of the device.
	pub fn is_recorded(&self) -> bool {
		match &self.0 {
			Place::Cpu(_) => false,
			Place::Device(device) => device.is_recorded(),
		}
	}

	/// Most tokens of one [`Sequence::forward`].
	pub fn max_batch(&self) -> usize {
		match &self.0 {
			Place::Cpu(_) => MAX_BATCH,
			Place::Device(device) => device.max_batch(),
		}
	}

	/// Puts `tokens` through the model: at most [`Sequence::max_batch`], and no more than there is room for.
	///
	/// # Errors
	/// What the device reports.
	pub fn forward(
		&mut self,
		tokens: &[u32],
		after_layer: Option<AfterLayer<'_>>,
	) -> Result<(), DeviceError> {
		match &mut self.0 {
			Place::Cpu(cpu) => {
				let mut ignore = |_: usize, _: &[i32]| {};
				cpu.model.forward(&mut cpu.state, tokens, after_layer.unwrap_or(&mut ignore));
				Ok(())
			},
			Place::Device(device) => device.forward(tokens, after_layer),
		}
	}

	/// Computes the logits (Q16) that follow the last `count` tokens of the last batch, and keeps them for
	/// [`Sequence::pick`] and [`Sequence::logits`].
	///
	/// # Errors
	/// What the device reports.
	pub fn compute_logits(&mut self, count: usize) -> Result<(), DeviceError> {
		match &mut self.0 {
			Place::Cpu(cpu) => {
				cpu.model.logits(&mut cpu.state, count, &mut cpu.logits);
				Ok(())
			},
			Place::Device(device) => device.compute_logits(count),
		}
	}

	/// The kept logits, `count` rows of the vocabulary.
	///
	/// # Errors
	/// What the device reports.
	pub fn logits(&self) -> Result<Vec<i32>, DeviceError> {
		match &self.0 {
			Place::Cpu(cpu) => Ok(cpu.logits.clone()),
			Place::Device(device) => device.logits(),
		}
	}

	/// The token that follows row `row` of the kept logits and comes to stand at output position `position`. Between two
	/// computations of logits, rows that follow each other are asked with positions that follow each other, and with the
	/// same sampling.
	///
	/// # Errors
	/// What the device reports.
	pub fn pick(&mut self, row: usize, sampling: &Sampling, position: u32) -> Result<u32, DeviceError> {
		match &mut self.0 {
			Place::Cpu(cpu) => {
				let vocabulary = cpu.model.architecture().vocabulary as usize;
				cpu.scratch.resize(vocabulary, 0);
				let logits = &cpu.logits[row * vocabulary..(row + 1) * vocabulary];
				Ok(sample(logits, sampling, position, &mut cpu.scratch) as u32)
			},
			Place::Device(device) => device.pick(row, sampling, position),
		}
	}
}
