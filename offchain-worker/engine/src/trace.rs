//! The trace of a job: hashes of the residual, slice by slice.
//!
//! Leaf `((position · layers) + layer) · slices + slice` is 64 consecutive values of the residual after `layer`, each
//! an `i32` in four bytes, little endian. The last slice of a width that is no multiple of 64 is shorter.

use crate::checkpoint::Architecture;
use noesis_primitives::{merkle, SLICE};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Collects leaves while a job runs.
#[derive(Debug)]
pub struct Trace {
	layers: usize,
	slices: usize,
	width: usize,
	leaves: Vec<[u8; 32]>,
	/// Values of the leaves that were asked for, as far as they were computed.
	captured: BTreeMap<u64, Vec<i32>>,
}

impl Trace {
	/// A trace that keeps the values of the leaves in `capture`.
	pub fn new(architecture: &Architecture, capture: &[u64]) -> Self {
		Self {
			layers: architecture.layers as usize,
			slices: architecture.slices() as usize,
			width: architecture.width as usize,
			leaves: Vec::new(),
			captured: capture.iter().map(|&index| (index, Vec::new())).collect(),
		}
	}

	fn leaves_per_position(&self) -> usize {
		self.layers * self.slices
	}

	/// Takes the residual of the positions from `first` on, after `layer`.
	pub fn record(&mut self, first: usize, layer: usize, residual: &[i32]) {
		let per_position = self.leaves_per_position();
		let positions = residual.len() / self.width;
		let (start, end) = (first * per_position, (first + positions) * per_position);
		self.leaves.resize(self.leaves.len().max(end), merkle::EMPTY);
		let (width, slices) = (self.width, self.slices);
		self.leaves[start..end]
			.par_chunks_exact_mut(per_position)
			.zip(residual.par_chunks_exact(width))
			.for_each(|(leaves, residual)| {
				let mut bytes = [0; 4 * SLICE as usize];
				let hashes = leaves[layer * slices..].iter_mut();
				for (leaf, values) in hashes.zip(residual.chunks(SLICE as usize)) {
					for (bytes, value) in bytes.chunks_exact_mut(4).zip(values) {
						bytes.copy_from_slice(&value.to_le_bytes());
					}
					*leaf = merkle::leaf_hash(&bytes[..4 * values.len()]);
				}
			});
		for (&index, values) in self.captured.range_mut(start as u64..end as u64) {
			let (position, rest) = (index as usize / per_position - first, index as usize % per_position);
			if rest / slices == layer {
				let row = &residual[position * width..(position + 1) * width];
				*values = row.chunks(SLICE as usize).nth(rest % slices).unwrap_or_default().to_vec();
			}
		}
	}

	/// Forgets the positions from `positions` on.
	pub fn truncate(&mut self, positions: usize) {
		let end = positions * self.leaves_per_position();
		self.leaves.truncate(end);
		for (_, values) in self.captured.range_mut(end as u64..) {
			values.clear();
		}
	}

	/// Leaves in order, and the captured values of those that exist.
	pub fn finish(mut self) -> (Vec<[u8; 32]>, BTreeMap<u64, Vec<i32>>) {
		self.captured.retain(|_, values| !values.is_empty());
		(self.leaves, self.captured)
	}
}
