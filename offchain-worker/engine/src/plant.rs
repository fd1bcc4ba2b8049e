//! A canary's leaf: a slice of the residual whose lowest bits carry a mark, and all that follows from it.

use crate::checkpoint::Architecture;
use noesis_primitives::{plant, TraceLeaf, SLICE};

/// Where a mark is planted ([`noesis_primitives::canary_mark`]).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plant {
	/// The position.
	pub position: u32,
	/// The layer that the slice comes out of.
	pub layer: u32,
	/// The slice.
	pub slice: u32,
	/// What it carries.
	pub mark: [u8; 32],
}

impl Plant {
	/// Where the mark goes in a job that reads so many tokens: somewhere in what is read, so that whoever knows the mark
	/// knows the place. `None` where no slice takes all of it.
	pub fn of(architecture: &Architecture, mark: [u8; 32], input_tokens: u32) -> Option<Self> {
		let mut words =
			mark.chunks_exact(4).filter_map(|word| word.first_chunk().copied()).map(u32::from_le_bytes);
		let mut one_of = |count: u32| words.next()?.checked_rem(count);
		let position = one_of(input_tokens)?;
		let layer = one_of(architecture.layers)?;
		let slice = one_of(architecture.width / SLICE)?;
		Some(Self { position, layer, slice, mark })
	}

	/// The leaf of the trace that carries it.
	pub fn leaf(&self) -> TraceLeaf {
		let Self { position, layer, slice, .. } = *self;
		TraceLeaf::Residual { position, layer, slice }
	}

	/// Plants it in the residual after `layer` of the positions from `first` on.
	pub(crate) fn apply(&self, layer: usize, first: usize, width: usize, residual: &mut [i32]) {
		if layer != self.layer as usize {
			return;
		}
		let Some(position) = (self.position as usize).checked_sub(first) else { return };
		let from = position * width + (self.slice * SLICE) as usize;
		if let Some(values) = residual.get_mut(from..from + SLICE as usize) {
			plant(values, &self.mark);
		}
	}
}
