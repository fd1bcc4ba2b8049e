//! One token through a model as a recorded graph: hundreds of launches for the cost of one.
//!
//! What changes from token to token lies on the device: its id, and the number of positions before it, which the kernels
//! add to what they were recorded with. Attention is recorded for a full cache, and blocks beyond its end have nothing to
//! do. The logits are part of it. Bits are those of the launches one by one.

use super::{
	attention::Attention,
	model::{Model, Place, Sequence, State},
};
use crate::{Buffer, DeviceError, Graph};

/// The launches of one token of one sequence.
pub(super) struct Step {
	/// The model that they are of.
	model: u64,
	/// Positions before the token.
	past: Buffer<i32>,
	/// Its memory is that of the graph: no other batch may ask for more.
	attention: Attention,
	run: Run,
}

/// How they run.
enum Run {
	/// Not yet: kernels must have been launched before they can be recorded.
	Fresh,
	/// As a graph. What it uses belongs to the model that the sequence is put through, to the sequence, and to this.
	Graph(Box<dyn Graph>),
	/// One by one, where the device has no graphs.
	Launches,
}

impl Step {
	fn new(model: &Model) -> Result<Self, DeviceError> {
		Ok(Self {
			model: model.id,
			past: Buffer::zeros(&model.device, 1)?,
			attention: Attention::new(&model.device, model.shape().heads)?,
			run: Run::Fresh,
		})
	}

	pub(super) fn is_graph(&self) -> bool {
		matches!(self.run, Run::Graph(_))
	}

	fn launch(&mut self, model: &Model, state: &State) -> Result<(), DeviceError> {
		let place = Place { first: 0, past: Some(&self.past) };
		model.through_layers(state, &mut self.attention, place)?;
		model.logits_of(state, 1)
	}

	/// Queues the token whose id is on the device.
	fn run(&mut self, model: &Model, state: &State) -> Result<(), DeviceError> {
		match &self.run {
			Run::Graph(graph) => return graph.launch(),
			Run::Launches => return self.launch(model, state),
			Run::Fresh => self.launch(model, state)?,
		}
		// SAFETY: the graph is kept in the sequence, beside all memory that it uses but the model's, and launched only with
		// that model at hand.
		let graph = unsafe { model.device.capture(&mut || self.launch(model, state)) };
		self.run = match graph {
			Ok(graph) => Run::Graph(graph),
			Err(DeviceError::Unsupported(_)) => Run::Launches,
			Err(error) => return Err(error),
		};
		Ok(())
	}
}

impl Model {
	/// Queues the one token whose id is on the device, and the logits after it.
	pub(super) fn step(&self, sequence: &mut Sequence) -> Result<(), DeviceError> {
		let recorded = sequence.step.take().filter(|step| step.model == self.id);
		let mut step = recorded.map_or_else(|| Step::new(self), Ok)?;
		step.past.write(&[sequence.state.length as i32])?;
		step.run(self, &sequence.state)?;
		sequence.step = Some(step);
		sequence.state.length += 1;
		sequence.state.rows = 1;
		Ok(())
	}
}
