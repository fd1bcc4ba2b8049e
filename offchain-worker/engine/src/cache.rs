//! Keys and values of the positions that went through the model.

use crate::{checkpoint::Architecture, kernels::attention::KeyValues};

/// A cache for one sequence: `i16` Q9, per layer and key-value head one run of positions.
#[derive(Debug)]
pub struct Cache {
	keys: Vec<i16>,
	values: Vec<i16>,
	/// By layer and head: no key's squared length is larger.
	key_bounds: Vec<u64>,
	kv_heads: usize,
	head_dim: usize,
	capacity: usize,
	length: usize,
}

impl Cache {
	/// Room for `capacity` positions.
	pub fn new(architecture: &Architecture, capacity: usize) -> Self {
		Self::of(
			architecture.layers as usize,
			architecture.kv_heads as usize,
			architecture.head_dim as usize,
			capacity,
		)
	}

	/// Room for `capacity` positions of any shape. Memory is touched only where positions are written.
	pub(crate) fn of(layers: usize, kv_heads: usize, head_dim: usize, capacity: usize) -> Self {
		let size = layers * kv_heads * head_dim * capacity;
		Self {
			keys: vec![0; size],
			values: vec![0; size],
			key_bounds: vec![0; layers * kv_heads],
			kv_heads,
			head_dim,
			capacity,
			length: 0,
		}
	}

	/// Positions it holds.
	pub fn length(&self) -> usize {
		self.length
	}

	/// Positions it can hold.
	pub fn capacity(&self) -> usize {
		self.capacity
	}

	/// Forgets the positions from `length` on.
	pub fn truncate(&mut self, length: usize) {
		self.length = self.length.min(length);
	}

	pub(crate) fn grow(&mut self, positions: usize) {
		self.length = (self.length + positions).min(self.capacity);
	}

	fn start(&self, layer: usize, head: usize) -> usize {
		(layer * self.kv_heads + head) * self.capacity * self.head_dim
	}

	/// Room for key and value of one position of one head.
	pub(crate) fn slot(&mut self, layer: usize, head: usize, position: usize) -> (&mut [i16], &mut [i16]) {
		let at = self.start(layer, head) + position * self.head_dim;
		let range = at..at + self.head_dim;
		(&mut self.keys[range.clone()], &mut self.values[range])
	}

	pub(crate) fn raise_key_bound(&mut self, layer: usize, head: usize, squared_length: u64) {
		let bound = &mut self.key_bounds[layer * self.kv_heads + head];
		*bound = (*bound).max(squared_length);
	}

	/// Key-value heads per layer.
	pub(crate) fn kv_heads(&self) -> usize {
		self.kv_heads
	}

	/// Keys and values of the first `positions` positions of one head. The bound holds for forgotten keys too.
	pub(crate) fn head(&self, layer: usize, head: usize, positions: usize) -> KeyValues<'_> {
		let at = self.start(layer, head);
		let range = at..at + positions * self.head_dim;
		KeyValues {
			keys: &self.keys[range.clone()],
			values: &self.values[range],
			key_bound: self.key_bounds[layer * self.kv_heads + head],
		}
	}
}
