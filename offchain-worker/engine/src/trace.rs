//! The trace of a job: hashes of the tokens and of the residual, in the order of [`TraceShape`].

use crate::checkpoint::Architecture;
use noesis_primitives::{merkle, Opening, TraceLeaf, TraceShape, SLICE};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// What a token leaf holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenLeaf {
	/// The token.
	pub id: u32,
	/// Where it ends: in the text that is read, or in the output.
	pub end: u32,
}

impl TokenLeaf {
	/// The leaf's values.
	pub fn values(&self) -> [i32; 2] {
		[self.id as i32, self.end as i32]
	}

	/// The leaf's hash.
	pub fn hash(&self) -> merkle::Node {
		merkle::leaf_hash(&Opening::leaf_bytes(&self.values()))
	}
}

/// Collects leaves while a job runs.
#[derive(Debug)]
pub struct Trace {
	layers: usize,
	slices: usize,
	width: usize,
	leaves: Vec<merkle::Node>,
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
		1 + self.layers * self.slices
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
				let hashes = leaves[1 + layer * slices..].iter_mut();
				for (leaf, values) in hashes.zip(residual.chunks(SLICE as usize)) {
					for (bytes, value) in bytes.chunks_exact_mut(4).zip(values) {
						bytes.copy_from_slice(&value.to_le_bytes());
					}
					*leaf = merkle::leaf_hash(&bytes[..4 * values.len()]);
				}
			});
		for (&index, values) in self.captured.range_mut(start as u64..end as u64) {
			let (position, rest) = (index as usize / per_position - first, index as usize % per_position);
			let Some(rest) = rest.checked_sub(1) else { continue };
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

	/// Leaves in order, and the captured values of those that exist. `tokens`: of every position, and the last one
	/// produced; there is one more of them than positions.
	pub fn finish(mut self, tokens: &[TokenLeaf]) -> (Vec<merkle::Node>, BTreeMap<u64, Vec<i32>>) {
		let per_position = self.leaves_per_position();
		self.leaves.push(merkle::EMPTY);
		for (leaf, token) in self.leaves.iter_mut().step_by(per_position).zip(tokens) {
			*leaf = token.hash();
		}
		for (&index, values) in self.captured.range_mut(..self.leaves.len() as u64) {
			if let Some(token) = tokens.get(index as usize / per_position) {
				if (index as usize).is_multiple_of(per_position) {
					*values = token.values().to_vec();
				}
			}
		}
		self.captured.retain(|_, values| !values.is_empty());
		(self.leaves, self.captured)
	}
}

/// Leaves of a trace that is given whole. `residuals`: by layer, then position, as [`Trace::record`] takes them.
pub fn trace_of(
	architecture: &Architecture,
	tokens: &[TokenLeaf],
	residuals: &[Vec<i32>],
) -> Vec<merkle::Node> {
	let mut trace = Trace::new(architecture, &[]);
	for (layer, residual) in residuals.iter().enumerate() {
		trace.record(0, layer, residual);
	}
	trace.finish(tokens).0
}

/// Shape of the trace over `tokens` tokens, the last one produced among them.
pub fn shape(architecture: &Architecture, tokens: usize) -> TraceShape {
	architecture.trace(u32::try_from(tokens.saturating_sub(1)).unwrap_or(u32::MAX))
}

/// Number of a leaf among so many tokens.
pub fn index(architecture: &Architecture, tokens: usize, leaf: TraceLeaf) -> Option<u32> {
	shape(architecture, tokens).index(leaf)
}
